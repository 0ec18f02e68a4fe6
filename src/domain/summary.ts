import type { RelayFigures } from './campaign.js';
import type { ReplyClass } from './reply-class.js';
import type { Round } from './round.js';
import type { CanaryFound } from './schedule.js';
import type { Counters } from './state.js';

/** The version of this schema, `schema` in the JSON. Fields are only ever added to a version. */
export const SUMMARY_SCHEMA = 1;

/** The summary of a campaign: `summary.json`. Times are ISO 8601 in UTC, durations milliseconds, rates per second. */
export interface Summary {
  readonly schema: typeof SUMMARY_SCHEMA;
  readonly campaign: string;
  readonly name: string;
  readonly round: number;
  readonly phase: 'completed' | 'cancelled';
  readonly from: string;
  readonly relay: string;
  readonly template: { readonly sha256: string };
  readonly list: { readonly sha256: string; readonly rows: number; readonly rejects: Readonly<Record<string, number>> };
  readonly total: number;
  readonly states: Counters;
  readonly createdAt: string;
  readonly sealedAt: string;
  readonly startedAt: string;
  readonly closedAt: string;
  /** From the start of sending to the close. */
  readonly durationMs: number;
  /** Recipients that ended sent, of a later round in that round, per second of that time. */
  readonly sentPerSecond: number;
  /** Deferrals that were tried again. */
  readonly retries: number;
  /** From MAIL to the relay's last reply, for every attempt that got one; null without any. */
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number } | null;
  /** The commonest domains first, at most 100; the rest under `*`. */
  readonly domains: readonly DomainFigures[];
  /** Final refusals by code, the commonest first, at most 50, with a sample of the relay's words. */
  readonly refusals: readonly RefusalFigures[];
  /** Why recipients are failed or unknown, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Outcomes that came after the close and are not counted above. */
  readonly lateWords: number;
  /** When recipients reached a final state; absent where nothing was counted, as by an older version. */
  readonly timeline?: Timeline;
  /** All refusals, those for now too, with what they were taken for: the commonest first, at most 100; absent without any. */
  readonly replies?: readonly ReplyFigures[];
  /** By relay, where there are several; absent where there is one. */
  readonly relays?: readonly RelaySummary[];
  /** The answers behind `latencyMs` by how long they took, the fastest first; absent without any. */
  readonly latencies?: readonly LatencyFigures[];
  /** All rounds, in order; absent while there is one. */
  readonly rounds?: readonly Round[];
  /** Who cancelled it, and why; absent where nobody did. */
  readonly cancelled?: { readonly by: string; readonly reason: string; readonly at: string };
  /** When it was allowed to send; absent where that was at once and at any time. */
  readonly schedule?: { readonly at: string | null; readonly between: string | null };
  /** What became of the canary in the first round; absent without one. */
  readonly canary?: CanarySummary;
}

/** Shares are from 0 to 1. */
export interface CanarySummary {
  readonly share: number;
  readonly holdMs: number;
  readonly abortAbove: number;
  /** What it was judged by; null where the campaign ended before. */
  readonly found: CanaryFound | null;
}

/** Recipients that reached a final state, in steps of the same length, at most 500. */
export interface Timeline {
  /** When the first step begins, ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly stepMs: number;
  /** A number for each step, without a gap. */
  readonly counts: readonly number[];
}

/** Answers that took `fromMs` or longer and less than `toMs`. */
export interface LatencyFigures {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

export interface DomainFigures {
  readonly domain: string;
  readonly total: number;
  readonly sent: number;
  readonly failed: number;
  readonly unknown: number;
}

/** What became of messages at one of several relays, each try counted. */
export interface RelaySummary extends RelayFigures {
  /** As `relay` above. */
  readonly relay: string;
  readonly weight: number;
  readonly spare: boolean;
}

export interface ReplyFigures {
  readonly code: string;
  /** Null where an older version counted. */
  readonly class: ReplyClass | null;
  readonly count: number;
  /** The relay's words at the first one. */
  readonly sample: string;
}

export interface RefusalFigures {
  readonly code: string;
  readonly count: number;
  readonly sample: string;
}
