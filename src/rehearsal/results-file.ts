import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** A line of `results.csv`, as its reader finds it. */
export interface ResultLine {
  readonly email: string;
  readonly state: string;
  readonly code: string;
  readonly attempts: number;
  readonly messageId: string;
  readonly reason: string;
}

const COLUMNS = 7;

/** The lines of a results file in their order (RFC 4180; no cell has a line break). Rejects where one can't be read. */
export async function* readResults(path: string): AsyncIterable<ResultLine> {
  let number = 0;
  let columns: readonly string[] = [];
  for await (const text of createInterface({ input: createReadStream(path) })) {
    number += 1;
    const cells = cellsOf(text);
    if (number === 1) columns = cells;
    else if (cells.length !== columns.length || cells.length < COLUMNS) {
      throw new Error(`line ${number} of ${path} has ${cells.length} cells, not ${columns.length}`);
    } else yield lineOf(cells, columns);
  }
}

function lineOf(cells: readonly string[], columns: readonly string[]): ResultLine {
  const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
  return {
    email: cell('email'),
    state: cell('state'),
    code: cell('code'),
    attempts: Number(cell('attempts')),
    messageId: cell('message_id'),
    reason: cell('reason'),
  };
}

function cellsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const cells: string[] = [];
  for (const [, quoted, plain = ''] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
  }
  return cells;
}
