import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { FanmailError } from '../domain/errors.js';
import type { Column, Recipient, Reject, RejectReason } from '../domain/recipient.js';
import { parseAddress } from './address.js';
import { openCsv } from './csv-rows.js';
import { KeySet } from './key-set.js';
import { openNdjson } from './ndjson-rows.js';
import type { OpenedRows, RawRow } from './rows.js';
import { decodeText, MAX_RECORD } from './text.js';

export type Row =
  | { readonly kind: 'recipient'; readonly recipient: Recipient }
  | { readonly kind: 'reject'; readonly reject: Reject };

export interface ListOptions {
  /** The list's name for messages. */
  readonly source: string;
  /** The address column by title or variable, in any case. */
  readonly emailColumn?: string;
  /** Sendable recipients to stop after, at least 1. */
  readonly limit?: number;
  /** Addresses never to send to. */
  readonly exclude?: KeySet | undefined;
  /** By default NDJSON where the first character that is not blank is `{`, and CSV otherwise. */
  readonly format?: 'csv' | 'ndjson';
}

export interface RecipientList {
  readonly format: 'csv' | 'ndjson';
  /** Null for NDJSON. */
  readonly delimiter: string | null;
  /** For NDJSON the names of the first object; a row may have others. */
  readonly columns: readonly Column[];
  readonly emailColumn: Column;
  /**
   * The rows in their order, about 1,000 at a time; to be read once. Leaving early closes the input. Throws FanmailError
   * LIST_UNREADABLE or LIST_SYNTAX where the rest of the list can't be read for what it is.
   */
  batches(): AsyncIterable<readonly Row[]>;
  /**
   * SHA-256 of the raw bytes of the whole list, in hex, once `batches()` has ended by itself; with a limit, too: what
   * comes after it is read for this alone.
   */
  digest(): string;
}

/**
 * Opens a list: reads as much of it as tells its format and columns. Memory holds one batch, plus at most 16 bytes for
 * each address seen. Throws FanmailError LIST_UNREADABLE, LIST_SYNTAX, LIST_NO_ADDRESS_COLUMN, or
 * LIST_NOTHING_SENDABLE for an empty list; the input is closed then. Whoever leaves the batches
 * of an opened list unread closes the input.
 */
export async function openList(input: Readable | AsyncIterable<Buffer>, options: ListOptions): Promise<RecipientList> {
  const hash = createHash('sha256');
  const texts = decodeText(input, options.source, hash);
  try {
    let head = '';
    for (;;) {
      const next = await texts.next();
      if (!next.done) head += next.value;
      // A first record that is not complete by then never will be.
      const final = next.done === true || head.length > MAX_RECORD;
      const rows = open(head, final, options);
      if (rows === null && final) throw empty(options.source);
      if (rows) return listOf(rows, head, texts, hash, options);
    }
  } catch (error) {
    await texts.return();
    throw error;
  }
}

/** Null where more of the list is needed. */
function open(head: string, final: boolean, options: ListOptions): OpenedRows | null {
  const first = head.match(/\S/)?.[0];
  if (first === undefined) return null;
  const format = options.format ?? (first === '{' ? 'ndjson' : 'csv');
  return format === 'csv' ? openCsv(head, final, options) : openNdjson(head, final, options);
}

function empty(source: string): FanmailError {
  return new FanmailError('LIST_NOTHING_SENDABLE', `The list ${source} is empty.`, {
    hint: 'The first line names the columns, and each line after it is a recipient.',
  });
}

function listOf(
  rows: OpenedRows,
  head: string,
  texts: AsyncGenerator<string>,
  hash: Hash,
  options: ListOptions,
): RecipientList {
  let digest: string | undefined;
  let begun = false;
  async function* batches(): AsyncGenerator<readonly Row[]> {
    if (begun) throw new Error('the batches of a list can be read once');
    begun = true;
    const screen = new Screen(options);
    try {
      yield* some(screen.pass(rows.push(head, false)));
      for await (const text of texts) {
        if (!screen.full) yield* some(screen.pass(rows.push(text, false)));
      }
      if (!screen.full) yield* some(screen.pass(rows.push('', true)));
      digest = hash.digest('hex');
    } finally {
      await texts.return(undefined);
    }
  }
  const { format, delimiter, columns, emailColumn } = rows;
  return {
    format,
    delimiter,
    columns,
    emailColumn,
    batches,
    digest: () => {
      if (digest === undefined) throw new Error('the digest of a list is known once all its batches were read');
      return digest;
    },
  };
}

function some<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.length === 0 ? [] : [items];
}

/** Decides about each row: what may be sent, and why not. */
class Screen {
  readonly #seen = new KeySet();
  readonly #exclude: KeySet | undefined;
  #left: number;

  constructor({ exclude, limit }: ListOptions) {
    this.#exclude = exclude;
    this.#left = limit ?? Number.POSITIVE_INFINITY;
  }

  /** True once the limit is reached. */
  get full(): boolean {
    return this.#left <= 0;
  }

  pass(rows: readonly RawRow[]): Row[] {
    const passed: Row[] = [];
    for (const row of rows) {
      if (this.full) break;
      passed.push(this.#decide(row));
    }
    return passed;
  }

  #decide(row: RawRow): Row {
    if (row.kind === 'reject') return row;
    const { line, address: written, variables } = row;
    if (written === undefined || written === null) return refuse(line, '', 'no-address', 'There is no address.');
    if (typeof written !== 'string') {
      return refuse(line, JSON.stringify(written), 'no-address', 'The address is no text.');
    }
    const parsed = parseAddress(written);
    if (!parsed.ok) return refuse(line, written, parsed.reason, parsed.detail);
    if (this.#exclude?.has(parsed.key))
      return refuse(line, written, 'suppressed', 'The address is never to be sent to.');
    if (!this.#seen.add(parsed.key)) return refuse(line, written, 'duplicate', 'The same address stood earlier.');
    this.#left--;
    return { kind: 'recipient', recipient: { line, address: parsed.address, variables } };
  }
}

function refuse(line: number, address: string, reason: RejectReason, detail: string): Row {
  return { kind: 'reject', reject: { line, address, reason, detail } };
}
