import { isUsualAddressTitle } from './columns.js';
import { CsvReader, type Dialect } from './csv-reader.js';

const DELIMITERS = [',', ';', '\t', '|'];

/**
 * The dialect of a CSV file by its first record: the delimiter, of comma, semicolon, tab and pipe, that stands most often
 * outside quotes; but one that sets free an address column's usual name, or the one in `wanted`, goes before. A file
 * of one column has a comma. Null where the first record is not complete yet.
 */
export function sniffDialect(head: string, final: boolean, wanted?: string): Dialect | null {
  const start = head.search(/[^\r\n]/);
  const end = start === -1 ? -1 : recordEnd(head, start);
  if (end === -1 && !final) return null;
  // A CR at the very end may be half a CRLF.
  if (head[end] === '\r' && end + 1 === head.length && !final) return null;
  const newline = head[end] === '\r' && head[end + 1] !== '\n' && end + 1 < head.length ? '\r' : '\n';
  const record = head.slice(Math.max(start, 0), end === -1 ? head.length : end);
  const counted = DELIMITERS.map((delimiter) => ({ delimiter, count: countOutsideQuotes(record, delimiter) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  const telling = counted.find(({ delimiter }) => hasAddressTitle(record, { delimiter, newline }, wanted));
  return { delimiter: (telling ?? counted[0])?.delimiter ?? ',', newline };
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
  const cells = new CsvReader(dialect, '').push(record, true)[0]?.cells ?? [];
  const folded = wanted?.trim().toLowerCase();
  return cells.some((cell) =>
    folded === undefined ? isUsualAddressTitle(cell) : cell.trim().toLowerCase() === folded,
  );
}
