import { FanmailError } from '../domain/errors.js';
import type { PackedBatch } from '../domain/packed-batch.js';
import type { Column } from '../domain/recipient.js';
import type { CsvLayout } from './csv-layout.js';
import { CsvPacker } from './csv-packer.js';
import { openCsv } from './csv-rows.js';
import type { Encoding, EncodingChoice } from './encoding.js';
import { openNdjson } from './ndjson-rows.js';
import type { OpenedRows } from './rows.js';
import { type Row, Screen, type ScreenOptions } from './screen.js';
import { type ListInput, MAX_RECORD, type OpenedText, openText } from './text.js';

export interface ListOptions extends ScreenOptions {
  /** The list's name for messages. */
  readonly source: string;
  /** The address column by title or variable, in any case. */
  readonly emailColumn?: string;
  /** By default NDJSON where the first character that is not blank is `{`, and CSV otherwise. */
  readonly format?: 'csv' | 'ndjson';
  /** By default `auto`, see `openText`. */
  readonly encoding?: EncodingChoice;
  /** The titles of the columns of a CSV list whose first record is no header. */
  readonly columns?: readonly string[];
  /** So long that it is worth a thread of its own to pack its rows; false by default. */
  readonly long?: boolean;
}

export interface RecipientList {
  readonly format: 'csv' | 'ndjson';
  readonly encoding: Encoding;
  /** What was guessed about the encoding, a sentence for the operator; null where nothing was. */
  readonly notice: string | null;
  /** Null for NDJSON. */
  readonly delimiter: string | null;
  /** For NDJSON the names of the first object; a row may have others. */
  readonly columns: readonly Column[];
  readonly emailColumn: Column;
  /**
   * The rows in their order, about 1,000 at a time, with the variables `needs` at least, by default all; to be read once. Leaving early closes the input. Throws FanmailError
   * LIST_UNREADABLE or LIST_SYNTAX where the rest of the list can't be read for what it is.
   */
  batches(needs?: readonly string[]): AsyncIterable<readonly Row[]>;
  /**
   * The same rows with the variables `needs` and no others, packed as they are read; in place of `batches`. Null for NDJSON, and where a column is missing.
   */
  packed(needs: readonly string[]): AsyncIterable<PackedBatch> | null;
  /**
   * SHA-256 of the raw bytes of the whole list, in hex, once its rows have ended by themselves; with a limit, too: what
   * comes after it is read for this alone.
   */
  digest(): string;
}

/**
 * Opens a list: reads as much of it as tells its encoding, format and columns. Memory holds one batch, plus at most 16
 * bytes for each address seen, and of a stream up to a megabyte. Throws FanmailError LIST_UNREADABLE, LIST_SYNTAX,
 * LIST_NO_ADDRESS_COLUMN, or LIST_NOTHING_SENDABLE for an empty list; the input is closed then. Whoever leaves the
 * batches of an opened list unread closes the input.
 */
export async function openList(input: ListInput, options: ListOptions): Promise<RecipientList> {
  return openListText(
    await openText(input, { ...options, encoding: options.encoding ?? 'auto', guess: true }),
    options,
  );
}

/** The same for text that is decoded already. */
export async function openListText(text: OpenedText, options: ListOptions): Promise<RecipientList> {
  try {
    let head = '';
    for (;;) {
      const next = await text.pieces.next();
      if (!next.done) head += next.value;
      // A first record that is not complete by then never will be.
      const final = next.done === true || head.length > MAX_RECORD;
      const rows = open(head, final, options);
      if (rows === null && final) throw empty(options.source);
      if (rows) return listOf(rows, head, text, options);
    }
  } catch (error) {
    await text.pieces.return();
    throw error;
  }
}

/** Null where more of the list is needed. */
function open(head: string, final: boolean, options: ListOptions): OpenedRows | null {
  const first = head.match(/\S/)?.[0];
  if (first === undefined) return null;
  if (head.slice(0, head.indexOf('\n') + 1 || head.length).includes('\0')) throw notText(options.source);
  const format = options.format ?? (first === '{' && !options.columns ? 'ndjson' : 'csv');
  return format === 'csv' ? openCsv(head, final, options) : openNdjson(head, final, options);
}

/** UTF-16 without a mark has such a character in its first line, whatever it says: that of the line end. */
function notText(source: string): FanmailError {
  const message = `The list ${source} has zero bytes in its first line: it is UTF-16 without a mark, or no text at all.`;
  return new FanmailError('LIST_UNREADABLE', message, { hint: 'If it is UTF-16, add --encoding utf-16.' });
}

function empty(source: string): FanmailError {
  return new FanmailError('LIST_NOTHING_SENDABLE', `The list ${source} is empty.`, {
    hint: 'The first line names the columns, and each line after it is a recipient.',
  });
}

function listOf(
  rows: OpenedRows,
  head: string,
  { encoding, notice, pieces, bytes, digest: digestOf }: OpenedText,
  options: ListOptions,
): RecipientList {
  let digest: string | undefined;
  let begun = false;
  const begin = (): void => {
    if (begun) throw new Error('the batches of a list can be read once');
    begun = true;
  };
  async function* batches(needs?: readonly string[]): AsyncGenerator<readonly Row[]> {
    begin();
    const screen = new Screen(options);
    try {
      yield* some(screen.pass(rows.push(head, false, needs)));
      for await (const text of pieces) {
        if (!screen.full) yield* some(screen.pass(rows.push(text, false, needs)));
      }
      if (!screen.full) yield* some(screen.pass(rows.push('', true, needs)));
      digest = digestOf();
    } finally {
      await pieces.return(undefined);
    }
  }
  async function* packed(layout: CsvLayout, values: readonly number[]): AsyncGenerator<PackedBatch> {
    begin();
    const blocks = following(Buffer.from(head), bytes);
    const { source, long, limit, exclude } = options;
    try {
      // A limit and those who are excluded are known here alone.
      if (long && limit === undefined && exclude === undefined) {
        const { packedInThread } = await import('./packed-in-thread.js');
        yield* packedInThread(blocks, { layout, values, source });
      } else yield* packedHere(blocks, layout, values, options);
      digest = digestOf();
    } finally {
      await pieces.return(undefined);
    }
  }
  const { format, delimiter, columns, emailColumn } = rows;
  return {
    format,
    encoding,
    notice,
    delimiter,
    columns,
    emailColumn,
    batches,
    packed(needs) {
      const values = needs.map((name) => columns.findIndex(({ variable }) => variable === name));
      return rows.layout === null || values.includes(-1) ? null : packed(rows.layout, values);
    },
    digest: () => {
      if (digest === undefined) throw new Error('the digest of a list is known once all its batches were read');
      return digest;
    },
  };
}

async function* packedHere(
  blocks: AsyncIterable<Buffer>,
  layout: CsvLayout,
  values: readonly number[],
  options: ListOptions,
): AsyncGenerator<PackedBatch, void, undefined> {
  const screen = new Screen(options);
  const packer = new CsvPacker(layout, values, screen, options.source);
  for await (const block of blocks) if (!screen.full) yield packer.push(block, false);
  if (!screen.full) yield packer.push(Buffer.alloc(0), true);
}

async function* following(head: Buffer, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield head;
  yield* bytes;
}

function some<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.length === 0 ? [] : [items];
}
