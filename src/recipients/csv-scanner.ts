import type { FanmailError } from '../domain/errors.js';
import { type Dialect, recordTooLong, unclosedQuote } from './csv-reader.js';
import { MAX_RECORD } from './text.js';

/** How a cell stands in its record: bare, between quotes, or between quotes with doubled ones in it. */
export const CELL = { bare: 0, quoted: 1, doubled: 2 } as const;

const LF = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;

/**
 * Finds the records of CSV in UTF-8 that comes in blocks cut anywhere, and where each cell stands, without making text
 * of any. It reads as `CsvReader` does, which tests hold it against: delimiter, quote and line end are ASCII, so no byte
 * of another character looks like one. The last record found is in its fields until the next call.
 *
 * Throws FanmailError LIST_SYNTAX as `CsvReader` does.
 */
export class CsvScanner {
  /** What the places below point into. */
  bytes: Buffer = Buffer.alloc(0);
  /** The line on which the record begins, from 1. */
  line = 0;
  /** Where the record begins, and where the next one does. */
  start = 0;
  end = 0;
  /** How many cells it has; the places of no more than `width` are kept. */
  cells = 0;
  /** The cell, from 1, after whose closing quote stands more; 0: none. */
  faultyCell = 0;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** A value of CELL for each. */
  readonly kinds: Uint8Array;
  readonly #delimiter: number;
  readonly #newline: number;
  readonly #source: string;
  #filled = 0;
  /** A NUL is rare, so nobody looks for it in every record of a block that has none. */
  #nulInBlock = false;
  #final = false;
  /** Where the record that is read next begins, and the line. */
  #next = 0;
  #nextLine = 1;
  #lineEnds = 0;
  /** The line of the quote that was still open when the bytes ran out; 0: none was. */
  #openQuote = 0;

  constructor(dialect: Dialect, width: number, source: string) {
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#newline = dialect.newline.charCodeAt(0);
    this.#source = source;
    this.starts = new Int32Array(width);
    this.ends = new Int32Array(width);
    this.kinds = new Uint8Array(width);
  }

  /** Takes the next bytes, once `next` has said false; `final` says that no more come. */
  push(block: Buffer, final: boolean): void {
    const left = this.#filled - this.#next;
    const filled = left + block.length;
    const room = filled <= this.bytes.length ? this.bytes : Buffer.allocUnsafe(filled + (filled >> 2));
    this.bytes.copy(room, 0, this.#next, this.#filled);
    block.copy(room, left);
    this.bytes = room;
    this.#filled = filled;
    this.#next = 0;
    this.#final = final;
    this.#nulInBlock = room.subarray(0, filled).includes(0);
  }

  /** Finds the next record that is not blank; false where no whole one is left. */
  next(): boolean {
    while (this.#next < this.#filled) {
      const start = this.#next;
      const end = this.#find(start);
      if (end === -1) {
        if (this.#openQuote > 0 && this.#final) throw unclosedQuote(this.#openQuote, this.#source);
        if (this.#isTooLong(start, this.#filled)) throw this.#endless(start);
        return false;
      }
      if (this.#isTooLong(start, end)) throw recordTooLong(this.#nextLine, this.#source);
      this.start = start;
      this.end = end;
      this.line = this.#nextLine;
      this.#next = end;
      this.#nextLine += this.#lineEnds;
      if (this.cells > 1 || !this.#isBlank(this.starts[0] ?? 0, this.ends[0] ?? 0)) return true;
    }
    return false;
  }

  /** Whether a NUL stands in the record. */
  hasNul(): boolean {
    return this.#nulInBlock && this.bytes.subarray(this.start, this.end).includes(0);
  }

  /** The text of a cell whose place is kept. */
  text(cell: number): string {
    const text = this.bytes.toString('utf8', this.starts[cell], this.ends[cell]);
    return this.kinds[cell] === CELL.doubled ? text.replaceAll('""', '"') : text;
  }

  /** Finds the cells of the record at `start`; returns where the next record begins, or -1 where its end has not come yet. */
  #find(start: number): number {
    const { bytes } = this;
    const filled = this.#filled;
    const delimiter = this.#delimiter;
    const newline = this.#newline;
    let [cells, lineEnds, faultyCell] = [0, 0, 0];
    for (let at = start; ; at++) {
      let [from, to] = [at, at];
      let kind: number = CELL.bare;
      const opened = lineEnds;
      if (at < filled && bytes[at] === QUOTE) {
        kind = CELL.quoted;
        from = at + 1;
        for (at = from; ; at++) {
          if (at >= filled) {
            this.#openQuote = this.#nextLine + opened;
            return -1;
          }
          const byte = bytes[at];
          if (byte === newline) lineEnds++;
          if (byte !== QUOTE) continue;
          if (at + 1 >= filled || bytes[at + 1] !== QUOTE) break;
          kind = CELL.doubled;
          at++;
        }
        to = at++;
      }
      const after = at;
      while (at < filled && bytes[at] !== delimiter && bytes[at] !== newline) at++;
      if (at === filled && !this.#final) {
        this.#openQuote = 0;
        return -1;
      }
      const last = at === filled || bytes[at] === newline;
      const stop = last && newline === LF && at > after && bytes[at - 1] === RETURN ? at - 1 : at;
      if (kind === CELL.bare) to = stop;
      else if (!this.#isBlank(after, stop)) faultyCell = cells + 1;
      if (cells < this.starts.length) {
        this.starts[cells] = from;
        this.ends[cells] = to;
        this.kinds[cells] = kind;
      }
      cells++;
      if (!last) continue;
      this.cells = cells;
      this.faultyCell = faultyCell;
      this.#lineEnds = lineEnds + 1;
      return Math.min(at + 1, filled);
    }
  }

  #isBlank(from: number, to: number): boolean {
    const first = this.bytes[from] ?? 0;
    if (from >= to) return true;
    return (first <= 0x20 || first >= 0x7f) && this.bytes.toString('utf8', from, to).trim() === '';
  }

  #isTooLong(start: number, end: number): boolean {
    // Characters are no more than bytes, so nearly nobody has to count them.
    return end - start > MAX_RECORD && this.bytes.toString('utf8', start, end).length > MAX_RECORD;
  }

  /** What is wrong with a record that is too long before its end has come. */
  #endless(start: number): FanmailError {
    // Within a single line a missing line end is as likely, unless all of it is one cell.
    const lines = this.bytes.subarray(start, this.#filled).includes(this.#newline);
    const open = lines ? this.#openQuote > 0 : this.bytes[start] === QUOTE;
    if (!open) return recordTooLong(this.#nextLine, this.#source);
    return unclosedQuote(this.#openQuote || this.#nextLine, this.#source);
  }
}
