import { keyOf } from '../domain/address-key.js';
import { FanmailError } from '../domain/errors.js';
import { parseAddress } from './address.js';
import { type Line, LineReader } from './lines.js';
import { openListText } from './list.js';
import { type ListInput, type OpenedText, openText } from './text.js';

/** A text of which the first line that is not blank is known; undefined where there is none. */
export interface AddressFile {
  readonly first: Line | undefined;
  readonly source: string;
  readonly text: OpenedText;
}

/**
 * Opens a text of addresses never to send to, in UTF-8, or UTF-16 with a byte order mark, also packed by gzip. No encoding is
 * guessed: a misread address would get mail. Whoever leaves it unread returns its pieces.
 */
export async function openAddressFile(input: ListInput, source: string): Promise<AddressFile> {
  const text = await openText(input, { source, encoding: 'auto', guess: false });
  try {
    const head: string[] = [];
    const first = await firstLine(text.pieces, head, source);
    return { first, source, text: { ...text, pieces: replay(head, text.pieces) } };
  } catch (error) {
    await text.pieces.return();
    throw error;
  }
}

/**
 * The keys of the addresses, some thousand at a time: one address on each line, or a list with an address column, as a
 * campaign's. Anything in it that is no address is an error, FanmailError LIST_SYNTAX with the line; what stands before that
 * was given out. Leaving early closes the input.
 */
export async function* keysIn(file: AddressFile): AsyncGenerator<readonly string[], void, undefined> {
  if (file.first === undefined) return;
  if (!parseAddress(file.first.text.trimEnd()).ok) {
    yield* keysInColumn(file);
    return;
  }
  for await (const lines of linesIn(file)) {
    const keys: string[] = [];
    for (const { line, text } of lines) {
      const parsed = parseAddress(text.endsWith('\r') ? text.slice(0, -1) : text);
      if (parsed.ok) keys.push(parsed.key);
      else {
        yield keys;
        throw noAddress(file.source, line, parsed.detail);
      }
    }
    yield keys;
  }
}

/** The lines that are not blank, some thousand at a time. Leaving early closes the input. */
export async function* linesIn({ text, source }: AddressFile): AsyncGenerator<readonly Line[], void, undefined> {
  const lines = new LineReader(source);
  for await (const piece of text.pieces) yield lines.push(piece, false);
  yield lines.push('', true);
}

async function* keysInColumn({ text, source }: AddressFile): AsyncGenerator<readonly string[], void, undefined> {
  const list = await openListText(text, { source }).catch((error: unknown) => {
    if (!(error instanceof FanmailError) || error.code !== 'LIST_NO_ADDRESS_COLUMN') throw error;
    throw new FanmailError(error.code, error.message, {
      hint: 'Write one address on each line, or name the column "email" in the first line.',
      cause: error,
    });
  });
  for await (const rows of list.batches()) {
    const keys: string[] = [];
    for (const row of rows) {
      if (row.kind === 'recipient') keys.push(keyOf(row.recipient.address));
      else if (row.reject.reason !== 'duplicate') {
        yield keys;
        throw noAddress(source, row.reject.line, row.reject.detail);
      }
    }
    yield keys;
  }
}

function noAddress(source: string, line: number, detail: string): FanmailError {
  return new FanmailError('LIST_SYNTAX', `Line ${line} of ${source} is no address: ${detail}`, {
    hint: 'Nothing is sent while a list of addresses never to send to is not read completely.',
  });
}

async function firstLine(pieces: AsyncIterator<string>, head: string[], source: string): Promise<Line | undefined> {
  const lines = new LineReader(source);
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    head.push(next.value);
    const [first] = lines.push(next.value, false);
    if (first) return first;
  }
  return lines.push('', true)[0];
}

async function* replay(head: readonly string[], rest: AsyncGenerator<string>): AsyncGenerator<string, void, undefined> {
  try {
    yield* head;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
