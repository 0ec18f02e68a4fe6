import { type PaceOptions, UNLIMITED } from '../domain/pace.js';
import type { Leases } from './leases.js';
import type { PaceAsk } from './pace-ports.js';
import { Permits } from './permits.js';
import type { RelayPace } from './relay-pace.js';

/** One call asks for so many groups, the others come next. */
const ASKS = 64;
const MOST_WANTED = 200;
/** Slots are asked for again so long, more or less, before those that are there have gone: Redis may take a while. */
const REFILL_MS = 100;
const FAILED_MS = 1_000;
const AGAIN_MS = 25;

/** Who waits for the pace: a chunk that is being sent. */
export interface Waiter {
  /** How many wait, by what `keyOf` said. */
  wants(): ReadonlyMap<string, number>;
  /** Some may go now, or others are limited than before. */
  changed(): void;
}

/**
 * The pace of a campaign in this process. What is limited may be begun only with a permit for its key: its group of domains,
 * or '' for what only the campaign's and the relay's own limits are about. Permits are slots that Redis gave ahead of time; a
 * clock tells the waiters when one is due, so nobody sleeps and nobody asks in a loop.
 */
export class Pacer {
  readonly #relay: RelayPace;
  readonly #leases: Leases;
  readonly #campaign: string;
  readonly #options: PaceOptions;
  readonly #permits = new Map<string, Permits>();
  readonly #askAt = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #timer: NodeJS.Timeout | null = null;
  #asking = false;

  constructor(campaign: string, options: PaceOptions | null, relay: RelayPace, leases: Leases) {
    this.#campaign = campaign;
    this.#options = options ?? UNLIMITED;
    this.#relay = relay;
    this.#leases = leases;
  }

  /** Another number whenever keys may be others than before. */
  get version(): number {
    return this.#relay.version;
  }

  /** Nobody waits. */
  get idle(): boolean {
    return this.#waiters.size === 0;
  }

