import type { Campaign } from '../domain/campaign.js';
import { codeOf, type Outcome } from '../domain/outcome.js';
import type { Recipient } from '../domain/recipient.js';
import { readRecord } from '../domain/record.js';
import { stateOfByte } from '../domain/state.js';
import { isSenderMisconfigured, judge, type Verdict } from '../domain/verdict.js';
import type { ChunkSignals, ChunkWorkerPorts } from './chunk-ports.js';
import type { Begun, ClaimedChunk, Composer, LedgerStop, Relay, RelayConnection } from './ports.js';

export interface SendInput {
  readonly chunk: ClaimedChunk;
  readonly campaign: Campaign;
  readonly recipients: readonly Recipient[];
  readonly composer: Composer;
  readonly relay: Relay;
  readonly ports: ChunkWorkerPorts;
  readonly signals: ChunkSignals;
}

/** Why sending stopped. In every case nothing is in flight any more and all outcomes are settled. */
export type SendStop =
  | { readonly kind: 'sent-all' }
  | { readonly kind: 'told' }
  | { readonly kind: 'refused'; readonly why: LedgerStop }
  | { readonly kind: 'fault'; readonly why: string; readonly waitMs: number };

/** Connections lost in a row, without any reply in between, that speak of the relay and not of the messages. */
const DROPS_IN_A_ROW = 25;
/** An intent that was confirmed so late may belong to somebody else by now: less than the queue's lock. */
const STALE_INTENT_MS = 10_000;

/** Between tries where Redis refuses to write (full, read-only). */
const REDIS_REFUSED_MS = 2_000;

const UNTOUCHED = { verb: 'untouched', reply: null, latencyMs: null, delayMs: 0 } as const;

interface Open {
  readonly index: number;
  readonly attempts: number;
  readonly dropped: boolean;
}

