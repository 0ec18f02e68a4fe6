import type { SuppressionReason } from '../domain/suppression.js';

/** How the suppression list stands. */
export interface SuppressionStanding {
  /** Another number after every change. */
  readonly version: number;
  /** Addresses that are on it. */
  readonly entries: number;
}

/**
 * The suppression list, which all campaigns of a Redis share. Addresses are sendable ones, as a list of recipients gives
 * them; they are compared as duplicates are. Rejects where Redis can't be asked, with FanmailError LEDGER_FORMAT where the
 * list is another version's.
 */
export interface Suppression {
  standing(): Promise<SuppressionStanding>;
  /** The places, in order, of those never to send to in a campaign of this topic; null: of none. */
  check(addresses: readonly string[], topic: string | null): Promise<readonly number[]>;
  /** Adds for a topic, or for all; what is there already stays as it is. Returns how many are new. May be repeated. */
  add(addresses: readonly string[], topic: string | null, why: SuppressionReason): Promise<number>;
  /** Takes out of a topic, or of those for all. Returns how many were there. May be repeated. */
  remove(addresses: readonly string[], topic: string | null): Promise<number>;
}