  /** What a recipient waits for; null where nothing limits it. */
  keyOf(address: string): string | null {
    const all = this.#limitsAll;
    if (!all && !this.#relay.anySlow && this.#ownLimits === 0) return null;
    const group = this.#relay.groupOf(address);
    if (Object.hasOwn(this.#options.domains, group) || this.#relay.isSlow(group)) return group;
    return all ? '' : null;
  }

  /** How many of a key may be begun now. */
  due(key: string): number {
    const leases = this.#connectionsOf(key) === null ? Number.POSITIVE_INFINITY : this.#leases.free(key);
    if (leases === 0 || !this.#isPaced(key)) return leases;
    return Math.min(leases, this.#permits.get(key)?.due(performance.now()) ?? 0);
  }

  /** Takes a permit; where it is true, `done` has to follow when the message is. */
  take(key: string): boolean {
    if (this.due(key) === 0) return false;
    if (this.#isPaced(key)) this.#permits.get(key)?.use(performance.now());
    if (this.#connectionsOf(key) !== null) this.#leases.use(key);
    return true;
  }

  done(key: string): void {
    if (this.#connectionsOf(key) !== null) this.#leases.done(key);
  }

  answered(address: string, throttled: boolean): void {
    this.#relay.answered(address, throttled);
  }

  /** Resolves when the limits are known; the waiter is told of permits until the result is called. */
  async join(waiter: Waiter): Promise<() => void> {
    const leave = await this.#relay.watch(() => {
      waiter.changed();
      this.look();
    });
    this.#waiters.add(waiter);
    this.look();
    return () => {
      this.#waiters.delete(waiter);
      leave();
      this.look();
    };
  }

  /** Whether it is the relay, by throttling, that some wait for, and not the operator. */
  throttles(wants: ReadonlyMap<string, number>): boolean {
    return [...wants.keys()].some((key) => this.#relay.isSlow(key));
  }

  /** Whether slots were asked for already: before that nobody knows how long they take. */
  knows(wants: ReadonlyMap<string, number>): boolean {
    return [...wants.keys()].every((key) => !this.#isPaced(key) || this.#askAt.has(key));
  }

  /** Milliseconds that so many of each key take, as far as is known, if nobody else sends. */
  waitMs(wants: ReadonlyMap<string, number>): number {
    const times = [...wants].map(([key, count]) => count * (this.#permits.get(key)?.intervalMs ?? 0));
    return Math.max(0, ...times);
  }

  /** Looks who waits: tells those that may go, asks for what is missing, and comes again when something is due. */
  look(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const wants = this.#wants();
    for (const [group, { connections }] of Object.entries(this.#options.domains))
      if (connections !== null) this.#leases.want(this, group, wants.get(group) ?? 0, connections);
    const now = performance.now();
    void this.#ask(wants, now);
    let next = Number.POSITIVE_INFINITY;
    let due = false;
    for (const [key, count] of wants) {
      if (!this.#isPaced(key)) continue;
      if (this.due(key) > 0) {
        due = true;
        // Whoever can't use it in time loses it, and has to get another.
        next = Math.min(next, now + AGAIN_MS);
      }
      const permits = this.#permitsOf(key);
      next = Math.min(next, permits.nextAt(now));
      if (permits.count(now) < count && !this.#asking)
        next = Math.min(next, Math.max(now + 1, this.#askAt.get(key) ?? 0));
    }
    if (next < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.look(), Math.max(1, next - now)).unref();
    if (due) for (const waiter of [...this.#waiters]) waiter.changed();
  }

  async #ask(wants: ReadonlyMap<string, number>, now: number): Promise<void> {
    const asks = this.#asks(wants, now);
    if (this.#asking || asks.length === 0) return;
    this.#asking = true;
    try {
      const { relay, store } = this.#relay;
      const grants = await store.reserve(relay, this.#campaign, this.#options.perSecond, asks);
      const at = performance.now();
      asks.forEach(({ group }, i) => {
        const { slots, waitMs, intervalMs } = grants[i] ?? { slots: [], waitMs: FAILED_MS, intervalMs: 0 };
        const permits = this.#permitsOf(group);
        permits.add(slots, intervalMs, at);
        // Several processes never ask in step: the first one would get all that there is, every time.
        const stocked = permits.nextAt(at + REFILL_MS) < Number.POSITIVE_INFINITY;
        const least = stocked ? REFILL_MS * (0.5 + Math.random()) : Math.random() * 5;
        this.#askAt.set(group, at + 1 + Math.max(least, waitMs));
      });
    } catch (error) {
      this.#relay.log.warn(
        { err: error, campaign: this.#campaign },
        'no slots could be reserved; nothing is sent without',
      );
      for (const { group } of asks) this.#askAt.set(group, performance.now() + FAILED_MS);
    }
    this.#asking = false;
    this.look();
    for (const waiter of [...this.#waiters]) waiter.changed();
  }

  #asks(wants: ReadonlyMap<string, number>, now: number): PaceAsk[] {
    const asks: PaceAsk[] = [];
    for (const [group, count] of wants) {
      if (asks.length === ASKS) break;
      if (!this.#isPaced(group) || (this.#askAt.get(group) ?? 0) > now) continue;
      const wanted = Math.min(MOST_WANTED, count - this.#permitsOf(group).count(now));
      if (wanted > 0) asks.push({ group, wanted, perSecond: this.#options.domains[group]?.perSecond ?? null });
    }
    return asks;
  }

  #wants(): ReadonlyMap<string, number> {
    const wants = new Map<string, number>();
    for (const waiter of this.#waiters)
      for (const [key, count] of waiter.wants()) wants.set(key, (wants.get(key) ?? 0) + count);
    for (const key of this.#permits.keys()) {
      if (wants.has(key)) continue;
      this.#permits.delete(key);
      this.#askAt.delete(key);
    }
    return wants;
  }

  get #limitsAll(): boolean {
    return this.#options.perSecond !== null || this.#relay.perSecond !== null;
  }

  get #ownLimits(): number {
    return Object.keys(this.#options.domains).length;
  }

  #isPaced(key: string): boolean {
    if (this.#limitsAll || key === '') return true;
    return this.#relay.isSlow(key) || (this.#options.domains[key]?.perSecond ?? null) !== null;
  }

  #connectionsOf(key: string): number | null {
    return key === '' ? null : (this.#options.domains[key]?.connections ?? null);
  }

  #permitsOf(key: string): Permits {
    const known = this.#permits.get(key);
    if (known) return known;
    const permits = new Permits();
    this.#permits.set(key, permits);
    return permits;
  }
}
