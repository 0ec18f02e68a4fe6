import { FanmailError } from '../domain/errors.js';
import type { Value } from '../domain/recipient.js';
import { addressColumn, columnsOf, shown, variableOf } from './columns.js';
import { type Line, LineReader } from './lines.js';
import { emptyVariables, type OpenedRows, type RawRow } from './rows.js';

/** Deeper values are refused, so that no row can exhaust the stack. */
const MAX_DEPTH = 32;

/** Opens a list of one JSON object per line by its first one; null where `head` does not hold it completely yet. */
export function openNdjson(
  head: string,
  final: boolean,
  { source, emailColumn: wanted }: { readonly source: string; readonly emailColumn?: string },
): OpenedRows | null {
  const [first] = new LineReader(source).push(head, final);
  if (first === undefined) return null;
  const object = parseObject(first.text);
  if (typeof object === 'string') {
    throw new FanmailError('LIST_SYNTAX', `Line ${first.line} of ${source}: ${object}`, {
      hint: 'A list in JSON has one whole object on each line, without brackets or commas around the lines.',
    });
  }
  const columns = columnsOf(Object.keys(object), source);
  const emailColumn = addressColumn(columns, wanted, source);
  const variableByKey = new Map(Object.keys(object).map((key) => [key, variableOf(key)]));
  const lines = new LineReader(source);
  const push = (text: string, last: boolean): RawRow[] =>
    lines.push(text, last).map((line) => toRow(line, emailColumn.variable, variableByKey));
  return { format: 'ndjson', delimiter: null, columns, emailColumn, layout: null, push };
}

function toRow({ line, text }: Line, emailVariable: string, variableByKey: ReadonlyMap<string, string>): RawRow {
  const object = parseObject(text);
  if (typeof object === 'string') return refuse(line, object);
  const variables = emptyVariables();
  for (const key of Object.keys(object)) {
    const name = variableByKey.get(key) ?? variableOf(key);
    if (name in variables) return refuse(line, `Two of its names give the variable ${shown(name)}.`);
    const value = copy(object[key], 0);
    if (value === undefined) return refuse(line, `Its values are nested deeper than ${MAX_DEPTH} levels.`);
    variables[name] = value;
  }
  if (text.includes('\\u0000') && holdsNul(variables)) return refuse(line, 'A NUL character stands in it.');
  return { kind: 'fields', line, address: variables[emailVariable], variables };
}

function refuse(line: number, detail: string): RawRow {
  return { kind: 'reject', reject: { line, address: '', reason: 'row-syntax', detail } };
}

/** The object that the line holds, or what is wrong with it. */
function parseObject(text: string): Readonly<Record<string, unknown>> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'The line is no JSON.';
  }
  return isObject(value) ? value : 'The line is JSON, but no object.';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A raw NUL is no JSON, but an escaped one is. */
function holdsNul(value: Value): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNul);
}

/** The value with objects that have no prototype; undefined where it is nested too deep. */
function copy(value: unknown, depth: number): Value | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (depth === MAX_DEPTH) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => copy(item, depth + 1));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const object = emptyVariables();
  for (const [key, item] of Object.entries(value ?? {})) {
    const inner = copy(item, depth + 1);
    if (inner === undefined) return undefined;
    object[key] = inner;
  }
  return object;
}
