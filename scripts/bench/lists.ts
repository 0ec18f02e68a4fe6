import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse/sync';
import type { Recipient } from '../../src/domain/recipient.js';
import { generateList } from '../make-list.js';

/** Writes a list of so many different recipients; the same one every time. */
export async function writeList(folder: string, rows: number): Promise<string> {
  const path = join(folder, `list-${rows}.csv`);
  if (existsSync(path)) return path;
  await pipeline(generateList({ rows }), createWriteStream(path));
  return path;
}

/** The first recipients of such a list, read without fanmail's own reader. */
export function readList(path: string, most: number): Omit<Recipient, 'line'>[] {
  const rows = parse(readFileSync(path), { columns: true, to: most }) as Record<string, string>[];
  return rows.map(({ email = '', ...variables }) => ({ address: email, variables }));
}
