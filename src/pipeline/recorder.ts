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
  /** Resolves when the ledger has the outcome; false where the chunk has another owner by now. An outcome is never dropped. */
  settle(chunk: ClaimedChunk, settlement: Settlement): Promise<boolean>;
}

interface Settling {
  readonly settlement: Settlement;
  readonly done: (ours: boolean) => void;
}

interface Beginning {
  readonly index: number;
  readonly done: (intent: Intent) => void;
}

/**
 * Collects what an event loop's turn brings: one call for each chunk, however many connections answered. Outcomes go
 * before intents: commands of one connection keep their order, so the ledger never has more in flight than there are
 * connections. (To collect until the ledger has answered makes fewer calls and is slower: then all connections wait for
 * the ledger together, and the ledger for them.)
 */
export function createRecorder(ledger: ChunkLedger, log: Log): Recorder {
  let settling = new Map<ClaimedChunk, Settling[]>();
  let beginning = new Map<ClaimedChunk, Beginning[]>();
  let scheduled = false;

  /** At the end of the turn, when all sockets were read. */
  function soon(): void {
    if (!scheduled) setImmediate(flush);
    scheduled = true;
  }

  function flush(): void {
    scheduled = false;
    const [outcomes, intents] = [settling, beginning];
    [settling, beginning] = [new Map(), new Map()];
    ledger.together(() => {
      for (const [chunk, batch] of outcomes) void settleBatch(chunk, batch);
      for (const [chunk, batch] of intents) void beginBatch(chunk, batch);
    });
  }

  async function settleBatch(chunk: ClaimedChunk, batch: readonly Settling[]): Promise<void> {
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

  async function beginBatch(chunk: ClaimedChunk, batch: readonly Beginning[]): Promise<void> {
    const indices = batch.map((entry) => entry.index);
    const said = await ledger
      .begin(chunk, indices)
      .then(intentsOf, (error: unknown) => () => ({ kind: 'redis' as const, error }));
    for (const entry of batch) entry.done(said(entry.index));
  }

  return {
    begin: (chunk, index) =>
      new Promise((done) => {
        add(beginning, chunk, { index, done });
        soon();
      }),
    settle: (chunk, settlement) =>
      new Promise((done) => {
        add(settling, chunk, { settlement, done });
        soon();
      }),
  };
}

function add<T>(waiting: Map<ClaimedChunk, T[]>, chunk: ClaimedChunk, entry: T): void {
  const batch = waiting.get(chunk);
  if (batch) batch.push(entry);
  else waiting.set(chunk, [entry]);
}

const GRANTED: Intent = { kind: 'granted' };
const NOT_GRANTED: Intent = { kind: 'not-granted' };

function intentsOf(begun: Begun): (index: number) => Intent {
  if (begun.kind === 'stopped') return () => begun;
  const granted = new Set(begun.indices);
  return (index) => (granted.has(index) ? GRANTED : NOT_GRANTED);
}
