import type { StagingStore } from '../../pipeline/ports.js';
import { packRecipients } from '../chunk-codec.js';

/** A staging that measures what it would write, and writes nothing. */
export function createMeasuringStore(): StagingStore {
  return {
    open: async () => 'ok',
    template: async () => undefined,
    chunk: async (_id, _nonce, _chunk, recipients) => (await packRecipients(recipients)).length,
    heard: async () => undefined,
    seal: async () => undefined,
    discard: async () => undefined,
  };
}
