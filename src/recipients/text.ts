import { isUtf8 } from 'node:buffer';
import type { Hash } from 'node:crypto';
import { FanmailError } from '../domain/errors.js';

/** The most characters that one record or line of a list may have; what is longer is a fault of the file. */
export const MAX_RECORD = 1_000_000;
/** Larger pieces are cut, so that a batch of rows stays small whatever the input hands over. */
const PIECE = 65_536;

const SAVE_AS = 'Save the list as UTF-8, in a spreadsheet for example as "CSV UTF-8".';

/**
 * The text of a list, piece by piece; every raw byte goes to `digest` first. A byte order mark is dropped. Throws
 * FanmailError LIST_UNREADABLE where the input fails or is not UTF-8, naming the line of the first wrong byte.
 */
export async function* decodeText(
  input: AsyncIterable<Buffer>,
  source: string,
  digest?: Hash,
): AsyncGenerator<string, void, undefined> {
  const decoder = new Utf8(source);
  try {
    for await (const chunk of input) {
      digest?.update(chunk);
      for (let start = 0; start < chunk.length; start += PIECE) {
        const text = decoder.decode(chunk.subarray(start, start + PIECE));
        if (text !== '') yield text;
      }
    }
  } catch (error) {
    if (error instanceof FanmailError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new FanmailError('LIST_UNREADABLE', `The list ${source} can't be read: ${why}`, { cause: error });
  }
  const last = decoder.end();
  if (last !== '') yield last;
}

class Utf8 {
  readonly #source: string;
  #line = 1;
  #first = true;
  /** The start of a character whose other bytes come with the next piece. */
  #cut = Buffer.alloc(0);

  constructor(source: string) {
    this.#source = source;
  }

  decode(piece: Buffer): string {
    const bytes = this.#cut.length === 0 ? piece : Buffer.concat([this.#cut, piece]);
    // The mark and the signatures below have up to 4 bytes. What is shorter comes out in `end`.
    const whole = this.#first && bytes.length < 4 ? 0 : wholeCharacters(bytes);
    this.#cut = Buffer.from(bytes.subarray(whole));
    return this.#text(bytes.subarray(0, whole));
  }

  /** What is left: a text of up to 3 bytes, or half a character, which is refused. */
  end(): string {
    return this.#text(this.#cut);
  }

  #text(bytes: Buffer): string {
    if (bytes.length === 0) return '';
    if (this.#first) refuseOtherFormats(bytes, this.#source);
    if (!isUtf8(bytes)) throw this.#notUtf8(bytes);
    const text = bytes.toString('utf8', this.#first && hasMark(bytes) ? 3 : 0);
    this.#first = false;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#line++;
    return text;
  }

  #notUtf8(bytes: Buffer): FanmailError {
    let line = this.#line;
    for (let start = 0; start < bytes.length; line++) {
      const newline = bytes.indexOf(0x0a, start);
      const end = newline === -1 ? bytes.length : newline + 1;
      if (!isUtf8(bytes.subarray(start, end))) break;
      start = end;
    }
    return new FanmailError('LIST_UNREADABLE', `The list ${this.#source} is not UTF-8: see line ${line}.`, {
      hint: SAVE_AS,
    });
  }
}

function hasMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function refuseOtherFormats(bytes: Buffer, source: string): void {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16) throw new FanmailError('LIST_UNREADABLE', `The list ${source} is UTF-16.`, { hint: SAVE_AS });
  if (bytes.indexOf('PK\x03\x04', 0, 'latin1') === 0) {
    const message = `The list ${source} is a zip file, perhaps a spreadsheet (.xlsx, .ods).`;
    throw new FanmailError('LIST_UNREADABLE', message, { hint: SAVE_AS });
  }
  if (bytes.includes(0)) {
    const message = `The list ${source} holds zero bytes: it is UTF-16 or no text at all.`;
    throw new FanmailError('LIST_UNREADABLE', message, { hint: SAVE_AS });
  }
}

/** Where the last whole character ends: a sequence of RFC 3629 that is cut off at the end has at most 3 bytes. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
