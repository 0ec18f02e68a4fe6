import { readRecord } from '../domain/record.js';
import { stateOfByte } from '../domain/state.js';
import type { ClaimedChunk } from './ports.js';

/** A recipient that is open and due. */
export interface Open {
  readonly index: number;
  readonly attempts: number;
  /** A connection was lost under it before. */
  readonly dropped: boolean;
}

/** What is pending, or deferred and due; the ledger's order. */
export function openNow(chunk: ClaimedChunk): Open[] {
  const open: Open[] = [];
  for (let index = 0; index < Math.min(chunk.part, chunk.states.length); index++) {
    const state = stateOfByte(chunk.states[index] ?? 0);
    if (state !== 'pending' && state !== 'deferred') continue;
    const record = readRecord(chunk.records, index);
    if (state === 'deferred' && record.due > chunk.sinceOpeningMs) continue;
    open.push({ index, attempts: record.attempts, dropped: record.reason === 'dropped' });
  }
  return open;
}
