import { isAscii, isUtf8 } from 'node:buffer';

const LF = 0x0a;
/** Windows-1252 has no character for these. */
const UNDEFINED: ReadonlySet<number> = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);
/** So many letters outside ASCII in a row are no word of a western language, but usual in Cyrillic or Greek. */
const FOREIGN_RUN = 5;

/**
 * Looks through bytes for what tells their encoding: in blocks cut anywhere, with `end` after the last one. Lines count
 * from 1; null: there is none.
 *
 * Text of another encoding hardly ever happens to be UTF-8, so bytes that are none mean Windows-1252 or a broken file.
 * It is taken for broken where it holds characters of UTF-8, too, since one of the two would be misread; likewise where
 * Windows-1252 has no such character, or where it would give what no western name looks like.
 */
export class Survey {
  /** The first line with a character outside ASCII in UTF-8. */
  utf8Line: number | null = null;
  /** The first line with bytes that are no UTF-8. Half a character at the very end doesn't count. */
  otherLine: number | null = null;
  /** The first line with bytes that are surely no Windows-1252. */
  foreignLine: number | null = null;
  #line = 1;
  #run = 0;
  /** The start of a character whose other bytes come with the next block. */
  #cut = Buffer.alloc(0);

  push(block: Buffer): void {
    const bytes = this.#cut.length === 0 ? block : Buffer.concat([this.#cut, block]);
    const whole = wholeCharacters(bytes);
    this.#cut = Buffer.from(bytes.subarray(whole));
    this.#look(bytes.subarray(0, whole));
  }

  end(): void {
    if (this.otherLine !== null) this.#scan(this.#cut);
  }

  #look(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (isAscii(bytes) || (this.utf8Line !== null && isUtf8(bytes))) {
      this.#run = 0;
      this.#line += countLineEnds(bytes);
    } else this.#scan(bytes);
  }

  #scan(bytes: Buffer): void {
    for (let i = 0; i < bytes.length; ) {
      const byte = bytes[i] ?? 0;
      const length = byte < 0x80 ? 1 : sequenceLength(bytes, i);
      if (length > 0) {
        if (byte === LF) this.#line++;
        if (length > 1) this.utf8Line ??= this.#line;
        this.#run = 0;
        i += length;
        continue;
      }
      this.otherLine ??= this.#line;
      this.#run = byte >= 0xc0 ? this.#run + 1 : 0;
      if (UNDEFINED.has(byte) || this.#run === FOREIGN_RUN) this.foreignLine ??= this.#line;
      i++;
    }
  }
}

/** Four bytes at a time: lists are long, lines short, and a call of indexOf for each line costs more. */
export function countLineEnds(bytes: Buffer): number {
  if (bytes.length < 4) return countEach(bytes, 0, bytes.length);
  const before = -bytes.byteOffset & 3;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + before, (bytes.length - before) >> 2);
  let count = countEach(bytes, 0, before) + countEach(bytes, before + words.length * 4, bytes.length);
  for (let i = 0; i < words.length; i++) {
    const other = (words[i] ?? 0) ^ 0x0a0a0a0a;
    // Not zero where one of the four is.
    if (((other - 0x01010101) & ~other & 0x80808080) === 0) continue;
    for (let shift = 0; shift < 32; shift += 8) if (((other >>> shift) & 0xff) === 0) count++;
  }
  return count;
}

function countEach(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (bytes[i] === LF) count++;
  return count;
}

/** Where the last whole character of UTF-8 ends: a sequence of RFC 3629 that is cut off at the end has at most 3 bytes. */
export function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    return lengthByLead(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Bytes of the character outside ASCII that begins there in UTF-8; 0: none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const length = lengthByLead(bytes[at] ?? 0);
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

function lengthByLead(byte: number): number {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}
