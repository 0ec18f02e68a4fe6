import type { Phase } from '../../domain/campaign.js';
import type { Counters } from '../../domain/state.js';
import type { WorkerWord } from '../../pipeline/ports.js';
import { printable } from '../../report/format.js';
import { paceOf } from './pace.js';
import type { ProgressView } from './progress.js';

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
  readonly refusals: readonly { readonly code: string; readonly count: number }[];
  /** Null while the relay can be reached. */
  readonly breaker: {
    readonly since: string;
    /** When the relay is asked again. */
    readonly until: string;
    readonly failures: number;
    readonly cause: string;
    readonly why: string;
  } | null;
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

/** A campaign's progress for programs. */
export function progressObject({ standing, breaker, workers }: ProgressView): ProgressObject {
  const { campaign } = standing;
  const { paused, cancelling } = campaign.flags;
  const { done, averagePerSecond, etaMs } = paceOf(standing, breaker === null);
  return {
    id: campaign.id,
    name: printable(campaign.options.name),
    phase: campaign.phase,
    round: campaign.round,
    paused: paused && { by: printable(paused.by), reason: printable(paused.reason), at: iso(paused.at) },
    cancelling,
    total: standing.total,
    done,
    counters: { ...standing.counters },
    retries: standing.retries,
    chunks: { total: campaign.totals?.chunks ?? 0, done: standing.chunksDone },
    ratePerSecond: Math.round(standing.ratePerSecond * 10) / 10,
    averagePerSecond: Number(averagePerSecond.toFixed(2)),
    etaMs,
    nextDueAt: isoOrNull(standing.nextDueAt),
    refusals: standing.refusals.map(({ code, count }) => ({ code: printable(code), count })),
    breaker: breaker && {
      since: iso(breaker.since),
      until: iso(breaker.until),
      failures: breaker.failures,
      cause: printable(breaker.cause),
      why: printable(breaker.why),
    },
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
