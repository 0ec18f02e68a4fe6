import type { RelayIdentity } from '../domain/campaign.js';

/** What is reserved for: the recipients of a group of domains, or with '' all that have no limit of their own. */
export interface PaceAsk {
  readonly group: string;
  /** How many slots, at most 200. */
  readonly wanted: number;
  /** The operator's limit for the group; null: none, but the relay may have shown one. */
  readonly perSecond: number | null;
}

export interface PaceGrant {
  /** Each for one message: milliseconds from now, in order. */
  readonly slots: readonly number[];
  /** Asked for more, this is when the next may be had, in milliseconds; 0 where all were given. */
  readonly waitMs: number;
  /** Between two slots, by the narrowest limit, in milliseconds; 0 where nothing limits. */
  readonly intervalMs: number;
}

/** What limits a relay for all campaigns. */
export interface RelayLimits {
  /** Messages a second; null without a limit. */
  readonly perSecond: number | null;
  /** Groups of domains that were throttled lately, and so have a rate of their own for now, and when it was cut last. */
  readonly slow: ReadonlyMap<string, number>;
}

/** What was seen of a group since it was last told. */
export interface Throttling {
  readonly group: string;
  /** Messages that the relay took, a second. */
  readonly acceptedPerSecond: number;
  /** Of the answers, how many were throttling: above 0, at most 1. */
  readonly share: number;
  /** How many answers that were. */
  readonly answers: number;
  /** Whether this process knew that the group is slow. */
  readonly known: boolean;
}

/** A group that is slow for now, as everybody may read it. */
export interface SlowGroup {
  readonly group: string;
  readonly perSecond: number;
  /** Epoch milliseconds of the last throttling answer that cut the rate. */
  readonly cutAt: number;
  /** Epoch milliseconds: no message goes there before. */
  readonly nextAt: number;
  /** Milliseconds until it is as any other, if it is not throttled again. */
  readonly leftMs: number;
}

/** What limits a relay now, for a person. */
export interface PaceState {
  readonly perSecond: number | null;
  readonly slow: readonly SlowGroup[];
}

/**
 * The pace of all workers, kept in Redis by relay. Slots of one limit are never closer than its interval, so there is no burst;
 * one that is not used is lost. Its clock is that of Redis.
 */
export interface PaceStore {
  /** One grant for each ask. `perSecond` is the campaign's own limit. */
  reserve(
    relay: RelayIdentity,
    campaign: string,
    perSecond: number | null,
    asks: readonly PaceAsk[],
  ): Promise<readonly PaceGrant[]>;
  limits(relay: RelayIdentity): Promise<RelayLimits>;
  /** Cuts the rate of a group for all workers; it grows back by itself. */
  throttled(relay: RelayIdentity, seen: Throttling): Promise<void>;
  /**
   * Of `limit` messages under way at a time, how many `owner` may have, of `wanted`; 0 gives them back. Good for
   * `LEASE_MS` without being renewed.
   */
  lease(relay: RelayIdentity, group: string, owner: string, wanted: number, limit: number): Promise<number>;
  /** The operator's limit of a relay for all campaigns; null takes it away. */
  limitRelay(relay: RelayIdentity, perSecond: number | null): Promise<void>;
  state(relay: RelayIdentity): Promise<PaceState>;
}

/** Leases of connections are renewed at a third of it. */
export const LEASE_MS = 15_000;
