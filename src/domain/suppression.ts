import { hash } from 'node:crypto';

/**
 * Why an address is suppressed. The position is what Redis stores: append only, at most 16.
 * manual       somebody named it
 * import       it stood in a file
 * bounce       a relay said that there is no such address
 * unsubscribe  its owner asked for it
 */
export const SUPPRESSION_REASONS = ['manual', 'import', 'bounce', 'unsubscribe'] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** What a campaign is about, by a name; somebody may want to hear of the one and not of the other. */
export const TOPIC = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;

/** One reason not to send to an address: for a topic, or for all where that is null. */
export interface SuppressionItem {
  readonly topic: string | null;
  readonly why: SuppressionReason;
  /** Days since 1970-01-01 in UTC. */
  readonly day: number;
}

/** 80 bits: with ten million entries, an address that is not on the list is taken for one that is with a chance of 1 in 10¹⁷. */
export const SUPPRESSION_HASH_BYTES = 10;
/** In hex: 32 random bytes. */
export const SUPPRESSION_SECRET = /^[0-9a-f]{64}$/;

/**
 * Writes what is kept of an address: the first 80 bits of SHA-256(secret NUL key). Nobody who lacks the secret can test a
 * guess. A secret of fixed length in front keys the hash as well as HMAC does here, see messageIdOf; that, and a digest
 * that comes as text and not as a buffer of its own, takes a quarter of the time.
 */
export function writeSuppressionHash(secret: string, key: string, into: Buffer, at: number): void {
  into.write(hash('sha256', `${secret}\0${key}`, 'binary'), at, SUPPRESSION_HASH_BYTES, 'latin1');
}

/** `2026-11-25`. */
export function dateOfDay(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
