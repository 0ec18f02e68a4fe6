import { FanmailError } from '../domain/errors.js';
import { isUsualAddressTitle } from './columns.js';
import { CsvReader, type Dialect } from './csv-reader.js';

const DELIMITERS = [',', ';', '\t', '|'];

/**
 * The dialect of a CSV file by its first record: the delimiter, of comma, semicolon, tab and pipe, that stands most often
 * outside quotes; but one that sets free an address column's usual name, or the one in `wanted`, goes before. A file
 * of one column has a comma. Null where the first record is not complete yet.
 */
export function sniffDialect(head: string, final: boolean, wanted?: string): Dialect | null {
  const found = firstRecord(head, final);
  if (found === null) return null;
  const { record, newline } = found;
  const counted = byCount(record).filter(({ count }) => count > 0);
  const telling = counted.find(({ delimiter }) => hasAddressTitle(record, { delimiter, newline }, wanted));
  return { delimiter: (telling ?? counted[0])?.delimiter ?? ',', newline };
}

/** What Excel writes and reads as the first line, `sep=;`: it names the delimiter and is no record. */
export function announcedDialect(head: string): Dialect | null {
  const [, delimiter] = /^sep=([,;\t|])\r?\n/i.exec(head) ?? [];
  return delimiter === undefined ? null : { delimiter, newline: '\n' };
}

/**
 * The same by a first record that is no header but has `width` cells: a delimiter that gives so many goes first, and of
 * these one with which `fits` says yes.
 */
export function sniffHeaderless(
  head: string,
  final: boolean,
  width: number,
  fits: (cells: readonly string[]) => boolean,
): Dialect | null {
  const found = firstRecord(head, final);
  if (found === null) return null;
  const { record, newline } = found;
  const ranked = byCount(record).map(({ delimiter }) => {
    const cells = cellsOf(record, { delimiter, newline });
    return { delimiter, rank: (cells.length === width ? 2 : 0) + (cells.length === width && fits(cells) ? 1 : 0) };
  });
  const best = Math.max(...ranked.map(({ rank }) => rank));
  return { delimiter: ranked.find(({ rank }) => rank === best)?.delimiter ?? ',', newline };
}

/** Null where it is not complete yet. */
function firstRecord(head: string, final: boolean): { readonly record: string; readonly newline: '\n' | '\r' } | null {
  const text = head.search(/[^\r\n ]/);
  const start = text === -1 ? -1 : Math.max(head.lastIndexOf('\n', text), head.lastIndexOf('\r', text)) + 1;
  const end = start === -1 ? -1 : recordEnd(head, start);
  if (end === -1 && !final) return null;
  // A CR at the very end may be half a CRLF.
  if (head[end] === '\r' && end + 1 === head.length && !final) return null;
  const newline = head[end] === '\r' && head[end + 1] !== '\n' && end + 1 < head.length ? '\r' : '\n';
  return { record: head.slice(Math.max(start, 0), end === -1 ? head.length : end), newline };
}

/** The commonest first; of equally common ones in the order of DELIMITERS. */
function byCount(record: string): { readonly delimiter: string; readonly count: number }[] {
  return DELIMITERS.map((delimiter) => ({ delimiter, count: countOutsideQuotes(record, delimiter) })).sort(
    (a, b) => b.count - a.count,
  );
}

function recordEnd(head: string, start: number): number {
  let quoted = false;
  for (let i = start; i < head.length; i++) {
    const char = head[i];
    if (char === '"' && (quoted || opensCell(head, i))) quoted = !quoted;
    else if (!quoted && (char === '\n' || char === '\r')) return i;
  }
  return -1;
}

function countOutsideQuotes(record: string, delimiter: string): number {
  let quoted = false;
  let count = 0;
  for (let i = 0; i < record.length; i++) {
    const char = record[i];
    if (char === '"' && (quoted || opensCell(record, i))) quoted = !quoted;
    else if (!quoted && char === delimiter) count++;
  }
  return count;
}

/** True where a quote begins a cell, or is the second of a doubled one. */
function opensCell(text: string, at: number): boolean {
  const before = text[at - 1];
  return before === undefined || before === '"' || before === '\n' || before === '\r' || DELIMITERS.includes(before);
}

function hasAddressTitle(record: string, dialect: Dialect, wanted: string | undefined): boolean {
  const cells = cellsOf(record, dialect);
  const folded = wanted?.trim().toLowerCase();
  return cells.some((cell) =>
    folded === undefined ? isUsualAddressTitle(cell) : cell.trim().toLowerCase() === folded,
  );
}

/** None where the record can't be read with this dialect: whoever reads it with the chosen one says why. */
function cellsOf(record: string, dialect: Dialect): readonly string[] {
  try {
    return new CsvReader(dialect, '').push(record, true)[0]?.cells ?? [];
  } catch (error) {
    if (error instanceof FanmailError) return [];
    throw error;
  }
}
