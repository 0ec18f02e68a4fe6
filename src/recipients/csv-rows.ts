import { FanmailError } from '../domain/errors.js';
import { addressColumn, columnsOf } from './columns.js';
import { CsvReader, type CsvRecord } from './csv-reader.js';
import { sniffDialect } from './dialect.js';
import { emptyVariables, type OpenedRows, type RawRow } from './rows.js';

/** Opens a CSV list by its first record; null where `head` does not hold it completely yet. */
export function openCsv(
  head: string,
  final: boolean,
  { source, emailColumn: wanted }: { readonly source: string; readonly emailColumn?: string },
): OpenedRows | null {
  const dialect = sniffDialect(head, final, wanted);
  if (dialect === null) return null;
  const [header] = new CsvReader(dialect, source).push(head, final);
  if (header === undefined) return null;
  if (header.fault) {
    throw new FanmailError('LIST_SYNTAX', `Line ${header.line} of ${source}, the column names: ${header.fault}`);
  }
  const columns = columnsOf(header.cells, source);
  const emailColumn = addressColumn(columns, wanted, source);
  const emailIndex = columns.indexOf(emailColumn);
  const names = columns.map((column) => column.variable);
  const reader = new CsvReader(dialect, source);
  let atHeader = true;
  const push = (text: string, last: boolean): RawRow[] => {
    const records = reader.push(text, last);
    const rows = atHeader ? records.slice(1) : records;
    if (records.length > 0) atHeader = false;
    return rows.map((record) => toRow(record, names, emailIndex));
  };
  return { format: 'csv', delimiter: dialect.delimiter, columns, emailColumn, push };
}

function toRow(record: CsvRecord, names: readonly string[], emailIndex: number): RawRow {
  const { line, cells, fault } = record;
  const address = cells[emailIndex];
  if (fault) return { kind: 'reject', reject: { line, address: address ?? '', reason: 'row-syntax', detail: fault } };
  if (cells.length !== names.length) {
    const detail = `The row has ${cells.length} of ${names.length} cells.`;
    return { kind: 'reject', reject: { line, address: address ?? '', reason: 'row-ragged', detail } };
  }
  const variables = emptyVariables();
  for (let i = 0; i < names.length; i++) variables[names[i] ?? ''] = cells[i] ?? '';
  return { kind: 'fields', line, address, variables };
}
