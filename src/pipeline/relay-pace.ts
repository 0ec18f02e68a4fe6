import { setTimeout as delay } from 'node:timers/promises';
import type { RelayIdentity } from '../domain/campaign.js';
import { groupOf, type PaceOptions } from '../domain/pace.js';
import type { PaceStore } from './pace-ports.js';
import type { Log } from './ports.js';
import { Traffic } from './traffic.js';

/** How often a process looks what others have learnt of a relay; "at once" for them is this much later. */
const LOOK_MS = 250;
/** The first word of a group says how much the relay takes of it: one answer says nothing of that. */
const GATHER_MS = 250;
/** So long after a cut there are slots of the rate before it, or others don't know of it: what is answered says nothing of the new one. */
const SETTLE_MS = 750;
/** A group is told of once in so long at most: after that, and a second of answers. */
const TELL_MS = SETTLE_MS + 1_000;
/** Of fewer answers a share says little; but that is waited for so long only. */
const ENOUGH = 30;
const LONGEST_MS = 10_000;
/** Domains whose group is remembered. */
const DOMAINS_KEPT = 10_000;

/** What this process knows of a relay's pace: looked up while somebody sends, and told where the relay throttles. */
export class RelayPace {
  readonly relay: RelayIdentity;
  readonly store: PaceStore;
  readonly log: Log;
  /** Messages a second that the operator allows, over all campaigns. */
  perSecond: number | null = null;
  /** Another number whenever others are limited than before. */
  version = 0;
  /** Groups that are slow, and when they were cut last (epoch milliseconds). */
  #slow: ReadonlyMap<string, number> = new Map();
  readonly #traffic = new Traffic();
  /** When a group was told of, or was seen to be cut (performance.now). */
  readonly #cut = new Map<string, number>();
  readonly #telling = new Set<string>();
  readonly #watchers = new Set<() => void>();
  readonly #groups = new Map<string, string>();
  readonly #own: PaceOptions['groups'];
  #clock: NodeJS.Timeout | null = null;
  #looking = false;

  /** @param own groups of the operator's, before those of the table */
  constructor(relay: RelayIdentity, store: PaceStore, log: Log, own: PaceOptions['groups']) {
    this.relay = relay;
    this.store = store;
    this.log = log;
    this.#own = own;
  }

  get anySlow(): boolean {
    return this.#slow.size > 0;
  }

  isSlow(group: string): boolean {
    return this.#slow.has(group);
  }

  /** The group of an address's domain. */
  groupOf(address: string): string {
    const domain = address.slice(address.lastIndexOf('@') + 1);
    const known = this.#groups.get(domain);
    if (known !== undefined) return known;
    if (this.#groups.size >= DOMAINS_KEPT) this.#groups.clear();
    const group = groupOf(domain, this.#own);
    this.#groups.set(domain, group);
    return group;
  }

  /** Resolves when what others know is known here; `changed` is told of what comes later, until the result is called. */
  async watch(changed: () => void): Promise<() => void> {
    this.#watchers.add(changed);
    if (this.#clock === null) this.#clock = setInterval(() => void this.#look(), LOOK_MS).unref();
    await this.#look();
    return () => {
      this.#watchers.delete(changed);
      if (this.#watchers.size > 0 || this.#clock === null) return;
      clearInterval(this.#clock);
      this.#clock = null;
    };
  }

  /** The relay answered a message to this address: took it, or throttled it. */
  answered(address: string, throttled: boolean): void {
    const group = this.groupOf(address);
    const cutAt = this.#cut.size > 0 ? this.#cut.get(group) : undefined;
    const sinceCut = cutAt === undefined ? Number.POSITIVE_INFINITY : performance.now() - cutAt;
    if (sinceCut < SETTLE_MS) return;
    const answers = this.#traffic.count(group, throttled);
    if (!throttled || this.#telling.has(group) || sinceCut < TELL_MS) return;
    if (answers >= ENOUGH || sinceCut >= LONGEST_MS) void this.#tell(group);
  }

  async #tell(group: string): Promise<void> {
    const known = this.#slow.has(group);
    this.#telling.add(group);
    if (!known) await delay(GATHER_MS, undefined, { ref: false });
    const seen = this.#traffic.take(group);
    this.#noteCut(group);
    try {
      await this.store.throttled(this.relay, { group, known, ...seen });
      // Only now: a slot that was asked for before is one without a limit.
      if (!known) this.#know(this.perSecond, new Map([...this.#slow, [group, 0]]));
    } catch (error) {
      this.log.warn({ err: error, group }, 'throttling could not be told to the other workers');
      this.#cut.delete(group);
    }
    this.#telling.delete(group);
  }

  async #look(): Promise<void> {
    this.#traffic.turn();
    if (this.#looking) return;
    this.#looking = true;
    try {
      const { perSecond, slow } = await this.store.limits(this.relay);
      for (const [group, cutAt] of slow) if ((this.#slow.get(group) ?? 0) < cutAt) this.#noteCut(group);
      this.#know(perSecond, slow);
    } catch (error) {
      this.log.warn({ err: error }, 'the limits of a relay could not be read; those known before count on');
    }
    this.#looking = false;
  }

  /** What was answered before counts no more. */
  #noteCut(group: string): void {
    if (this.#cut.size >= DOMAINS_KEPT) this.#cut.clear();
    this.#cut.set(group, performance.now());
    this.#traffic.take(group);
  }

  #know(perSecond: number | null, slow: ReadonlyMap<string, number>): void {
    const same = slow.size === this.#slow.size && [...slow.keys()].every((group) => this.#slow.has(group));
    this.#slow = slow;
    if (same && perSecond === this.perSecond) return;
    this.perSecond = perSecond;
    this.version++;
    for (const changed of [...this.#watchers]) changed();
  }
}
