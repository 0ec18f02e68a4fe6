/**
 * The two ways a text goes into a message (RFC 2045 2.7, 6.7), piece by piece: pieces that are the same in every message
 * are encoded once, as a `Stretch`, and then copied. Both turn every line end (CRLF, LF, a lone CR) into CRLF, also where
 * the pieces part it, and never write a line that begins with `--=_`, so that no boundary that begins with `=_` can occur,
 * nor one that begins with a dot: no relay on the way has one to double or to take away (RFC 5321 4.5.2, 2049 3).
 */
export interface TransferEncoder {
  /** Begins a text at `at` of `out`, at the start of a line; `within`: or anywhere in one, for a stretch. */
  begin(out: Buffer, at: number, within?: boolean): void;
  /** Goes on with a text. Answers false where this encoding doesn't allow it. */
  text(value: string): boolean;
  /** Goes on with what this encoder encoded before. Answers false where this encoding doesn't allow it here. */
  stretch(stretch: Stretch): boolean;
  /** Answers where the text ended; -1 where this encoding doesn't allow it. */
  finish(): number;
  /** What was written of `value`, the one text since `begin(…, at)`; to be asked for before `finish`. */
  taken(value: string, at: number): Stretch;
}

/** A text that is encoded already, and what the encoder has to know to put it behind another one. */
export interface Stretch {
  readonly bytes: Buffer;
  /** Bytes up to the first line break, without it; all where there is none. */
  readonly firstLine: number;
  /** Bytes after the last line break. */
  readonly lastLine: number;
  readonly breaks: boolean;
  readonly startsWithLf: boolean;
  readonly startsWithLineEnd: boolean;
  readonly endsWithCr: boolean;
  /** The blank that it ends with and that is not among the bytes, since what follows decides how to write it; or 0. */
  readonly blank: number;
}

/**
 * The unit of a text at an index. Values are texts of many kinds to V8 (joined, cut out, of one byte or two), and where it has seen
 * more than four, each `text.charCodeAt` looks the method up anew: once for each character.
 */
export const unitAt = String.prototype.charCodeAt;

/** RFC 2045 6.7 (5) allows 76. The last column is for the `=` of a soft break, needed or not. */
export const QP_COLUMNS = 75;

/**
 * Bytes that a text of `length` UTF-16 units takes at most, in either encoding: three bytes of UTF-8, each as `=XX`, and a
 * soft break in each line, which may be up to 11 columns short where a character of four bytes didn't fit.
 */
export function encodedBound(length: number): number {
  return length * 9 + (Math.ceil((length * 9) / (QP_COLUMNS - 11)) + 2) * 3;
}

/** What both have in common about a text that was encoded on its own from `at` to `end`. */
export function describe(value: string, out: Buffer, at: number, end: number, blank: number): Stretch {
  const bytes = Buffer.from(out.subarray(at, end));
  const first = bytes.indexOf('\r\n');
  const breaks = first >= 0;
  // Without spreading: objects made by that differ in what V8 knows of them, and these are looked at for every message.
  return {
    bytes,
    breaks,
    blank,
    firstLine: breaks ? first : bytes.length,
    lastLine: breaks ? bytes.length - bytes.lastIndexOf('\r\n') - 2 : bytes.length,
    startsWithLf: value.startsWith('\n'),
    startsWithLineEnd: /^[\r\n]/.test(value),
    endsWithCr: value.endsWith('\r'),
  };
}
