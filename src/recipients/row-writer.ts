import type { CommonAddress } from './common-address.js';
import { CELL, type CsvScanner } from './csv-scanner.js';

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** A byte of a cell takes at most 6 in JSON, as `\u0001` does; the rest is for an address and a line's number. */
const MOST_OF_BYTE = 6;
const MOST_OF_ROW = 2_048;

/** Writes recipients as JSON, byte by byte from the list, in the form of `PackedBatch`. */
export class RowWriter {
  #bytes = Buffer.allocUnsafe(131_072);
  #filled = 0;
  #ends = new Uint32Array(2_048);
  #count = 0;

  clear(): void {
    this.#filled = 0;
    this.#count = 0;
  }

  /** What was written since `clear`, good until the next one. */
  written(): { readonly bytes: Buffer; readonly ends: Uint32Array } {
    return { bytes: this.#bytes.subarray(0, this.#filled), ends: this.#ends.subarray(0, this.#count) };
  }

  /** The recipient in the record that was found last; `values` are the cells to keep. */
  common(record: CsvScanner, addressCell: number, address: CommonAddress, values: Int32Array): void {
    this.#begin(record, values.length);
    const bytes = this.#bytes;
    const { at, key, length } = address;
    const start = record.starts[addressCell] ?? 0;
    let filled = this.#filled;
    bytes[filled++] = QUOTE;
    // Nothing of such an address needs to be escaped.
    for (let i = 0; i < at; i++) bytes[filled++] = record.bytes[start + i] ?? 0;
    for (let i = at; i < length; i++) bytes[filled++] = key[i] ?? 0;
    bytes[filled++] = QUOTE;
    this.#filled = filled;
    this.#end(record, values);
  }

  /** The same with an address that is text already. */
  other(record: CsvScanner, address: string, values: Int32Array): void {
    this.#begin(record, values.length);
    this.#filled += this.#bytes.write(JSON.stringify(address), this.#filled);
    this.#end(record, values);
  }

  #begin({ start, end, line }: CsvScanner, values: number): void {
    const needed = this.#filled + (end - start) * MOST_OF_BYTE + values * 3 + MOST_OF_ROW;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(needed * 2);
      this.#bytes.copy(larger, 0, 0, this.#filled);
      this.#bytes = larger;
    }
    let filled = this.#filled;
    const bytes = this.#bytes;
    bytes[filled++] = COMMA;
    bytes[filled++] = 0x5b;
    let digits = 1;
    for (let rest = line; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    for (let i = digits - 1, rest = line; i >= 0; i--) {
      bytes[filled + i] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    filled += digits;
    bytes[filled++] = COMMA;
    this.#filled = filled;
  }

  #end(record: CsvScanner, values: Int32Array): void {
    for (let i = 0; i < values.length; i++) this.#cell(record, values[i] ?? 0);
    this.#bytes[this.#filled++] = 0x5d;
    if (this.#count === this.#ends.length) {
      const larger = new Uint32Array(this.#ends.length * 2);
      larger.set(this.#ends);
      this.#ends = larger;
    }
    this.#ends[this.#count++] = this.#filled;
  }

  #cell({ bytes: from, starts, ends, kinds }: CsvScanner, cell: number): void {
    const to = this.#bytes;
    const end = ends[cell] ?? 0;
    const doubled = kinds[cell] === CELL.doubled;
    let filled = this.#filled;
    to[filled++] = COMMA;
    to[filled++] = QUOTE;
    for (let i = starts[cell] ?? 0; i < end; i++) {
      const byte = from[i] ?? 0;
      if (byte < 0x20) {
        filled += to.write(JSON.stringify(String.fromCharCode(byte)).slice(1, -1), filled, 'latin1');
        continue;
      }
      if (byte === QUOTE || byte === BACKSLASH) to[filled++] = BACKSLASH;
      if (byte === QUOTE && doubled) i++;
      to[filled++] = byte;
    }
    to[filled++] = QUOTE;
    this.#filled = filled;
  }
}
