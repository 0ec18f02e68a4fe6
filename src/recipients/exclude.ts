import { FanmailError } from '../domain/errors.js';
import { keyOf, parseAddress } from './address.js';
import { KeySet } from './key-set.js';
import { type Line, LineReader } from './lines.js';
import { openListText } from './list.js';
import { type ListInput, type OpenedText, openText } from './text.js';

/**
 * Reads addresses never to send to: a text file with one address on each line, or a list with an address column, as a
 * campaign's; in UTF-8, or UTF-16 with a byte order mark, also packed by gzip. Anything in it that is no address is an
 * error, FanmailError LIST_SYNTAX with the line, and no encoding is guessed: half a suppression list, or a misread one,
 * would let mail through to people who must not get any. An empty file is an empty list.
 */
export async function readExclude(input: ListInput, source: string): Promise<KeySet> {
  const text = await openText(input, { source, encoding: 'auto', guess: false });
  try {
    const head: string[] = [];
    const first = await firstLine(text.pieces, head, source);
    const whole = { ...text, pieces: replay(head, text.pieces) };
    if (first === undefined) return new KeySet();
    return parseAddress(first.text.trimEnd()).ok
      ? await readLines(whole.pieces, source)
      : await readColumn(whole, source);
  } finally {
    await text.pieces.return();
  }
}

async function readLines(pieces: AsyncIterable<string>, source: string): Promise<KeySet> {
  const keys = new KeySet();
  const lines = new LineReader(source);
  const addAll = (found: readonly Line[]): void => {
    for (const { line, text } of found) {
      const parsed = parseAddress(text.endsWith('\r') ? text.slice(0, -1) : text);
      if (!parsed.ok) throw unreadable(source, line, parsed.detail);
      keys.add(parsed.key);
    }
  };
  for await (const text of pieces) addAll(lines.push(text, false));
  addAll(lines.push('', true));
  return keys;
}

async function readColumn(text: OpenedText, source: string): Promise<KeySet> {
  const keys = new KeySet();
  const list = await openListText(text, { source }).catch((error: unknown) => {
    if (!(error instanceof FanmailError) || error.code !== 'LIST_NO_ADDRESS_COLUMN') throw error;
    throw new FanmailError(error.code, error.message, {
      hint: 'Write one address on each line, or name the column "email" in the first line.',
      cause: error,
    });
  });
  for await (const rows of list.batches()) {
    for (const row of rows) {
      if (row.kind === 'recipient') keys.add(keyOf(row.recipient.address));
      else if (row.reject.reason !== 'duplicate') throw unreadable(source, row.reject.line, row.reject.detail);
    }
  }
  return keys;
}

function unreadable(source: string, line: number, detail: string): FanmailError {
  return new FanmailError('LIST_SYNTAX', `Line ${line} of ${source} is no address: ${detail}`, {
    hint: 'Nothing is sent while a list of addresses never to send to is not read completely.',
  });
}

/** The first line that is not blank; what was read for it is kept in `head`. */
async function firstLine(pieces: AsyncIterator<string>, head: string[], source: string): Promise<Line | undefined> {
  const lines = new LineReader(source);
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    head.push(next.value);
    const [first] = lines.push(next.value, false);
    if (first) return first;
  }
  return lines.push('', true)[0];
}

async function* replay(head: readonly string[], rest: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  yield* head;
  yield* rest;
}
