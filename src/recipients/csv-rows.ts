import { FanmailError } from '../domain/errors.js';
import type { Column } from '../domain/recipient.js';
import { parseAddress } from './address.js';
import { addressColumn, columnsOf } from './columns.js';
import { faulty, NUL_FAULT, ragged } from './csv-layout.js';
import { CsvReader, type CsvRecord, type Dialect } from './csv-reader.js';
import { announcedDialect, sniffDialect, sniffHeaderless } from './dialect.js';
import { type OpenedRows, type RawRow, SameVariables } from './rows.js';

export interface CsvOptions {
  /** The list's name for messages. */
  readonly source: string;
  /** The address column by title or variable. */
  readonly emailColumn?: string;
  /** The columns' titles, where the first record is no header. */
  readonly columns?: readonly string[];
}

/** Opens a CSV list by its first record; null where `head` does not hold it completely yet. */
export function openCsv(head: string, final: boolean, options: CsvOptions): OpenedRows | null {
  const { source, columns: given, emailColumn: wanted } = options;
  // Before anything else: these need nothing of the list.
  const known = given ? named(given, '--columns', wanted) : null;
  const announced = announcedDialect(head);
  const dialect = announced ?? (known ? sniffData(head, final, known) : sniffDialect(head, final, wanted));
  if (dialect === null) return null;
  const [first] = new CsvReader(dialect, source).push(head, final).slice(announced ? 1 : 0);
  if (first === undefined) return null;
  if (known) checkWidth(first, known.columns.length, source);
  else if (first.fault) {
    throw new FanmailError('LIST_SYNTAX', `Line ${first.line} of ${source}, the column names: ${first.fault}`, {
      hint: 'Put quotes around the whole cell, and write a quote inside it twice.',
    });
  }
  const { columns, emailColumn, emailIndex } = known ?? named(first.cells, source, wanted);
  const all = columns.map((column, index) => ({ name: column.variable, index }));
  let kept: readonly Place[] = all;
  const reader = new CsvReader(dialect, source);
  const layout = { dialect, width: all.length, emailIndex, toSkip: (announced ? 1 : 0) + (known ? 0 : 1) };
  let { toSkip } = layout;
  /** A NUL is rare, so nobody looks for it in every row before the first one came. */
  let nul = false;
  const push = (text: string, last: boolean, needs?: readonly string[]): RawRow[] => {
    if (needs && kept === all) kept = all.filter(({ name }) => needs.includes(name));
    nul ||= text.includes('\0');
    const records = reader.push(text, last);
    const rows = records.slice(toSkip);
    toSkip = Math.max(0, toSkip - records.length);
    return rows.map((record) => toRow(nul ? withNulFault(record) : record, all.length, kept, emailIndex));
  };
  return { format: 'csv', delimiter: dialect.delimiter, columns, emailColumn, layout, push };
}

/** A variable and the place of its cell in a row. */
interface Place {
  readonly name: string;
  readonly index: number;
}

interface Named {
  readonly columns: readonly Column[];
  readonly emailColumn: Column;
  readonly emailIndex: number;
}

function named(titles: readonly string[], source: string, wanted: string | undefined): Named {
  const columns = columnsOf(titles, source);
  const emailColumn = addressColumn(columns, wanted, source);
  return { columns, emailColumn, emailIndex: columns.indexOf(emailColumn) };
}

function sniffData(head: string, final: boolean, { columns, emailIndex }: Named): Dialect | null {
  return sniffHeaderless(head, final, columns.length, (cells) => {
    const address = cells[emailIndex] ?? '';
    // A pipe may stand in an address, but hardly ever does.
    return !/[,;\t|]/.test(address) && parseAddress(address).ok;
  });
}

/** Where the first record has another width than was said, it is likelier that all have. */
function checkWidth({ line, cells }: CsvRecord, width: number, source: string): void {
  if (cells.length === width) return;
  const message = `--columns names ${width} columns, and line ${line} of ${source} has ${cells.length} cells.`;
  throw new FanmailError('LIST_SYNTAX', message, { hint: 'Name every column of the list, in order.' });
}

function withNulFault(record: CsvRecord): CsvRecord {
  if (record.fault || !record.cells.some((cell) => cell.includes('\0'))) return record;
  return { ...record, fault: NUL_FAULT };
}

function toRow(record: CsvRecord, width: number, kept: readonly Place[], emailIndex: number): RawRow {
  const { line, cells, fault } = record;
  const address = cells[emailIndex];
  if (fault) return { kind: 'reject', reject: faulty(line, address ?? '', fault) };
  if (cells.length !== width) return { kind: 'reject', reject: ragged(line, address ?? '', cells.length, width) };
  const variables = new SameVariables();
  for (const { name, index } of kept) variables[name] = cells[index] ?? '';
  return { kind: 'fields', line, address, variables };
}
