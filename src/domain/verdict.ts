import type { Outcome, Reply } from './outcome.js';
import { REASONS, type Reason } from './record.js';
import { classify, type ReplyClass, type ReplyRule } from './reply-class.js';

/**
 * What the ledger is told about one attempt:
 * sent, failed   final
 * deferred       later, an attempt used (the ledger fails it where that was the last one)
 * waiting        later, no attempt used
 * untouched      pending again, no attempt used
 * unknown        may have arrived (the ledger tries again where the operator chose `resend`)
 * suppressed     never to be sent to; said of one that waits, and of no other
 */
export const VERBS = {
  sent: 's',
  failed: 'f',
  deferred: 'd',
  waiting: 'w',
  untouched: 'n',
  unknown: 'u',
  suppressed: 'x',
} as const;
export type Verb = keyof typeof VERBS;

export interface Verdict {
  readonly verb: Verb;
  readonly reason: Reason;
  readonly reply: Reply | null;
  /** What a refusal is about; null without one. */
  readonly replyClass: ReplyClass | null;
  /** From MAIL to the last reply; null where there was none. */
  readonly latencyMs: number | null;
  /** Until the next attempt; 0 where there is none or at once. */
  readonly delayMs: number;
}

export interface RetryPolicy {
  /** Waits between attempts in milliseconds; the last one repeats. */
  readonly retryScheduleMs: readonly number[];
  /** What replies mean, before the table. */
  readonly replyRules?: readonly ReplyRule[];
}

export interface History {
  /** Attempts used before this one. */
  readonly attempts: number;
  /** The connection was lost under this recipient before. */
  readonly droppedBefore: boolean;
}

/** The wait after attempt number `attempts` (from 0), spread by up to a fifth either way; `random` is in [0, 1). */
export function retryDelay(policy: RetryPolicy, attempts: number, random: number): number {
  const schedule = policy.retryScheduleMs;
  const base = schedule[Math.min(attempts, schedule.length - 1)] ?? 0;
  return Math.round(base * (0.8 + 0.4 * random));
}

/** Turns what became of a message into what the ledger records. `random` is in [0, 1). */
export function judge(outcome: Outcome, policy: RetryPolicy, history: History, random: number): Verdict {
  switch (outcome.kind) {
    case 'sent':
      return {
        verb: 'sent',
        reason: 'reply',
        reply: outcome.reply,
        replyClass: null,
        latencyMs: outcome.latencyMs,
        delayMs: 0,
      };
    case 'refused':
      return refused(outcome.reply, outcome.latencyMs, policy, retryDelay(policy, history.attempts, random));
    case 'not-sent': {
      const seen = { reply: null, replyClass: null, latencyMs: null };
      // One drop says nothing about the message; the same message dropped again uses an attempt, or it could loop.
      if (history.droppedBefore)
        return { verb: 'deferred', reason: 'dropped', ...seen, delayMs: retryDelay(policy, history.attempts, random) };
      return { verb: 'untouched', reason: 'dropped', ...seen, delayMs: 0 };
    }
    case 'unknown': {
      const delayMs = retryDelay(policy, history.attempts, random);
      return { verb: 'unknown', reason: 'unanswered', reply: null, replyClass: null, latencyMs: null, delayMs };
    }
    default:
      return outcome satisfies never;
  }
}

function refused(reply: Reply, latencyMs: number, policy: RetryPolicy, later: number): Verdict {
  const replyClass = classify(reply, policy.replyRules);
  const seen = { reply, replyClass, latencyMs };
  switch (replyClass) {
    case 'throttle':
    case 'unavailable':
      return { verb: 'waiting', reason: 'throttled', ...seen, delayMs: later };
    case 'transient':
      return { verb: 'deferred', reason: 'reply', ...seen, delayMs: later };
    case 'misconfigured':
      // Everybody would be refused: nobody is burned, and the campaign pauses.
      return { verb: 'untouched', reason: 'none', ...seen, delayMs: 0 };
    case 'dead':
    case 'permanent':
      return { verb: 'failed', reason: 'reply', ...seen, delayMs: 0 };
    default:
      return replyClass satisfies never;
  }
}

/** The number under which the ledger stores a reason. */
export function reasonNumber(reason: Reason): number {
  return REASONS.indexOf(reason);
}
