import { setTimeout as delay } from 'node:timers/promises';
import type { ChunkLedger, ClaimedChunk, Log, Settlement } from './ports.js';

/** Between tries where Redis refuses to write (full, read-only, loading). */
const RETRY_MS = 500;

export interface Settler {
  /** Resolves when the ledger has the outcome. */
  settle(settlement: Settlement): Promise<void>;
  /** Whether another owner has the chunk by now. */
  fenced(): boolean;
  /** Resolves when nothing waits to be settled. */
  flushed(): Promise<void>;
}

/** Collects the outcomes of an event loop's turn and settles them in one round trip; an outcome is never dropped. */
export function createSettler(chunk: ClaimedChunk, ledger: ChunkLedger, log: Log): Settler {
  let waiting: { settlement: Settlement; done: () => void }[] = [];
  let flushing: Promise<void> | null = null;
  let fenced = false;

  async function flush(): Promise<void> {
    // The turn's other outcomes come along.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await settleSurely(batch.map((entry) => entry.settlement));
      for (const entry of batch) entry.done();
    }
    flushing = null;
  }

  async function settleSurely(settlements: readonly Settlement[]): Promise<void> {
    for (;;) {
      try {
        if ((await ledger.settle(chunk, settlements)) !== 'ok') fenced = true;
        return;
      } catch (error) {
        log.error(
          { err: error, campaign: chunk.campaign, chunk: chunk.chunk },
          'outcomes could not be settled; trying again',
        );
        await delay(RETRY_MS);
      }
    }
  }

  return {
    settle(settlement: Settlement): Promise<void> {
      return new Promise((done) => {
        waiting.push({ settlement, done });
        flushing ??= flush();
      });
    },
    fenced: () => fenced,
    async flushed(): Promise<void> {
      while (flushing) await flushing;
    },
  };
}
