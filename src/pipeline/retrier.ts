import { randomBytes } from 'node:crypto';
import type { Campaign, Standing } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import { type LateOutcome, type ReopenedChunk, reopenChunk, type Selection } from '../domain/reopening.js';
import { type Asked, roundOf } from '../domain/round.js';
import { scheduleOf, spanFrom } from '../domain/span.js';
import { type Counters, STATE_NAMES, type State, sum } from '../domain/state.js';
import type { Campaigns, ChunkResult, Scratch } from './ports.js';
import type { RetryStore, StagedRound } from './retry-ports.js';
import { dataGone, movedOn, notEnded, requireBalance, vanished } from './retry-refusals.js';

export interface RetryPorts {
  readonly campaigns: Campaigns;
  readonly scratch: Scratch;
  readonly retries: RetryStore;
}

/** What a retry would do. */
export interface RetryPlan {
  readonly standing: Standing;
  readonly asked: Asked;
  readonly selection: Selection;
  /** Who is tried again, by the state that they ended in; all other states are 0. */
  readonly retried: Counters;
  /** Who fits, and is unknown or skipped, which was not asked for. */
  readonly others: Counters;
  /** Failed or unknown ones whose data was lost, so that there is nothing to send to them. */
  readonly lost: number;
}

/** Words that come while a retry is staged make it begin again, and they don't come for long. */
const TRIES = 20;

/**
 * Looks at every recipient of an ended campaign and says whom a retry would try again; changes nothing. Throws
 * CAMPAIGN_NOT_OPEN where it has not ended, RETRY_DATA_GONE where the data of somebody who is to be tried again is not there any
 * more, LEDGER_UNBALANCED where a recount of the ledger disagrees with its counters.
 */
export async function planRetry(
  id: string,
  asked: Asked,
  where: Selection['where'],
  ports: RetryPorts,
): Promise<RetryPlan> {
  const standing = await endedStanding(id, ports.campaigns);
  const selection = { unknown: asked.unknown, skipped: asked.skipped, where };
  const totals = new Totals();
  for await (const { reopened, gone } of reopenings(standing, selection, await ports.campaigns.late(id), ports))
    totals.add(reopened, gone);
  requireBalance(standing, totals.before);
  if (totals.gone > 0) throw dataGone(standing.campaign, totals.gone);
  return { standing, asked, selection, retried: totals.retried, others: totals.others, lost: totals.lost };
}

/**
 * Opens the next round: stages what the chunks become, and lets one atomic step put it in place. Nothing has changed where it
 * throws: CAMPAIGN_NOT_OPEN where another retry was faster, RETRY_DATA_GONE where something went away meanwhile.
 */
export async function openRound(plan: RetryPlan, ports: RetryPorts): Promise<Campaign> {
  const { campaign } = plan.standing;
  for (let tries = 0; tries < TRIES; tries++) {
    const begun = await ports.retries.begin(campaign);
    if (begun !== 'ok') throw movedOn(campaign, begun);
    const retry = randomBytes(8).toString('hex');
    const staged = await stageRound(plan, retry, ports);
    const reopened = await ports.retries.reopen(campaign, retry, staged);
    if (reopened === 'ok') return opened(campaign.id, ports.campaigns);
    const chunks = staged.chunks.map(({ chunk }) => chunk);
    await ports.retries.discard(campaign, retry, chunks).catch(() => undefined);
    if (reopened !== 'late') throw movedOn(campaign, reopened);
  }
  throw movedOn(campaign, 'late');
}

async function opened(id: string, campaigns: Campaigns): Promise<Campaign> {
  const campaign = await campaigns.get(id);
  if (!campaign) throw vanished(id);
  await campaigns.renew(campaign);
  return campaign;
}

async function stageRound(plan: RetryPlan, retry: string, ports: RetryPorts): Promise<StagedRound> {
  const { standing, selection, asked } = plan;
  const { campaign } = standing;
  const late = await ports.campaigns.late(campaign.id);
  const totals = new Totals();
  const chunks: { chunk: number; open: boolean }[] = [];
  for await (const { chunk, reopened, gone } of reopenings(standing, selection, late, ports)) {
    totals.add(reopened, gone);
    if (!reopened.changed) continue;
    await ports.retries.stage(campaign, retry, chunk, reopened);
    chunks.push({ chunk, open: reopened.retried.size > 0 });
  }
  if (totals.gone > 0) throw dataGone(campaign, totals.gone);
  const counters = totals.after;
  const opening = { ...asked, retried: sum(totals.retried), states: counters };
  const schedule = scheduleOf({ round: campaign.round + 1, options: campaign.options });
  const span = schedule ? await spanFrom(schedule, standing.now) : null;
  const rounds = [...campaign.rounds, endedRound(standing)];
  return { chunks, lateWords: late.length, counters, opening, rounds, span };
}

