import type { SuppressionReason } from '../domain/suppression.js';
import type { Unsubscriber } from '../domain/unsubscribe.js';

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

/** What links to unsubscribe are made with. */
export interface LinkSecrets {
  /** The secret of the suppression list, in hex; from now on it stays the list's. May be repeated. */
  linkSecret(): Promise<string>;
}

/** What is added of one address; no day: today, by the Redis clock. */
export interface NewItem {
  readonly hash: Buffer;
  readonly why: SuppressionReason;
  readonly day?: number;
}

/** The suppression list by hashes, without any address. */
export interface UnsubscribeStore {
  /** The secret that its hashes and links are made with, in hex, as it is now; null where there is no list. */
  secret(): Promise<string | null>;
  /** Adds by hashes under this secret, which the list has to have by now. Returns how many are new. */
  addHashes(secret: string, items: readonly NewItem[], topic: string | null): Promise<number>;
}

/** Who unsubscribes, under the secret that its token was read with. */
export interface OpenedToken extends Unsubscriber {
  readonly secret: string;
}

/** Unsubscribing by tokens, for whoever brings them. Rejects where Redis does not answer in time. */
export interface Unsubscribes {
  /** Null for whatever is no token of this list. */
  open(token: string): Promise<OpenedToken | null>;
  /** Suppresses for a topic, or for all; resolves when Redis has it. May be repeated. */
  add(who: OpenedToken, topic: string | null): Promise<void>;
  /** Whether Redis answers. */
  isWell(): Promise<boolean>;
}
