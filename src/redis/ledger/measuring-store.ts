import type { StagingStore } from '../../pipeline/staging-ports.js';
import { stagedChunk } from './staged-chunk.js';

/** A staging that measures what it would write, and writes nothing. */
export function createMeasuringStore(): StagingStore {
  return {
    open: async () => 'ok',
    template: async () => undefined,
    contents: async () => undefined,
    room: async () => Number.POSITIVE_INFINITY,
    chunk: (_id, _nonce, _chunk, columns) => stagedChunk(columns, async () => undefined),
    heard: async () => undefined,
    seal: async () => undefined,
    discard: async () => undefined,
  };
}
