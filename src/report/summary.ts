import { type Campaign, type RelayIdentity, relaysOf } from '../domain/campaign.js';
import { hoursText } from '../domain/hours-text.js';
import { doublingOf, percentile } from '../domain/latency.js';
import { roundOf } from '../domain/round.js';
import {
  type LatencyFigures,
  type RelaySummary,
  type ReplyFigures,
  SUMMARY_SCHEMA,
  type Summary,
} from '../domain/summary.js';
import type { ResultSource } from '../pipeline/ports.js';
import type { Figures } from './figures.js';
import { timelineOf } from './timeline.js';

const REPLIES_SHOWN = 100;

/** The summary of a closed campaign, from its standing and from what a reading of its whole ledger counted. */
export function summarise(campaign: Campaign, source: ResultSource, figures: Figures): Summary {
  const { options, totals, createdAt } = campaign;
  const sealedAt = campaign.sealedAt ?? createdAt;
  const closedAt = campaign.closedAt ?? source.standing.now;
  // Cancelled before anything was sent: it started when it ended.
  const startedAt = campaign.startedAt ?? closedAt;
  const durationMs = Math.max(0, closedAt - startedAt);
  const timeline = timelineOf(source.timeline, sealedAt);
  const { round: number, opening } = campaign;
  const cancelled = campaign.flags.cancelling;
  const facts = { round: number, cancelled, openedAt: campaign.openedAt ?? sealedAt, closedAt, opening };
  const thisRound = roundOf({ ...facts, total: source.standing.total, states: figures.states });
  return {
    schema: SUMMARY_SCHEMA,
    campaign: campaign.id,
    name: options.name,
    round: number,
    phase: cancelled ? 'cancelled' : 'completed',
    from: options.from,
    relay: relayText(options.relay),
    template: { sha256: totals?.templateDigest ?? '' },
    list: { sha256: totals?.listDigest ?? '', rows: totals?.rows ?? 0, rejects: totals?.rejects ?? {} },
    total: source.standing.total,
    states: { ...figures.states },
    createdAt: iso(createdAt),
    sealedAt: iso(sealedAt),
    startedAt: iso(startedAt),
    closedAt: iso(closedAt),
    durationMs,
    sentPerSecond: durationMs === 0 ? 0 : round((thisRound.ended.sent * 1000) / durationMs, 2),
    retries: source.standing.retries,
    latencyMs: latency(source.latencies),
    domains: figures.domains(),
    refusals: figures.refusals(),
    reasons: { ...figures.reasons },
    lateWords: source.late.length,
    ...(source.standing.relays.length > 0 && { relays: relays(campaign, source) }),
    ...(source.standing.refusals.length > 0 && { replies: replies(source) }),
    ...(timeline && { timeline }),
    ...(source.latencies.size > 0 && { latencies: latencies(source.latencies) }),
    ...(campaign.rounds.length > 0 && { rounds: [...campaign.rounds, thisRound] }),
    ...whenParts(campaign),
  };
}

/** What was asked for of its time, and who ended it. */
function whenParts({ cancelled, options, canaryFound }: Campaign): Pick<Summary, 'cancelled' | 'schedule' | 'canary'> {
  const { schedule, canary } = options;
  const at = schedule?.at ?? null;
  const between = schedule?.hours ? hoursText(schedule.hours) : null;
  return {
    ...(cancelled && { cancelled: { ...cancelled, at: iso(cancelled.at) } }),
    ...(schedule && { schedule: { at: at === null ? null : iso(at), between } }),
    ...(canary && { canary: { ...canary, found: canaryFound } }),
  };
}

function relays({ options }: Campaign, { standing }: ResultSource): RelaySummary[] {
  return relaysOf(options).flatMap(({ identity, weight, spare }, at) => {
    const figures = standing.relays[at];
    return figures ? [{ relay: relayText(identity), weight, spare, ...figures }] : [];
  });
}

function replies({ standing, said }: ResultSource): ReplyFigures[] {
  return standing.refusals.slice(0, REPLIES_SHOWN).map(({ code, replyClass, count }) => ({
    ...{ code, class: replyClass, count },
    sample: said.get(replyClass === null ? code : `${code} ${replyClass}`) ?? '',
  }));
}

function latency(histogram: ReadonlyMap<number, number>): Summary['latencyMs'] {
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((p) => percentile(histogram, p));
  if (p50 == null || p90 == null || p99 == null) return null;
  return { p50: round(p50, 1), p90: round(p90, 1), p99: round(p99, 1) };
}

/** The ledger's buckets joined to one a doubling, which is enough to look at, from the first to the last. */
function latencies(histogram: ReadonlyMap<number, number>): LatencyFigures[] {
  const doublings = [...histogram.keys()].map(doublingOf);
  const [first, last] = [Math.min(...doublings), Math.max(...doublings)];
  const counts = Array<number>(last - first + 1).fill(0);
  for (const [bucket, count] of histogram) {
    const at = doublingOf(bucket) - first;
    counts[at] = (counts[at] ?? 0) + count;
  }
  return counts.map((count, i) => ({ fromMs: 2 ** (first + i) - 1, toMs: 2 ** (first + i + 1) - 1, count }));
}

function relayText({ host, port, security }: RelayIdentity): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${security === 'tls' ? 'smtps' : 'smtp'}://${name}:${port}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
