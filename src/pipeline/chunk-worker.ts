import type { Campaign } from '../domain/campaign.js';
import type { ChunkSignals, ChunkWorkerPorts } from './chunk-ports.js';
import type { ChunkRef, ClaimedChunk, LedgerStop } from './ports.js';
import { Routing } from './routing.js';
import { type Sent, sendChunk } from './send-chunk.js';
import type { SendStop } from './send-open.js';
import { LONGEST_SLEEP_MS, untilOpen } from './timing.js';

/** How a run of a chunk job ends. Only `done` completes the job: on the ledger's word. */
export type ChunkEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'later'; readonly delayMs: number; readonly why: string }
  /** Somebody else should go on at once. */
  | { readonly kind: 'hand-back' };

const PAUSED_MS = 30_000;
const NOT_FOR_US_MS = 15_000;
const SOON_MS = 1_000;

const DONE: ChunkEnd = { kind: 'done' };
const HAND_BACK: ChunkEnd = { kind: 'hand-back' };
const SENT_ALL: SendStop = { kind: 'sent-all' };

/** Sends a chunk: claim, then begin, compose, hand over and settle for each recipient that is open, then finish. */
export async function runChunk(ref: ChunkRef, ports: ChunkWorkerPorts, signals: ChunkSignals): Promise<ChunkEnd> {
  const campaign = await ports.campaigns.get(ref.campaign);
  if (!campaign || campaign.round !== ref.round) return DONE;
  // A campaign that ends needs no relay: the claim turns what is open into skipped or expired.
  if (isEnding(campaign)) return claimAnd(ref, campaign, ports, signals, async (chunk) => ({ chunk, stop: SENT_ALL }));
  const routes = ports.routes(campaign);
  if (typeof routes === 'string') return later(NOT_FOR_US_MS, routes);
  const routing = new Routing(routes, ports.breaker);
  try {
    const way = await routing.next();
    if (!way) return later(routing.waitMs, 'the relay was not reachable');
    return await claimAnd(ref, campaign, ports, signals, (chunk) =>
      sendChunk({ chunk, campaign, way, routing, ports, signals }),
    );
  } finally {
    await routing.leave();
  }
}

async function claimAnd(
  ref: ChunkRef,
  campaign: Campaign,
  ports: ChunkWorkerPorts,
  signals: ChunkSignals,
  send: (chunk: ClaimedChunk) => Promise<Sent>,
): Promise<ChunkEnd> {
  const claimed = await ports.ledger.claim(ref, campaign.nonce);
  if (claimed.kind === 'finished') return DONE;
  if (claimed.kind === 'closed') return later(await untilOpen(campaign, claimed, ports.campaigns), 'not its time');
  if (claimed.kind === 'held') return later(claimed.waitMs, 'only the canary is sent');
  if (claimed.kind === 'judge') return judge(campaign, ports);
  if (claimed.kind === 'refused' && claimed.why === 'lost') return recover(campaign, ref, ports);
  if (claimed.kind === 'refused') return refusedNow(claimed.why, ref, ports);
  const { chunk, stop } = await send(claimed.claim);
  return leave(chunk, stop, ports, signals);
}

/** The hold is over. Chunks that looked before it began would look again only much later. */
async function judge(campaign: Campaign, { campaigns, promote, log }: ChunkWorkerPorts): Promise<ChunkEnd> {
  const verdict = await campaigns.judge(campaign);
  log.info({ campaign: campaign.id, verdict }, 'the canary was judged');
  await promote(campaign);
  return HAND_BACK;
}

/** Redis lost the states of chunks: who got a message? Nobody is sent a second one on doubt. */
async function recover(
  campaign: Campaign,
  { chunk }: ChunkRef,
  { campaigns, log }: ChunkWorkerPorts,
): Promise<ChunkEnd> {
  const chunks = await campaigns.recover(campaign);
  log.error({ campaign: campaign.id, chunk, chunks }, 'Redis lost the states of chunks; their recipients are unknown');
  return chunks === null ? later(PAUSED_MS, 'lost') : later(SOON_MS, 'recovered');
}

/** By this machine's clock; the ledger has the last word by its own. */
function isEnding({ flags, giveUpAt }: Campaign): boolean {
  return flags.cancelling || (giveUpAt !== null && Date.now() >= giveUpAt);
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
    if (again.kind === 'claimed') return leave(again.claim, SENT_ALL, ports, signals);
    if (again.kind === 'finished') return DONE;
    return again.kind === 'refused' ? refused(again.why) : later(SOON_MS, again.kind);
  }
  const finish = await ports.ledger.finish(chunk);
  if (finish.kind === 'finished') return DONE;
  if (finish.kind === 'refused') return refused(finish.why);
  if (stop.kind === 'fault') return later(stop.waitMs, stop.why);
  if (stop.kind === 'paced') return later(stop.waitMs, 'recipients wait for their pace');
  if (stop.kind === 'refused') return refusedNow(stop.why, chunk, ports);
  if (signals.quiet.aborted && finish.waitMs === 0) return HAND_BACK;
  return later(finish.waitMs > 0 ? finish.waitMs : SOON_MS, 'deferred recipients wait');
}

/** A resume while this run was draining promoted what was delayed, and not yet this chunk. */
async function refusedNow(why: LedgerStop, ref: ChunkRef, ports: ChunkWorkerPorts): Promise<ChunkEnd> {
  if (why === 'paused' && !(await ports.campaigns.get(ref.campaign))?.flags.paused) return HAND_BACK;
  return refused(why);
}

/** What to do with the job where the ledger lets us not work on the chunk. */
function refused(why: LedgerStop): ChunkEnd {
  switch (why) {
    case 'paused':
      return later(PAUSED_MS, 'the campaign is paused');
    case 'missing':
    case 'round':
    case 'phase':
      return DONE;
    case 'lost':
    case 'waits':
      // The next run recovers what can be, or says how long it waits.
      return later(SOON_MS, why);
    case 'format':
    case 'fenced':
    case 'cancelling':
    case 'expired':
      // Another version's, another owner's, or a moment's: theirs to finish.
      return later(NOT_FOR_US_MS, why);
    default:
      return why satisfies never;
  }
}

function later(delayMs: number, why: string): ChunkEnd {
  return { kind: 'later', delayMs: Math.min(Math.ceil(delayMs), LONGEST_SLEEP_MS), why };
}
