import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { readBlocks } from './blocks.js';
import {
  type Decoder,
  guessedDecoder,
  refuseBadGuess,
  utf8Decoder,
  utf16Decoder,
  windows1252Decoder,
} from './decoders.js';
import {
  declaredEncoding,
  type Encoding,
  type EncodingChoice,
  markOf,
  refuseOtherFormats,
  SAVE_AS,
} from './encoding.js';
import { Survey } from './survey.js';

/** The most characters that one record or line of a list may have; what is longer is a fault of the file. */
export const MAX_RECORD = 1_000_000;
/** Bytes of a stream that are looked through before the first of its text is given out. */
const WINDOW = 1_048_576;
/** A line of so many bytes has more than MAX_RECORD characters in any encoding. */
const ENDLESS = 4 * MAX_RECORD;

/** Where a list comes from: a stream, or, for a file that can be read twice, a function that opens it anew. */
export type ListInput = Readable | AsyncIterable<Buffer> | (() => Readable);

export interface TextOptions {
  /** The list's name for messages. */
  readonly source: string;
  readonly encoding: EncodingChoice;
  /** Whether what is no UTF-8 may be taken for Windows-1252. */
  readonly guess: boolean;
}

export interface OpenedText {
  readonly encoding: Encoding;
  /** What was guessed about it, for the operator; null where nothing was. */
  readonly notice: string | null;
  /** Without a byte order mark. Throws FanmailError LIST_UNREADABLE. Leaving early closes the input. */
  readonly pieces: AsyncGenerator<string, void, undefined>;
  /** The same from where `pieces` stands on, in UTF-8, cut between characters. */
  readonly bytes: AsyncIterable<Buffer>;
  /** SHA-256 of the bytes as they came, in hex; once, after the last piece. */
  digest(): string;
}

const TRY_1252 = `If it is Windows-1252, add --encoding windows-1252. Otherwise: ${SAVE_AS}`;

/**
 * The text of a list. `auto` goes by the byte order mark; without one it is UTF-8, or Windows-1252 where it can only be
 * that: of a file the whole is looked through for it, of a stream the first megabyte, before the first text is given
 * out. What turns up later in a stream is refused, never read another way. Throws FanmailError LIST_UNREADABLE.
 */
export async function openText(input: ListInput, options: TextOptions): Promise<OpenedText> {
  const hash = createHash('sha256');
  const blocks = readBlocks(typeof input === 'function' ? input() : input, options.source, hash);
  try {
    const first = (await blocks.next()).value ?? Buffer.alloc(0);
    const head = [first];
    refuseOtherFormats(first, options.source);
    const mark = markOf(first);
    const declared = declaredEncoding(first, mark, options.encoding, options.source);
    let survey: Survey | null = null;
    if (declared === null && options.guess) {
      survey = typeof input === 'function' ? await surveyFile(input(), options.source) : await surveyHead(head, blocks);
      refuseBadGuess(survey, { source: options.source, hint: TRY_1252 });
    }
    const guessedLine = survey?.otherLine ?? null;
    const raw = unmarked(head, mark?.bytes ?? 0, blocks);
    const decoder = decoderOf(declared, guessedLine, options);
    return {
      encoding: declared ?? (guessedLine === null ? 'utf-8' : 'windows-1252'),
      notice: guessedLine === null ? null : noticeOf(options.source, guessedLine),
      pieces: decoded(raw, decoder),
      bytes: recoded(raw, decoder),
      digest: () => hash.digest('hex'),
    };
  } catch (error) {
    await blocks.return();
    throw error;
  }
}

function noticeOf(source: string, line: number): string {
  return (
    `The list ${source} is not UTF-8 (see line ${line}) and is read as Windows-1252, the usual encoding of older ` +
    'programs. --encoding windows-1252 says so; if names look wrong, save the list as UTF-8.'
  );
}

function decoderOf(declared: Encoding | null, guessedLine: number | null, { source, guess }: TextOptions): Decoder {
  const asked = { source, hint: SAVE_AS };
  switch (declared) {
    case null:
      if (guessedLine !== null) return guessedDecoder(guessedLine, { source, hint: TRY_1252 });
      return utf8Decoder({ source, hint: guess ? TRY_1252 : SAVE_AS });
    case 'utf-8':
      return utf8Decoder(asked);
    case 'windows-1252':
      return windows1252Decoder(asked);
    default:
      return utf16Decoder(declared === 'utf-16be', asked);
  }
}

async function surveyFile(file: Readable, source: string): Promise<Survey> {
  const survey = new Survey();
  let sinceLineEnd = 0;
  for await (const block of readBlocks(file, source)) {
    survey.push(block);
    const lineEnd = Math.max(block.lastIndexOf(0x0a), block.lastIndexOf(0x0d));
    sinceLineEnd = lineEnd === -1 ? sinceLineEnd + block.length : block.length - lineEnd;
    // Whoever reads this line will refuse it: no need to unpack gigabytes of it here.
    if (sinceLineEnd > ENDLESS) break;
  }
  survey.end();
  return survey;
}

/** Reads on until the window is full or the stream ends; what was read is kept in `head`. */
async function surveyHead(head: Buffer[], blocks: AsyncGenerator<Buffer>): Promise<Survey> {
  const survey = new Survey();
  let size = 0;
  for (const block of head) {
    survey.push(block);
    size += block.length;
  }
  while (size < WINDOW) {
    const next = await blocks.next();
    if (next.done) {
      survey.end();
      break;
    }
    head.push(next.value);
    survey.push(next.value);
    size += next.value.length;
  }
  return survey;
}

/** The blocks of `head` without the mark, and then the others. */
async function* unmarked(
  head: Buffer[],
  markBytes: number,
  blocks: AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    let skip = markBytes;
    for (let block = head.shift(); block !== undefined; block = head.shift()) {
      yield block.subarray(skip);
      skip = 0;
    }
    yield* blocks;
  } finally {
    await blocks.return(undefined);
  }
}

async function* decoded(blocks: AsyncGenerator<Buffer>, decoder: Decoder): AsyncGenerator<string, void, undefined> {
  for await (const block of blocks) {
    const text = decoder.decode(block);
    if (text !== '') yield text;
  }
  const last = decoder.end();
  if (last !== '') yield last;
}

async function* recoded(blocks: AsyncGenerator<Buffer>, decoder: Decoder): AsyncGenerator<Buffer, void, undefined> {
  for await (const block of blocks) yield decoder.recode(block);
  yield Buffer.from(decoder.end());
}
