import type { Counters } from './state.js';

/** Whom a retry is to try again, of those that are failed. */
export interface Asked {
  /** Those of unknown outcome, too: they may get a second copy. */
  readonly unknown: boolean;
  /** Those that a cancelled campaign skipped, too. */
  readonly skipped: boolean;
  /** Only who fits this condition, as it was typed; null: everybody. */
  readonly where: string | null;
}

/** How a round after the first was opened. */
export interface Opening extends Asked {
  /** Recipients that were to be tried again. */
  readonly retried: number;
  /** Recipients in each state then; the retried ones are pending. */
  readonly states: Counters;
}

/** The states in which a recipient may end a round. */
export const ENDED = ['sent', 'failed', 'suppressed', 'skipped', 'unknown'] as const;

/** A round of a campaign, as `summary.json` has it. Times are ISO 8601 in UTC. */
export interface Round {
  /** From 1. */
  readonly round: number;
  readonly phase: 'completed' | 'cancelled';
  readonly openedAt: string;
  readonly closedAt: string;
  /** Recipients that this round was to send to: in the first one all of them. */
  readonly recipients: number;
  /** What was asked for; of the first round null. */
  readonly asked: Asked | null;
  /**
   * How many more were in each final state at its end than when it was opened: so how its recipients ended, but that a late
   * word of an older round may have taken somebody from unknown. They add up to `recipients`.
   */
  readonly ended: Readonly<Record<(typeof ENDED)[number], number>>;
}

/** What a round has to say of itself when it has ended. Times are epoch milliseconds. */
export interface RoundFacts {
  readonly round: number;
  readonly cancelled: boolean;
  readonly openedAt: number;
  readonly closedAt: number;
  /** Null for the first one. */
  readonly opening: Opening | null;
  readonly total: number;
  /** Recipients in each state at its end. */
  readonly states: Counters;
}

export function roundOf({ round, cancelled, openedAt, closedAt, opening, total, states }: RoundFacts): Round {
  const grown = ENDED.map((state) => [state, states[state] - (opening?.states[state] ?? 0)]);
  return {
    round,
    phase: cancelled ? 'cancelled' : 'completed',
    openedAt: new Date(openedAt).toISOString(),
    closedAt: new Date(closedAt).toISOString(),
    recipients: opening?.retried ?? total,
    asked: opening && { unknown: opening.unknown, skipped: opening.skipped, where: opening.where },
    ended: Object.fromEntries(grown) as Round['ended'],
  };
}
