import type { Campaign } from '../domain/campaign.js';
import type { Reason } from '../domain/record.js';
import type {
  Breaker,
  Campaigns,
  ChunkLedger,
  ChunkRef,
  ClaimedChunk,
  Composer,
  Log,
  Relay,
  Scratch,
  TemplateText,
} from './ports.js';
import { type SendStop, sendOpen } from './send-open.js';
import type { Settler } from './settler.js';

/** What the chunk worker needs. */
export interface ChunkWorkerPorts {
  readonly campaigns: Campaigns;
  readonly ledger: ChunkLedger;
  readonly settler: Settler;
  readonly scratch: Scratch;
  readonly breaker: Breaker;
  /** This process's connections to the campaign's relay, or why it can't have any. */
  relay(campaign: Campaign): Relay | string;
  composer(campaign: Campaign, template: TemplateText): Composer;
  readonly log: Log;
}

/** Two ways to be told to leave a chunk. Both stop beginning, drain the wire, flush the settles and hand back. */
export interface ChunkSignals {
  /** This process takes no new work. */
  readonly quiet: AbortSignal;
  /** The queue gave the job to somebody else. */
  readonly lost: AbortSignal;
}

/** How a run of a chunk job ends. Only `done` completes the job: on the ledger's word. */
export type ChunkEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'later'; readonly delayMs: number; readonly why: string }
  /** Somebody else should go on at once. */
  | { readonly kind: 'hand-back' };

const PAUSED_MS = 60_000;
const NOT_FOR_US_MS = 15_000;
const SOON_MS = 1_000;

const DONE: ChunkEnd = { kind: 'done' };

/** Sends a chunk: claim, then begin, compose, hand over and settle for each recipient that is open, then finish. */
export async function runChunk(ref: ChunkRef, ports: ChunkWorkerPorts, signals: ChunkSignals): Promise<ChunkEnd> {
  const campaign = await ports.campaigns.get(ref.campaign);
  if (!campaign || campaign.round !== ref.round) return DONE;
  const wait = campaign.flags.cancelling ? 0 : await ports.breaker.waitMs(campaign.options.relay);
  if (wait > 0) return later(wait, 'the relay was not reachable');
  const relay = ports.relay(campaign);
  if (typeof relay === 'string') return later(NOT_FOR_US_MS, relay);

  const claimed = await ports.ledger.claim(ref, campaign.nonce);
  if (claimed.kind === 'finished') return DONE;
  if (claimed.kind === 'refused') return refused(claimed.why);
  const stop = await sendClaimed(claimed.claim, campaign, relay, ports, signals);
  return leave(claimed.claim, stop, ports, signals);
}

async function sendClaimed(
  chunk: ClaimedChunk,
  campaign: Campaign,
  relay: Relay,
  ports: ChunkWorkerPorts,
  signals: ChunkSignals,
): Promise<SendStop> {
  const recipients = await ports.scratch
    .recipients(chunk.campaign, chunk.nonce, chunk.chunk)
    .catch(unreadable(ports.log));
  const template = await ports.scratch.template(chunk.campaign, chunk.nonce);
  if (!recipients || !template || recipients.length !== chunk.states.length) {
    const reason: Reason = 'data-lost';
    ports.log.error(
      { campaign: chunk.campaign, chunk: chunk.chunk },
      'the recipients or the template are gone from Redis',
    );
    await ports.ledger.lose(chunk, reason);
    return { kind: 'sent-all' };
  }
  const composer = ports.composer(campaign, template);
  return sendOpen({ chunk, campaign, recipients, composer, relay, ports, signals });
}

/** What can't be read is as lost as what is gone; the cause is worth a line. */
function unreadable(log: Log): (error: unknown) => null {
  return (error) => {
    log.error({ err: error }, 'a chunk in Redis could not be read');
    return null;
  };
}

async function leave(
  chunk: ClaimedChunk,
  stop: SendStop,
  ports: ChunkWorkerPorts,
  signals: ChunkSignals,
): Promise<ChunkEnd> {
  if (stop.kind === 'refused' && (stop.why === 'cancelling' || stop.why === 'expired')) {
    // A claim turns what is open into skipped or expired.
    const again = await ports.ledger.claim(chunk, chunk.nonce);
    if (again.kind === 'claimed') return leave(again.claim, { kind: 'sent-all' }, ports, signals);
    return again.kind === 'finished' ? DONE : refused(again.why);
  }
  const finish = await ports.ledger.finish(chunk);
  if (finish.kind === 'finished') return DONE;
  if (finish.kind === 'refused') return refused(finish.why);
  if (stop.kind === 'fault') return later(stop.waitMs, stop.why);
  if (stop.kind === 'refused') return refused(stop.why);
  if (signals.quiet.aborted && finish.waitMs === 0) return { kind: 'hand-back' };
  return later(finish.waitMs > 0 ? finish.waitMs : SOON_MS, 'deferred recipients wait');
}

/** What to do with the job where the ledger lets us not work on the chunk. */
function refused(why: string): ChunkEnd {
  switch (why) {
    case 'paused':
      return later(PAUSED_MS, 'the campaign is paused');
    case 'missing':
    case 'round':
    case 'phase':
      return DONE;
    default:
      // Another version's format, or another owner's chunk: theirs to finish.
      return later(NOT_FOR_US_MS, why);
  }
}

function later(delayMs: number, why: string): ChunkEnd {
  return { kind: 'later', delayMs: Math.ceil(delayMs), why };
}
