import { describe, QP_COLUMNS, type Stretch, type TransferEncoder, unitAt } from './transfer.js';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const DOT = 46;
const EQUALS = 61;

const HEX = Buffer.from('0123456789ABCDEF', 'latin1');
/** Characters that quoted-printable leaves as they are wherever they stand (RFC 2045 6.7 (2)); one entry for each unit. */
const LITERAL = Uint8Array.from({ length: 65_536 }, (_, byte) =>
  byte > SPACE && byte < 127 && byte !== EQUALS ? 1 : 0,
);

/**
 * Allows everything. An `=` is always followed by two digits or a line break, so `=_` can't occur; a dot at the head of a
 * line is `=2E`. No character is parted by a soft break, for readers that decode line by line.
 */
export class QuotedPrintable implements TransferEncoder {
  #out: Buffer = Buffer.alloc(0);
  #end = 0;
  #column = 0;
  #afterCr = false;
  /** Written so far but for this: a blank, which must be `=20` or `=09` if its line ends here (RFC 2045 6.7 (3)); or 0. */
  #blank = 0;
  /** The first half of a character whose second half may follow; or 0. */
  #half = 0;

  begin(out: Buffer, at: number): void {
    this.#out = out;
    this.#end = at;
    this.#column = 0;
    this.#afterCr = false;
    this.#blank = 0;
    this.#half = 0;
  }

  text(value: string): boolean {
    const { length } = value;
    for (let i = 0; i < length; ) {
      const code = unitAt.call(value, i);
      if (LITERAL[code] === 1 && this.#blank === 0 && this.#half === 0) {
        i = this.#literals(value, i);
      } else {
        this.#special(code);
        i++;
      }
    }
    return true;
  }

  stretch(stretch: Stretch): boolean {
    this.#settleHalf();
    this.#settleBlank(stretch.startsWithLineEnd);
    const bytes = this.#afterCr && stretch.startsWithLf ? stretch.bytes.subarray(2) : stretch.bytes;
    if (this.#column > 0 && this.#column + stretch.firstLine > QP_COLUMNS) this.#softBreak();
    this.#out.set(bytes, this.#end);
    this.#end += bytes.length;
    this.#column = stretch.breaks ? stretch.lastLine : this.#column + stretch.lastLine;
    this.#blank = stretch.blank;
    this.#afterCr = stretch.endsWithCr;
    return true;
  }

  finish(): number {
    this.#settleHalf();
    this.#settleBlank(true);
    return this.#end;
  }

  taken(value: string, at: number): Stretch {
    this.#settleHalf();
    return describe(value, this.#out, at, this.#end, this.#blank);
  }

  /** Writes the run of literals from `i` on, as far as the line has room, and answers where it stopped. */
  #literals(value: string, i: number): number {
    if (this.#column === QP_COLUMNS) this.#softBreak();
    if (this.#column === 0 && unitAt.call(value, i) === DOT) {
      this.#afterCr = false;
      this.#character(DOT);
      return i + 1;
    }
    const [out, start] = [this.#out, this.#end];
    const most = Math.min(value.length, i + QP_COLUMNS - this.#column);
    let end = start;
    let next = i;
    for (let code = unitAt.call(value, next); LITERAL[code] === 1; code = unitAt.call(value, next)) {
      out[end++] = code;
      if (++next === most) break;
    }
    this.#afterCr = false;
    this.#end = end;
    this.#column += end - start;
    return next;
  }

  #special(code: number): void {
    if (this.#half !== 0) {
      if (code >= 0xdc00 && code < 0xe000) {
        const point = 0x10000 + ((this.#half - 0xd800) << 10) + (code - 0xdc00);
        this.#half = 0;
        this.#room(12);
        this.#byte(0xf0 | (point >> 18));
        this.#byte(0x80 | ((point >> 12) & 63));
        this.#byte(0x80 | ((point >> 6) & 63));
        this.#byte(0x80 | (point & 63));
        return;
      }
      this.#settleHalf();
    }
    const endsLine = code === LF || code === CR;
    const continuesLineEnd = code === LF && this.#afterCr;
    this.#settleBlank(endsLine);
    this.#afterCr = code === CR;
    if (continuesLineEnd) return;
    if (endsLine) this.#lineEnd();
    else if (code === SPACE || code === TAB) this.#blank = code;
    else if (LITERAL[code] === 1) this.#literal(code);
    else if (code >= 0xd800 && code < 0xdc00) this.#half = code;
    else this.#character(code);
  }

  /** Any character of the first plane. Half a character has no UTF-8: it is U+FFFD, as everywhere. */
  #character(unit: number): void {
    const code = unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit;
    if (code < 0x80) {
      this.#room(3);
      this.#byte(code);
    } else if (code < 0x800) {
      this.#room(6);
      this.#byte(0xc0 | (code >> 6));
      this.#byte(0x80 | (code & 63));
    } else {
      this.#room(9);
      this.#byte(0xe0 | (code >> 12));
      this.#byte(0x80 | ((code >> 6) & 63));
      this.#byte(0x80 | (code & 63));
    }
  }

  #settleHalf(): void {
    if (this.#half === 0) return;
    const half = this.#half;
    this.#half = 0;
    this.#character(half);
  }

  #settleBlank(lineEnds: boolean): void {
    if (this.#blank === 0) return;
    const blank = this.#blank;
    this.#blank = 0;
    if (lineEnds) this.#character(blank);
    else this.#literal(blank);
  }

  #literal(code: number): void {
    if (code === DOT && this.#column === QP_COLUMNS) {
      this.#character(code);
      return;
    }
    this.#room(1);
    this.#out[this.#end++] = code;
  }

  /** Takes so many columns, of the next line where this one has no more. */
  #room(columns: number): void {
    if (this.#column + columns > QP_COLUMNS) this.#softBreak();
    this.#column += columns;
  }

  #byte(byte: number): void {
    this.#out[this.#end++] = EQUALS;
    this.#out[this.#end++] = HEX[byte >> 4] as number;
    this.#out[this.#end++] = HEX[byte & 15] as number;
  }

  #softBreak(): void {
    this.#out[this.#end++] = EQUALS;
    this.#lineEnd();
  }

  #lineEnd(): void {
    this.#out[this.#end++] = CR;
    this.#out[this.#end++] = LF;
    this.#column = 0;
  }
}
