import { LEASE_MS, type PaceStore } from './pace-ports.js';
import type { RelayPace } from './relay-pace.js';

interface Lease {
  /** How many messages wait, by who said so. */
  readonly waiting: Map<object, number>;
  granted: number;
  used: number;
  wanted: number;
  limit: number;
  asking: boolean;
  askedAt: number;
}

/** Where others have all of it, this is how often they are asked again. */
const AGAIN_MS = 500;

/** How many messages of a group this process may have under way, of what all workers may. */
export class Leases {
  readonly #relay: RelayPace;
  readonly #store: PaceStore;
  readonly #owner: string;
  readonly #changed: () => void;
  readonly #leases = new Map<string, Lease>();
  #clock: NodeJS.Timeout | null = null;

  constructor(relay: RelayPace, owner: string, changed: () => void) {
    this.#relay = relay;
    this.#store = relay.store;
    this.#owner = owner;
    this.#changed = changed;
  }

  free(group: string): number {
    const lease = this.#leases.get(group);
    return lease ? Math.max(0, lease.granted - lease.used) : 0;
  }

  use(group: string): void {
    const lease = this.#leases.get(group);
    if (lease) lease.used++;
  }

  done(group: string): void {
    const lease = this.#leases.get(group);
    if (!lease) return;
    lease.used--;
    this.#changed();
  }

  /** Says how many messages of a campaign wait here; those under way are added. */
  want(campaign: object, group: string, waiting: number, limit: number): void {
    let lease = this.#leases.get(group);
    if (!lease) {
      if (waiting === 0) return;
      lease = { waiting: new Map(), granted: 0, used: 0, wanted: 0, limit, asking: false, askedAt: 0 };
      this.#leases.set(group, lease);
    }
    lease.limit = limit;
    if (waiting > 0) lease.waiting.set(campaign, waiting);
    else lease.waiting.delete(campaign);
    const before = lease.wanted;
    const all = [...lease.waiting.values()].reduce((sum, count) => sum + count, lease.used);
    lease.wanted = Math.min(limit, all);
    this.#clock ??= setInterval(() => this.#renew(), AGAIN_MS).unref();
    if (lease.wanted > before && lease.granted < lease.wanted) void this.#ask(group, lease);
  }

  /** Nobody sends here any more. */
  async close(): Promise<void> {
    if (this.#clock) clearInterval(this.#clock);
    this.#clock = null;
    const groups = [...this.#leases];
    this.#leases.clear();
    await Promise.allSettled(
      groups.map(([group, { limit }]) => this.#store.lease(this.#relay.relay, group, this.#owner, 0, limit)),
    );
  }

  #renew(): void {
    const now = performance.now();
    for (const [group, lease] of this.#leases) {
      const short = lease.granted < lease.wanted || lease.wanted === 0;
      if (short || now - lease.askedAt > LEASE_MS / 3) void this.#ask(group, lease);
      if (lease.wanted === 0 && lease.used === 0) this.#leases.delete(group);
    }
  }

  async #ask(group: string, lease: Lease): Promise<void> {
    if (lease.asking) return;
    lease.asking = true;
    lease.askedAt = performance.now();
    try {
      const wanted = Math.max(lease.wanted, lease.used);
      lease.granted = await this.#store.lease(this.#relay.relay, group, this.#owner, wanted, lease.limit);
      if (this.free(group) > 0) this.#changed();
    } catch (error) {
      this.#relay.log.warn({ err: error, group }, 'connections to a domain could not be asked for');
    }
    lease.asking = false;
  }
}