function endedRound({ campaign, counters, total, now }: Standing) {
  const { round, opening, createdAt } = campaign;
  const openedAt = campaign.openedAt ?? createdAt;
  const closedAt = campaign.closedAt ?? campaign.endedAt ?? now;
  return roundOf({
    ...{ round, openedAt, closedAt, opening, total },
    cancelled: campaign.phase === 'cancelled',
    states: counters,
  });
}

interface Reopening {
  readonly chunk: number;
  readonly reopened: ReopenedChunk;
  /** Who would be tried again, but their data is not there. */
  readonly gone: number;
}

/** What each chunk would become, one at a time. */
async function* reopenings(
  { campaign, now }: Standing,
  selection: Selection,
  late: readonly LateOutcome[],
  { campaigns, scratch }: RetryPorts,
): AsyncIterable<Reopening> {
  const words = await campaigns.words(campaign.id);
  const template = await scratch.template(campaign.id, campaign.nonce, campaign.totals?.templateDigest ?? '');
  const isWhole = template && (await scratch.hasContents(campaign.id, campaign.nonce, template));
  const lateOf = byChunk(late);
  for await (const chunk of campaigns.results(campaign)) {
    const { replyRules } = campaign.options;
    const own = { selection, late: lateOf.get(chunk.chunk) ?? [], now: Math.floor(now / 1000) };
    const options = { ...own, words, replyRules };
    const wanted = reopenChunk(chunk, { ...options, readable: true });
    const readable = wanted.retried.size === 0 || (isWhole && (await isReadable(campaign, chunk, scratch)));
    const reopened = readable ? wanted : reopenChunk(chunk, { ...options, readable: false });
    yield { chunk: chunk.chunk, reopened, gone: readable ? 0 : all(reopened.retried) };
  }
}

function byChunk(late: readonly LateOutcome[]): ReadonlyMap<number, readonly LateOutcome[]> {
  const chunks = new Map<number, LateOutcome[]>();
  for (const word of late) {
    const known = chunks.get(word.chunk);
    if (known) known.push(word);
    else chunks.set(word.chunk, [word]);
  }
  return chunks;
}

async function isReadable({ id, nonce }: Campaign, { chunk, states }: ChunkResult, scratch: Scratch): Promise<boolean> {
  return (await scratch.recipients(id, nonce, chunk))?.length === states.length;
}

class Totals {
  readonly before = zeroes();
  readonly after = zeroes();
  readonly retried = zeroes();
  readonly others = zeroes();
  lost = 0;
  gone = 0;

  add({ before, after, retried, others, lost }: ReopenedChunk, gone: number): void {
    for (const state of STATE_NAMES) {
      this.before[state] += before.get(state) ?? 0;
      this.after[state] += after.get(state) ?? 0;
      this.retried[state] += retried.get(state) ?? 0;
      this.others[state] += others.get(state) ?? 0;
    }
    this.lost += lost;
    this.gone += gone;
  }
}

function zeroes(): Record<State, number> {
  return Object.fromEntries(STATE_NAMES.map((name) => [name, 0])) as Record<State, number>;
}

function all(counts: ReadonlyMap<State, number>): number {
  return [...counts.values()].reduce((a, b) => a + b, 0);
}

async function endedStanding(id: string, campaigns: Campaigns): Promise<Standing> {
  const standing = await campaigns.standing(id);
  if (!standing) throw vanished(id);
  const { phase, sealedAt } = standing.campaign;
  if (phase !== 'completed' && phase !== 'cancelled') throw notEnded(id, phase);
  if (sealedAt !== null) return standing;
  throw new FanmailError('CAMPAIGN_NOT_OPEN', `the campaign ${id} was cancelled before it was sealed`, {
    hint: 'it has nobody to try again; fanmail launch stages it anew, under another --id',
  });
}
