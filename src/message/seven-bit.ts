import { describe, type Stretch, type TransferEncoder, unitAt } from './transfer.js';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const HYPHEN = 45;
const DOT = 46;
const EQUALS = 61;
const UNDERSCORE = 95;

/** RFC 5322 2.1.1: what a line may have at most, without its CRLF. The 78 that it wants are for readers of long ago. */
const MAX_LINE = 998;

/** As it is. Not allowed: what is not ASCII, control characters, lines over 998, a dot or `--=_` at a line's start. */
export class SevenBit implements TransferEncoder {
  #out: Buffer = Buffer.alloc(0);
  #end = 0;
  #lineStart = 0;
  /** Where a line that has begun before goes on; -1 where all are whole. */
  #within = -1;
  #afterCr = false;

  begin(out: Buffer, at: number, within = false): void {
    this.#out = out;
    this.#end = at;
    this.#lineStart = at;
    this.#within = within ? at : -1;
    this.#afterCr = false;
  }

  text(value: string): boolean {
    const out = this.#out;
    let end = this.#end;
    for (let i = 0; i < value.length; i++) {
      const code = unitAt.call(value, i);
      if ((code >= SPACE && code < 127) || code === TAB) {
        out[end++] = code;
      } else if (code === LF && this.#afterCr) {
        this.#afterCr = false;
        continue;
      } else if (code === LF || code === CR) {
        if (!this.#mayEndLine(end)) return false;
        out[end++] = CR;
        out[end++] = LF;
        this.#lineStart = end;
      } else {
        return false;
      }
      this.#afterCr = code === CR;
    }
    this.#end = end;
    return true;
  }

  stretch(stretch: Stretch): boolean {
    const { breaks, firstLine, lastLine } = stretch;
    const skipped = this.#afterCr && stretch.startsWithLf ? 2 : 0;
    const bytes = skipped > 0 ? stretch.bytes.subarray(skipped) : stretch.bytes;
    this.#out.set(bytes, this.#end);
    if (breaks && skipped === 0 && !this.#mayEndLine(this.#end + firstLine)) return false;
    this.#end += bytes.length;
    if (breaks) this.#lineStart = this.#end - lastLine;
    this.#afterCr = stretch.endsWithCr;
    return true;
  }

  finish(): number {
    return this.#mayEndLine(this.#end) ? this.#end : -1;
  }

  taken(value: string, at: number): Stretch {
    return describe(value, this.#out, at, this.#end, 0);
  }

  #mayEndLine(end: number): boolean {
    const [out, start] = [this.#out, this.#lineStart];
    if (end - start > MAX_LINE) return false;
    if (start === this.#within || end === start) return true;
    if (out[start] === DOT) return false;
    return !(
      end - start >= 4 &&
      out[start] === HYPHEN &&
      out[start + 1] === HYPHEN &&
      out[start + 2] === EQUALS &&
      out[start + 3] === UNDERSCORE
    );
  }
}
