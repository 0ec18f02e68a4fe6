import type { PackedBatch } from '../domain/packed-batch.js';
import type { Reject } from '../domain/recipient.js';
import { CommonAddress } from './common-address.js';
import { type CsvLayout, faulty, NUL_FAULT, ragged } from './csv-layout.js';
import { quoteFault } from './csv-reader.js';
import { CsvScanner } from './csv-scanner.js';
import { RowWriter } from './row-writer.js';
import type { Screen } from './screen.js';

/**
 * Turns CSV into packed recipients without an object or text for any row that is as most are. An address that is not so
 * common, or a fault, is decided as for a row of text.
 */
export class CsvPacker {
  readonly #scanner: CsvScanner;
  readonly #writer = new RowWriter();
  readonly #address = new CommonAddress();
  readonly #layout: CsvLayout;
  readonly #values: Int32Array;
  readonly #screen: Screen;
  #toSkip: number;

  /** `values` are the places of the cells that a recipient keeps, in their order. */
  constructor(layout: CsvLayout, values: readonly number[], screen: Screen, source: string) {
    this.#layout = layout;
    this.#values = Int32Array.from(values);
    this.#screen = screen;
    this.#toSkip = layout.toSkip;
    this.#scanner = new CsvScanner(layout.dialect, layout.width, source);
  }

  /** The rows that these bytes complete, up to the screen's limit. */
  push(bytes: Buffer, final: boolean): PackedBatch {
    const scanner = this.#scanner;
    const rejects: Reject[] = [];
    this.#writer.clear();
    scanner.push(bytes, final);
    while (scanner.next()) {
      if (this.#toSkip-- > 0 || this.#screen.full) continue;
      const reject = this.#row();
      if (reject) rejects.push(reject);
    }
    return { rejects, ...this.#writer.written() };
  }

  /** Writes the recipient of the record that was found last, or says why it is none. */
  #row(): Reject | null {
    const scanner = this.#scanner;
    const { emailIndex, width } = this.#layout;
    const { line, starts, ends, bytes } = scanner;
    const text = () => (scanner.cells > emailIndex ? scanner.text(emailIndex) : '');
    if (scanner.faultyCell > 0) return faulty(line, text(), quoteFault(scanner.faultyCell));
    if (scanner.hasNul()) return faulty(line, text(), NUL_FAULT);
    if (scanner.cells !== width) return ragged(line, text(), scanner.cells, width);
    const common = this.#address.read(bytes, starts[emailIndex] ?? 0, ends[emailIndex] ?? 0);
    if (common) {
      const refused = this.#screen.admitCommon(line, this.#address, text);
      if (refused === null) this.#writer.common(scanner, emailIndex, this.#address, this.#values);
      return refused;
    }
    const admitted = this.#screen.admit(line, text());
    if (typeof admitted !== 'string') return admitted;
    this.#writer.other(scanner, admitted, this.#values);
    return null;
  }
}
