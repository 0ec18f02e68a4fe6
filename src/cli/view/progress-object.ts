import {
  type Campaign,
  type CampaignOptions,
  type Phase,
  type RelayFigures,
  relaysOf,
  type Standing,
  type Told,
} from '../../domain/campaign.js';
import type { DomainLimit } from '../../domain/pace.js';
import type { ReplyClass } from '../../domain/reply-class.js';
import type { Counters } from '../../domain/state.js';
import type { BreakerState } from '../../pipeline/breaker-ports.js';
import type { WorkerWord } from '../../pipeline/ports.js';
import { printable } from '../../report/format.js';
import type { Cause } from './cause.js';
import { paceOf } from './pace.js';
import type { ProgressView } from './progress-view.js';
import { type RelayView, reachable } from './relay-lines.js';
import { waitsFor } from './waits-for.js';

/**
 * What `fanmail progress --json` prints. Stable: fields are only added. Times are ISO 8601 in UTC, spans milliseconds (`...Ms`),
 * rates recipients per second (`...PerSecond`); null is what has not happened or can't be told.
 */
export interface ProgressObject {
  readonly id: string;
  readonly name: string;
  readonly phase: Phase;
  /** From 1; a retry opens the next one. */
  readonly round: number;
  readonly paused: { readonly by: string; readonly reason: string; readonly at: string } | null;
  readonly cancelling: boolean;
  /** Who cancelled it, and why; null where nobody did. */
  readonly cancelled: { readonly by: string; readonly reason: string; readonly at: string } | null;
  /** Why nothing moves, the most decisive first; empty where something does. */
  readonly waitsFor: readonly { readonly kind: Cause['kind']; readonly text: string; readonly until: string | null }[];
  /** When it may send: from the one on, and before the other; null: at once, without end. */
  readonly opensAt: string | null;
  readonly closesAt: string | null;
  /** Null without one. */
  readonly canary: CanaryObject | null;
  readonly total: number;
  /** Recipients in a final state. */
  readonly done: number;
  /** Recipients in each state: pending, inflight, deferred, sent, failed, suppressed, skipped, unknown; they add up to `total`. */
  readonly counters: Counters;
  /** Attempts that ended in a deferral. */
  readonly retries: number;
  readonly chunks: { readonly total: number; readonly done: number };
  /** Over the last 10 s. */
  readonly ratePerSecond: number;
  /** Since sending started. */
  readonly averagePerSecond: number;
  readonly etaMs: number | null;
  /** When the earliest waiting chunk goes on. */
  readonly nextDueAt: string | null;
  /** Refusals by code, the commonest first. */
  readonly refusals: readonly { readonly code: string; readonly class: ReplyClass | null; readonly count: number }[];
  /** What limits it, messages a second; null where nothing does. */
  readonly limits: {
    readonly campaignPerSecond: number | null;
    /** Of all campaigns through the relay. */
    readonly relayPerSecond: number | null;
    /** What the operator allows by group of domains. */
    readonly domains: Readonly<Record<string, DomainLimit>>;
    /** Groups of domains that the relay throttled lately. */
    readonly throttled: readonly {
      readonly group: string;
      readonly perSecond: number;
      readonly cutAt: string;
      /** No message goes there before. */
      readonly nextAt: string;
      /** Until it is as any other, if it is not throttled again. */
      readonly leftMs: number;
    }[];
  };
  /** Null while a relay can be reached; else that of the first. */
  readonly breaker: BreakerObject | null;
  /** What became of messages at each of several relays; empty where there is one. */
  readonly relays: readonly (RelayFigures & {
    readonly host: string;
    readonly port: number;
    readonly weight: number;
    readonly spare: boolean;
    readonly breaker: BreakerObject | null;
  })[];
  readonly workers: readonly (Omit<WorkerWord, 'at'> & { readonly at: string })[];
  /** `sent`, `failed` or `unknown`; null while it is due or none was asked for. */
  readonly notice: string | null;
  readonly createdAt: string;
  readonly sealedAt: string | null;
  readonly startedAt: string | null;
  readonly closedAt: string | null;
  readonly endedAt: string | null;
  /** The clock of Redis, to which all times belong. */
  readonly now: string;
}

interface CanaryObject {
  /** Of the recipients, from 0 to 1. */
  readonly share: number;
  readonly abortAbove: number;
  /** `out` while it is sent, then `hold`, then `over`. */
  readonly state: 'out' | 'hold' | 'over';
  /** When the hold ends. */
  readonly until: string | null;
  /** Recipients that it was judged by; null before. */
  readonly tried: number | null;
  readonly failed: number | null;
}

