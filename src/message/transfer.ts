/**
 * The two ways a text goes into a message (RFC 2045 2.7, 6.7). Both read UTF-8 from `source` up to `length`, write to
 * `out` from `at`, turn every line end (CRLF, LF, a lone CR) into CRLF, and never write a line that begins with `--=_`,
 * so that no boundary that begins with `=_` can occur. They answer where they stopped.
 */

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const HYPHEN = 45;
const EQUALS = 61;
const UNDERSCORE = 95;

/** RFC 5322 2.1.1: what a line may have at most, without its CRLF. The 78 that it wants are for readers of long ago. */
const MAX_LINE = 998;
/** RFC 2045 6.7 (5): 76 with the `=` of a soft line break. */
const QP_LINE = 76;

const HEX = Buffer.from('0123456789ABCDEF', 'latin1');
/** Bytes that quoted-printable leaves as they are wherever they stand (RFC 2045 6.7 (2)). */
const LITERAL = Uint8Array.from({ length: 256 }, (_, byte) => (byte > SPACE && byte < 127 && byte !== EQUALS ? 1 : 0));

/** Bytes that encoding `length` bytes takes at most: `=XX` for each, and 3 for a soft break in each line. */
export function encodedBound(length: number): number {
  return length * 3 + (Math.ceil((length * 3) / (QP_LINE - 3)) + 1) * 3;
}

/** As it is. Answers -1 where that isn't allowed: not ASCII, control characters, lines over 998, `--=_` at a line's start. */
export function writeSevenBit(source: Buffer, length: number, out: Buffer, at: number): number {
  let end = at;
  let lineStart = at;
  for (let i = 0; i < length; i++) {
    const byte = source[i] as number;
    if ((byte >= SPACE && byte < 127) || byte === TAB) {
      out[end++] = byte;
    } else if (byte === LF || byte === CR) {
      if (byte === CR && source[i + 1] === LF) i++;
      if (end - lineStart > MAX_LINE || isDelimiter(out, lineStart, end)) return -1;
      out[end++] = CR;
      out[end++] = LF;
      lineStart = end;
    } else {
      return -1;
    }
  }
  return end - lineStart > MAX_LINE || isDelimiter(out, lineStart, end) ? -1 : end;
}

function isDelimiter(out: Buffer, start: number, end: number): boolean {
  return (
    end - start >= 4 &&
    out[start] === HYPHEN &&
    out[start + 1] === HYPHEN &&
    out[start + 2] === EQUALS &&
    out[start + 3] === UNDERSCORE
  );
}

/** Quoted-printable. An `=` is always followed by two digits or a line break, so `=_` can't occur. */
export function writeQuotedPrintable(source: Buffer, length: number, out: Buffer, at: number): number {
  let end = at;
  let column = 0;
  for (let i = 0; i < length; i++) {
    const byte = source[i] as number;
    if (byte === LF || byte === CR) {
      if (byte === CR && source[i + 1] === LF) i++;
      out[end++] = CR;
      out[end++] = LF;
      column = 0;
      continue;
    }
    const literal = LITERAL[byte] === 1 || ((byte === SPACE || byte === TAB) && !endsLine(source, i + 1, length));
    const width = literal ? 1 : 3;
    // The last column is for the `=` of a soft break, needed or not: knowing would take a look ahead.
    if (column + width > QP_LINE - 1) {
      out[end++] = EQUALS;
      out[end++] = CR;
      out[end++] = LF;
      column = 0;
    }
    column += width;
    if (literal) {
      out[end++] = byte;
    } else {
      out[end++] = EQUALS;
      out[end++] = HEX[byte >> 4] as number;
      out[end++] = HEX[byte & 15] as number;
    }
  }
  return end;
}

function endsLine(source: Buffer, next: number, length: number): boolean {
  return next >= length || source[next] === LF || source[next] === CR;
}
