import type { Campaign } from '../domain/campaign.js';
import { type Condition, fits, type Subject } from '../domain/condition.js';
import { csvCell } from '../domain/csv.js';
import { domainOf } from '../domain/pace.js';
import { type RecipientRecord, readRecord } from '../domain/record.js';
import { subjectOf } from '../domain/reopening.js';
import type { ResultSource } from '../pipeline/ports.js';
import { printable } from './format.js';
import { checkAddresses, codeText, isoTimes, lateSent, mayHaveGone, messageIds, stateAt } from './result-fields.js';

/** What an export can say of a recipient: the columns of results.csv, and two more. */
export const EXPORT_COLUMNS = [
  ...(['email', 'state', 'code', 'attempts', 'message_id', 'time', 'reason', 'reply'] as const),
  ...(['domain', 'class'] as const),
] as const;
export type ExportColumn = (typeof EXPORT_COLUMNS)[number];

/** Those of results.csv. */
export const DEFAULT_COLUMNS: readonly ExportColumn[] = EXPORT_COLUMNS.slice(0, 8);

export interface ExportOptions {
  readonly format: 'csv' | 'ndjson';
  readonly columns: readonly ExportColumn[];
  /** Null: everybody. */
  readonly where: Condition | null;
}

/** How many recipients were looked at, and how many of them written; changes while the export is read. */
export interface ExportCount {
  read: number;
  written: number;
}

/** Characters that are gathered before they are written. */
const PIECE = 1 << 16;

/**
 * Recipients who fit, in the order of the list, in pieces of about 64 kB: as CSV with a line of column names, safe to be opened in a
 * spreadsheet, or as one JSON object a line, null for what is not there. Throws LEDGER_UNBALANCED where a chunk can't be read.
 */
export async function* exportLines(
  campaign: Campaign,
  source: Pick<ResultSource, 'words' | 'late' | 'chunks'>,
  { format, columns, where }: ExportOptions,
  counted: ExportCount,
): AsyncIterable<string> {
  const words = new Map([...source.words].map(([number, text]) => [number, printable(text)]));
  const said = { words, replyRules: campaign.options.replyRules };
  const late = lateSent(source.late);
  const valueIn = valuesOf(campaign);
  const lineOf = format === 'csv' ? csvLine : jsonLine;
  let piece = format === 'csv' ? `${columns.join(',')}\n` : '';
  for await (const chunk of source.chunks()) {
    checkAddresses(campaign, chunk);
    const lateHere = late.get(chunk.chunk);
    for (let index = 0; index < chunk.states.length; index++) {
      const state = stateAt(campaign, chunk, index);
      const sentLate = mayHaveGone(state) && (lateHere?.has(index) ?? false);
      const subject = subjectOf(chunk, index, state, chunk.addresses?.[index] ?? null, said, sentLate);
      counted.read++;
      if (where && !fits(where, subject)) continue;
      counted.written++;
      const record = readRecord(chunk.records, index);
      piece += lineOf(columns.map((column) => [column, valueIn(column, subject, record)] as const));
      if (piece.length >= PIECE) {
        yield piece;
        piece = '';
      }
    }
  }
  yield piece;
}

type Value = string | number | null;

/** What stands in a column for a recipient; null where there is nothing. */
function valuesOf(campaign: Campaign): (column: ExportColumn, subject: Subject, record: RecipientRecord) => Value {
  const messageId = messageIds(campaign);
  const time = isoTimes();
  return (column, subject, record) => {
    const { address } = subject;
    switch (column) {
      case 'email':
        return address;
      case 'state':
      case 'attempts':
        return subject[column];
      case 'code':
        return codeText(record) || null;
      case 'message_id':
        return address && messageId(address);
      case 'time':
        return time(record.time) || null;
      case 'reason':
        return subject.reason === 'none' ? null : subject.reason;
      case 'reply':
        return subject.reply || null;
      case 'domain':
        return address && domainOf(address);
      case 'class':
        return subject.replyClass;
      default:
        return column satisfies never;
    }
  };
}

type Cell = readonly [column: ExportColumn, value: Value];

function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(([, value]) => (value === null ? '' : csvCell(String(value)))).join(',')}\n`;
}

function jsonLine(cells: readonly Cell[]): string {
  return `${JSON.stringify(Object.fromEntries(cells))}\n`;
}