interface BreakerObject {
  readonly since: string;
  /** When the relay is asked again. */
  readonly until: string;
  readonly failures: number;
  readonly cause: string;
  readonly why: string;
}

/** A campaign's progress for programs. */
export function progressObject(view: ProgressView): ProgressObject {
  const { standing, relays, workers, opensAt } = view;
  const { campaign } = standing;
  const { paused, cancelling } = campaign.flags;
  const { done, averagePerSecond, etaMs } = paceOf(standing, reachable(relays) && opensAt === null);
  // Null as long as there is a way to send.
  const open = reachable(relays) ? null : (relays[0]?.breaker ?? null);
  return {
    id: campaign.id,
    name: printable(campaign.options.name),
    phase: campaign.phase,
    round: campaign.round,
    paused: paused && toldObject(paused),
    cancelling,
    cancelled: campaign.cancelled && toldObject(campaign.cancelled),
    waitsFor: waitsFor(view).map(({ kind, text, until }) => ({ kind, text, until: isoOrNull(until) })),
    opensAt: isoOrNull(opensAt ?? campaign.opensAt),
    closesAt: opensAt === null ? isoOrNull(campaign.closesAt) : null,
    canary: canaryObject(campaign),
    total: standing.total,
    done,
    counters: { ...standing.counters },
    retries: standing.retries,
    chunks: { total: campaign.totals?.chunks ?? 0, done: standing.chunksDone },
    ratePerSecond: Math.round(standing.ratePerSecond * 10) / 10,
    averagePerSecond: Number(averagePerSecond.toFixed(2)),
    etaMs,
    nextDueAt: isoOrNull(standing.nextDueAt),
    refusals: standing.refusals.map(({ code, replyClass, count }) => ({
      code: printable(code),
      class: replyClass,
      count,
    })),
    limits: limitsOf(campaign.options, relays),
    breaker: open && breakerObject(open),
    relays: relayObjects(standing, relays),
    workers: workers.map(workerObject),
    notice: campaign.notice,
    createdAt: iso(campaign.createdAt),
    sealedAt: isoOrNull(campaign.sealedAt),
    startedAt: isoOrNull(campaign.startedAt),
    closedAt: isoOrNull(campaign.closedAt),
    endedAt: isoOrNull(campaign.endedAt),
    now: iso(standing.now),
  };
}

function toldObject({ by, reason, at }: Told) {
  return { by: printable(by), reason: printable(reason), at: iso(at) };
}

function canaryObject({ options, canary, canaryFound }: Campaign): CanaryObject | null {
  if (!options.canary) return null;
  const { share, abortAbove } = options.canary;
  const until = canary?.kind === 'hold' ? iso(canary.until) : null;
  const { tried, failed } = canaryFound ?? { tried: null, failed: null };
  return { share, abortAbove, state: canary?.kind ?? 'over', until, tried, failed };
}

function limitsOf({ pace: own }: CampaignOptions, relays: readonly RelayView[]): ProgressObject['limits'] {
  const slow = relays.flatMap(({ pace }) => pace.slow);
  return {
    campaignPerSecond: own?.perSecond ?? null,
    relayPerSecond: relays[0]?.pace.perSecond ?? null,
    domains: own?.domains ?? {},
    throttled: slow.map(({ group, perSecond: rate, cutAt, nextAt, leftMs }) => ({
      group: printable(group),
      perSecond: Number(rate.toFixed(2)),
      cutAt: iso(cutAt),
      nextAt: iso(nextAt),
      leftMs,
    })),
  };
}

function breakerObject({ since, until, failures, cause, why }: BreakerState): BreakerObject {
  return { since: iso(since), until: iso(until), failures, cause: printable(cause), why: printable(why) };
}

function relayObjects({ campaign, relays: figures }: Standing, relays: readonly RelayView[]): ProgressObject['relays'] {
  const choices = relaysOf(campaign.options);
  return figures.map((counts, at) => {
    const { identity, weight, spare } = choices[at] ?? { identity: campaign.options.relay, weight: 1, spare: false };
    const open = relays[at]?.breaker ?? null;
    return { host: identity.host, port: identity.port, weight, spare, ...counts, breaker: open && breakerObject(open) };
  });
}

function workerObject({
  id,
  host,
  pid,
  version,
  connections,
  at,
  trouble,
}: WorkerWord): ProgressObject['workers'][number] {
  const said = { id: printable(id), host: printable(host), version: printable(version) };
  return { ...said, pid, connections, at: iso(at), trouble: trouble === null ? null : printable(trouble) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
