import type { RelayIdentity } from '../domain/campaign.js';
import type { RelayFault } from '../domain/outcome.js';

/** The relay's breaker, shared by all workers. */
export interface Breaker {
  /** Asked before a chunk is claimed; `asker` is new for each. */
  ask(relay: RelayIdentity, asker: string): Promise<BreakerWord>;
  /** Opens it; returns how many milliseconds to wait before the relay is asked again. */
  fault(relay: RelayIdentity, fault: RelayFault): Promise<number>;
  /** The relay answers. */
  clear(relay: RelayIdentity): Promise<void>;
  /** A probe came to no end: somebody else may probe. */
  release(relay: RelayIdentity, asker: string): Promise<void>;
  state(relay: RelayIdentity): Promise<BreakerState | null>;
}

/** `probe`: whether the relay can be used again is this asker's to find out, over one connection. */
export type BreakerWord =
  | { readonly kind: 'closed' }
  | { readonly kind: 'probe' }
  | { readonly kind: 'open'; readonly waitMs: number };

export interface BreakerState {
  readonly since: number;
  readonly until: number;
  readonly failures: number;
  readonly cause: string;
  readonly why: string;
}
