import type { Readable } from 'node:stream';
import { FanmailError } from '../domain/errors.js';
import { parseAddress } from './address.js';
import { KeySet } from './key-set.js';
import { type Line, LineReader } from './lines.js';
import { openList } from './list.js';
import { decodeText } from './text.js';

/**
 * Reads addresses never to send to: a text file with one address on each line, or a list with an address column, as a
 * campaign's. Anything in it that is no address is an error, FanmailError LIST_SYNTAX with the line: half a suppression list
 * would let mail through to people who must not get any. An empty file is an empty list.
 */
export async function readExclude(input: Readable | AsyncIterable<Buffer>, source: string): Promise<KeySet> {
  const bytes = input[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  try {
    const first = await firstLine(bytes, head, source);
    const whole = replay(head, bytes);
    if (first === undefined) return new KeySet();
    return parseAddress(first.text.trimEnd()).ok ? await readLines(whole, source) : await readColumn(whole, source);
  } finally {
    await bytes.return?.();
  }
}

async function readLines(input: AsyncIterable<Buffer>, source: string): Promise<KeySet> {
  const keys = new KeySet();
  const lines = new LineReader(source);
  const addAll = (found: readonly Line[]): void => {
    for (const { line, text } of found) {
      const parsed = parseAddress(text.endsWith('\r') ? text.slice(0, -1) : text);
      if (!parsed.ok) throw unreadable(source, line, parsed.detail);
      keys.add(parsed.key);
    }
  };
  for await (const text of decodeText(input, source)) addAll(lines.push(text, false));
  addAll(lines.push('', true));
  return keys;
}

async function readColumn(input: AsyncIterable<Buffer>, source: string): Promise<KeySet> {
  const keys = new KeySet();
  const list = await openList(input, { source }).catch((error: unknown) => {
    if (!(error instanceof FanmailError) || error.code !== 'LIST_NO_ADDRESS_COLUMN') throw error;
    throw new FanmailError(error.code, error.message, {
      hint: 'Write one address on each line, or name the column "email" in the first line.',
      cause: error,
    });
  });
  for await (const rows of list.batches()) {
    for (const row of rows) {
      if (row.kind === 'recipient') keys.add(row.recipient.address.toLowerCase());
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
async function firstLine(bytes: AsyncIterator<Buffer>, head: Buffer[], source: string): Promise<Line | undefined> {
  const lines = new LineReader(source);
  for await (const text of decodeText(kept(bytes, head), source)) {
    const [first] = lines.push(text, false);
    if (first) return first;
  }
  return lines.push('', true)[0];
}

async function* kept(bytes: AsyncIterator<Buffer>, head: Buffer[]): AsyncGenerator<Buffer> {
  for (let next = await bytes.next(); !next.done; next = await bytes.next()) {
    head.push(next.value);
    yield next.value;
  }
}

async function* replay(head: readonly Buffer[], bytes: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* head;
  yield* kept(bytes, []);
}
