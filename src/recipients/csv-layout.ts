import type { Reject } from '../domain/recipient.js';
import type { Dialect } from './csv-reader.js';

/** What the first record of a CSV list tells of the others. */
export interface CsvLayout {
  readonly dialect: Dialect;
  /** Cells of a record. */
  readonly width: number;
  /** The place of the address. */
  readonly emailIndex: number;
  /** Records before the first recipient's. */
  readonly toSkip: number;
}

export const NUL_FAULT = 'A NUL character stands in it.';

export function faulty(line: number, address: string, detail: string): Reject {
  return { line, address, reason: 'row-syntax', detail };
}

export function ragged(line: number, address: string, cells: number, width: number): Reject {
  return { line, address, reason: 'row-ragged', detail: `The row has ${cells} of ${width} cells.` };
}