/** Sends what is open and due in a chunk: as many as connections are free are begun, composed and handed over at a time. */
export async function sendOpen(input: SendInput): Promise<SendStop> {
  const { chunk, campaign, recipients, composer, relay, ports, signals } = input;
  const ready = openNow(chunk);
  const told = AbortSignal.any([signals.quiet, signals.lost]);
  const inFlight = new Set<Promise<void>>();
  let dropsInARow = 0;
  let answered = false;
  let fenced = false;
  let stop: SendStop | null = null;

  async function record(open: Open, verdict: Verdict): Promise<void> {
    const ours = await ports.settler.settle(chunk, { index: open.index, verdict });
    fenced ||= !ours;
    // Only now: a recipient is begun again when the ledger has noted how the last attempt ended.
    if (verdict.verb === 'untouched') ready.push({ ...open, dropped: open.dropped || verdict.reason === 'dropped' });
  }

  async function conclude(open: Open, outcome: Outcome): Promise<void> {
    const reply = outcome.kind === 'sent' || outcome.kind === 'refused';
    dropsInARow = reply ? 0 : dropsInARow + 1;
    answered ||= reply;
    const history = { attempts: open.attempts, droppedBefore: open.dropped };
    const verdict = judge(outcome, campaign.options, history, Math.random());
    if (outcome.kind === 'refused' && isSenderMisconfigured(outcome.reply)) {
      await pause(`${codeOf(outcome.reply)} ${outcome.reply.text}`);
      return record(open, { ...verdict, verb: 'untouched', reason: 'none', delayMs: 0 });
    }
    return record(open, verdict);
  }

  function hand(open: Open, connection: RelayConnection): Promise<void> {
    const recipient = recipients[open.index];
    if (!recipient) throw new RangeError(`chunk ${chunk.chunk} has no recipient ${open.index}`);
    try {
      const message = composer.compose(recipient);
      return connection.send(message).then((outcome) => conclude(open, outcome));
    } catch (error) {
      connection.release();
      ports.log.warn({ err: error, campaign: campaign.id, line: recipient.line }, 'a message could not be composed');
      return record(open, { verb: 'failed', reason: 'render', reply: null, latencyMs: null, delayMs: 0 });
    }
  }

  /** Begins as many as there are connections; the intent of each is recorded before anything is handed over. */
  async function beginOn(connections: readonly RelayConnection[]): Promise<SendStop | null> {
    const batch = ready.splice(0, connections.length);
    const asked = performance.now();
    const indices = batch.map((open) => open.index);
    ports.settler.flush();
    const begun = await ports.ledger.begin(chunk, indices).catch((error: unknown) => {
      for (const connection of connections) connection.release();
      return error;
    });
    // Redis refuses to write: no intent, so nothing is sent.
    if (!isBegun(begun)) return { kind: 'fault', why: `Redis: ${String(begun)}`, waitMs: REDIS_REFUSED_MS };
    const granted = new Set(begun.kind === 'granted' ? begun.indices : []);
    const stale = performance.now() - asked > STALE_INTENT_MS;
    for (const [i, connection] of connections.entries()) {
      const open = batch[i];
      if (open && granted.has(open.index) && !stale) {
        track(hand(open, connection));
        continue;
      }
      connection.release();
      if (open && stale) track(record(open, { ...UNTOUCHED, reason: 'none' }));
    }
    return begun.kind === 'stopped' ? { kind: 'refused', why: begun.why } : null;
  }

  function track(sending: Promise<void>): void {
    const entry: Promise<void> = sending.finally(() => inFlight.delete(entry));
    inFlight.add(entry);
  }

  async function step(): Promise<SendStop | null> {
    if (told.aborted) return { kind: 'told' };
    if (fenced) return { kind: 'refused', why: 'fenced' };
    if (dropsInARow >= DROPS_IN_A_ROW) return fault('the relay drops its connections', 'unreachable');
    if (ready.length === 0) {
      if (inFlight.size === 0) return { kind: 'sent-all' };
      await Promise.race(inFlight);
      return null;
    }
    const taken = await relay.take(ready.length, told);
    if (taken.kind === 'connections') {
      return beginOn(taken.connections);
    }
    if (taken.kind === 'aborted') return { kind: 'told' };
    if (taken.fault.misconfigured) {
      await pause(taken.fault.why);
      return { kind: 'refused', why: 'paused' };
    }
    return fault(taken.fault.why, taken.fault.cause);
  }

  /** Nobody is burned for what the operator has to mend. Where Redis refuses it, the next refusal asks again. */
  async function pause(why: string): Promise<void> {
    await ports.campaigns.control(campaign.id, 'pause', 'relay', why).catch((error: unknown) => {
      ports.log.error({ err: error, campaign: campaign.id }, 'the campaign could not be paused');
    });
  }

  async function fault(why: string, cause: 'unreachable' | 'greeting' | 'tls' | 'login'): Promise<SendStop> {
    // A relay that answered meanwhile begins anew: only what came in a row makes the waits longer.
    if (answered) await ports.breaker.clear(campaign.options.relay).catch(() => undefined);
    const seen = { cause, why, misconfigured: false };
    const waitMs = await ports.breaker.fault(campaign.options.relay, seen).catch(() => REDIS_REFUSED_MS);
    return { kind: 'fault', why, waitMs };
  }

  try {
    while (!stop) stop = await step();
  } finally {
    // Whatever happened: nobody leaves a chunk with messages on the wire.
    await Promise.allSettled(inFlight);
  }
  if (answered && stop.kind !== 'fault') await ports.breaker.clear(campaign.options.relay);
  return stop;
}

function isBegun(begun: unknown): begun is Begun {
  return typeof begun === 'object' && begun !== null && 'kind' in begun;
}

/** What is pending, or deferred and due; the ledger's order. */
function openNow(chunk: ClaimedChunk): Open[] {
  const open: Open[] = [];
  for (let index = 0; index < chunk.states.length; index++) {
    const state = stateOfByte(chunk.states[index] ?? 0);
    if (state !== 'pending' && state !== 'deferred') continue;
    const record = readRecord(chunk.records, index);
    if (state === 'deferred' && record.due > chunk.sinceSealMs) continue;
    open.push({ index, attempts: record.attempts, dropped: record.reason === 'dropped' });
  }
  return open;
}
