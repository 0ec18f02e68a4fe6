import { setTimeout as delay } from 'node:timers/promises';
import type { ChunkLedger, ClaimedChunk, Log, Settlement } from './ports.js';

/** Between tries where Redis refuses to write (full, read-only, loading). */
const RETRY_MS = 500;

/** Settles the outcomes of all chunks that a process sends. */
export interface Settler {
  /** Resolves when the ledger has the outcome; false where the chunk has another owner by now. An outcome is never dropped. */
  settle(chunk: ClaimedChunk, settlement: Settlement): Promise<boolean>;
  /**
   * Sends what waits now. Called before a begin: commands of one connection keep their order, so the ledger never has
   * more in flight than there are connections.
   */
  flush(): void;
}

interface Waiting {
  readonly settlement: Settlement;
  readonly done: (ours: boolean) => void;
}

/** Collects the outcomes of an event loop's turn: one call for each chunk, however many connections answered. */
export function createSettler(ledger: ChunkLedger, log: Log): Settler {
  let waiting = new Map<ClaimedChunk, Waiting[]>();
  let scheduled = false;

  function flush(): void {
    scheduled = false;
    const batches = waiting;
    waiting = new Map();
    for (const [chunk, batch] of batches) void settleBatch(chunk, batch);
  }

  async function settleBatch(chunk: ClaimedChunk, batch: readonly Waiting[]): Promise<void> {
    const settlements = batch.map((entry) => entry.settlement);
    const ours = await settleSurely(chunk, settlements);
    for (const entry of batch) entry.done(ours);
  }

  async function settleSurely(chunk: ClaimedChunk, settlements: readonly Settlement[]): Promise<boolean> {
    for (;;) {
      try {
        return (await ledger.settle(chunk, settlements)) === 'ok';
      } catch (error) {
        const where = { campaign: chunk.campaign, chunk: chunk.chunk };
        log.error({ err: error, ...where }, 'outcomes could not be settled; trying again');
        await delay(RETRY_MS);
      }
    }
  }

  return {
    settle(chunk: ClaimedChunk, settlement: Settlement): Promise<boolean> {
      return new Promise((done) => {
        const batch = waiting.get(chunk);
        if (batch) batch.push({ settlement, done });
        else waiting.set(chunk, [{ settlement, done }]);
        if (!scheduled) setImmediate(flush);
        scheduled = true;
      });
    },
    flush,
  };
}
