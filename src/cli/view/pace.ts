import type { Standing } from '../../domain/campaign.js';
import { isFinal, STATE_NAMES } from '../../domain/state.js';

/** What follows from a standing about the speed of a campaign. */
export interface Pace {
  /** Recipients in a final state. */
  readonly done: number;
  /** Recipients that reached a final state per second since sending started; 0 before. */
  readonly averagePerSecond: number;
  /** Milliseconds until all recipients are done at the rate of now; null where nothing can be said. */
  readonly etaMs: number | null;
}

/** `free`: nothing from outside keeps it from sending now. */
export function paceOf(standing: Standing, free: boolean): Pace {
  const { campaign, counters, total, now } = standing;
  const done = STATE_NAMES.reduce((sum, name) => sum + (isFinal(name) ? counters[name] : 0), 0);
  const elapsedMs = campaign.startedAt === null ? 0 : (campaign.closedAt ?? now) - campaign.startedAt;
  // Who was done before this round was opened says nothing of its speed.
  const before = campaign.opening === null ? 0 : total - campaign.opening.retried;
  const averagePerSecond = elapsedMs > 0 ? (Math.max(0, done - before) * 1000) / elapsedMs : 0;
  const moves = campaign.phase === 'sending' && !campaign.flags.paused && campaign.canary === null && free;
  return { done, averagePerSecond, etaMs: moves ? left(standing, total - done, averagePerSecond) : null };
}

/** Never before the next try of what waits; without a rate, what only waits has no end that could be told. */
function left({ ratePerSecond, counters, nextDueAt, now }: Standing, open: number, average: number): number | null {
  const rate = ratePerSecond > 0 ? ratePerSecond : average;
  if (open > 0 && rate === 0) return null;
  const waitMs = counters.deferred > 0 && nextDueAt !== null ? nextDueAt - now : 0;
  return Math.round(Math.max(0, waitMs, open === 0 ? 0 : (open * 1000) / rate));
}
