import type { RowDefinition } from './bench.js';
import { oneWorker } from './rows/one-worker.js';

/** In the order in which they are measured and shown. */
export const ROWS: readonly RowDefinition[] = [oneWorker];
