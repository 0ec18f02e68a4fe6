import { setTimeout as delay } from 'node:timers/promises';
import type { Begun, ChunkLedger, ClaimedChunk, LedgerStop, Log, Settlement } from './ports.js';

/** Between tries where Redis refuses to write (full, read-only, loading). */
const RETRY_MS = 500;
/** What the ledger said to one intent; an error where Redis refused to write it. */
export type Intent =
  | { readonly kind: 'granted' }
  | { readonly kind: 'not-granted' }
  | { readonly kind: 'stopped'; readonly why: LedgerStop }
  | { readonly kind: 'redis'; readonly error: unknown };

/** Records intents and outcomes of all chunks that a process sends. */
export interface Recorder {
  /** Resolves when the ledger has the intent, or has not. */
  begin(chunk: ClaimedChunk, index: number): Promise<Intent>;
  /** Tells `done` when the ledger has the outcome; false where the chunk has another owner by now. None is ever dropped. */
  settle(chunk: ClaimedChunk, settlement: Settlement, done: (ours: boolean) => void): void;
}

/** What waits to be recorded of a chunk. */
interface Batch {
  readonly outcomes: { readonly settlement: Settlement; readonly done: (ours: boolean) => void }[];
  readonly intents: { readonly index: number; readonly done: (intent: Intent) => void }[];
}

/**
 * Collects what an event loop's turn brings: one call for each chunk, however many connections answered. Outcomes go
 * before intents, so the ledger never has more in flight than there are connections. (To collect until the ledger has
 * answered makes fewer calls, and is no faster: connections then wait for each other.)
 */
export function createRecorder(ledger: ChunkLedger, log: Log): Recorder {
  let waiting = new Map<ClaimedChunk, Batch>();

  /** The batch of a chunk that leaves at the end of the turn, when all sockets were read. */
  function batchOf(chunk: ClaimedChunk): Batch {
    const known = waiting.get(chunk);
    if (known) return known;
    if (waiting.size === 0) setImmediate(flush);
    const batch: Batch = { outcomes: [], intents: [] };
    waiting.set(chunk, batch);
    return batch;
  }

  function flush(): void {
    const batches = waiting;
    waiting = new Map();
    // Nearly always there is one, which needs nothing to keep it together.
    if (batches.size === 1) {
      for (const [chunk, batch] of batches) void record(chunk, batch);
      return;
    }
    const settling = [...batches].filter(([, { outcomes }]) => outcomes.length > 0);
    const last = settling.at(-1)?.[0];
    ledger.together(() => {
      // A connection may have gone from one chunk to another: all outcomes go before all intents.
      for (const [chunk, batch] of settling) void record(chunk, chunk === last ? batch : { ...batch, intents: [] });
      for (const [chunk, { intents }] of batches)
        if (chunk !== last && intents.length > 0) void record(chunk, { outcomes: [], intents });
    });
  }

  async function record(chunk: ClaimedChunk, { outcomes, intents }: Batch): Promise<void> {
    const settlements = outcomes.map((entry) => entry.settlement);
    try {
      const indices = intents.map((entry) => entry.index);
      const { settled, begun } = await ledger.turn(chunk, settlements, indices);
      for (const { done } of outcomes) done(settled === 'ok');
      const said = intentsOf(begun, indices.length);
      for (const { index, done } of intents) done(said(index));
    } catch (error) {
      for (const { done } of intents) done({ kind: 'redis', error });
      if (outcomes.length === 0) return;
      const ours = await settleSurely(chunk, settlements, error);
      for (const { done } of outcomes) done(ours);
    }
  }

  async function settleSurely(
    chunk: ClaimedChunk,
    settlements: readonly Settlement[],
    first: unknown,
  ): Promise<boolean> {
    for (let error = first; ; ) {
      const where = { campaign: chunk.campaign, chunk: chunk.chunk };
      log.error({ err: error, ...where }, 'outcomes could not be settled; trying again');
      await delay(RETRY_MS);
      try {
        return (await ledger.turn(chunk, settlements, [])).settled === 'ok';
      } catch (again) {
        error = again;
      }
    }
  }

  return {
    begin: (chunk, index) => new Promise((done) => batchOf(chunk).intents.push({ index, done })),
    settle: (chunk, settlement, done) => void batchOf(chunk).outcomes.push({ settlement, done }),
  };
}

const GRANTED: Intent = { kind: 'granted' };
const NOT_GRANTED: Intent = { kind: 'not-granted' };

function intentsOf(begun: Begun, asked: number): (index: number) => Intent {
  if (begun.kind === 'stopped') return () => begun;
  if (begun.indices.length === asked) return () => GRANTED;
  const granted = new Set(begun.indices);
  return (index) => (granted.has(index) ? GRANTED : NOT_GRANTED);
}
