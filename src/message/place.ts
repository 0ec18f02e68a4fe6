import { type ErrorCode, FanmailError } from '../domain/errors.js';

/** A place in a part of a template; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Columns of a long line that an excerpt shows. */
const EXCERPT_WIDTH = 88;

/** An error at a place of a template, with the line it is about and a mark under the column. */
export function errorAt(
  code: ErrorCode,
  place: Place,
  source: string,
  problem: string,
  options: { hint?: string; cause?: unknown } = {},
): FanmailError {
  const where = `${place.file}, line ${place.line}, column ${place.column}`;
  return new FanmailError(code, `${where}: ${problem}\n${excerpt(source, place)}`, options);
}

function excerpt(source: string, { line, column }: Place): string {
  const full = source.split(/\r\n?|\n/)[line - 1] ?? '';
  const start = Math.max(0, Math.min(column - 1 - EXCERPT_WIDTH / 2, full.length - EXCERPT_WIDTH));
  // A tab or control character would shift the mark, or the terminal's cursor.
  const shown = full.slice(start, start + EXCERPT_WIDTH).replace(/\p{Cc}/gu, ' ');
  const gutter = `  ${line} | `;
  return `${gutter}${shown}\n${' '.repeat(gutter.length - 2)}| ${' '.repeat(Math.max(0, column - 1 - start))}^`;
}
