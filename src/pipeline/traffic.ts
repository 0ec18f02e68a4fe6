interface Count {
  accepted: number;
  throttled: number;
  readonly since: number;
  /** The one before it; a share of the few answers since would be chance. */
  readonly before: Count | null;
}

/** So long is counted in one; what was answered before the count before says little of now. */
const COUNT_MS = 5_000;
/** So short a time says little of a rate. */
const LEAST_MS = 250;

/** What a relay took of a group, and what it throttled. */
export interface Seen {
  readonly acceptedPerSecond: number;
  /** Of the answers, how many were throttling. */
  readonly share: number;
  readonly answers: number;
}

/** Counts what a relay took and throttled of each group in the last five to ten seconds. */
export class Traffic {
  readonly #counts = new Map<string, Count>();
  /** The time, as of the last `turn`: it is asked for every message. */
  #now = performance.now();
  #sweptAt = 0;

  /** Returns how many answers there are by now. */
  count(group: string, throttled: boolean): number {
    let count = this.#counts.get(group);
    if (!count || this.#now - count.since > COUNT_MS) {
      const before = count && !this.#isOld(count) ? { ...count, before: null } : null;
      count = { accepted: 0, throttled: 0, since: performance.now(), before };
      this.#counts.set(group, count);
    }
    if (throttled) count.throttled++;
    else count.accepted++;
    const { before } = count;
    return count.accepted + count.throttled + (before ? before.accepted + before.throttled : 0);
  }

  /** To be called now and then; forgets what is old. */
  turn(): void {
    this.#now = performance.now();
    if (this.#now - this.#sweptAt < 2 * COUNT_MS) return;
    this.#sweptAt = this.#now;
    for (const [group, count] of this.#counts) if (this.#isOld(count)) this.#counts.delete(group);
  }

  /** What was seen of a group; from then on it is counted anew. */
  take(group: string): Seen {
    const count = this.#counts.get(group);
    const both = count ? [count, ...(count.before ? [count.before] : [])] : [];
    this.#counts.delete(group);
    const accepted = both.reduce((sum, one) => sum + one.accepted, 0);
    const throttled = both.reduce((sum, one) => sum + one.throttled, 0);
    const ms = Math.max(LEAST_MS, performance.now() - (both.at(-1)?.since ?? 0));
    const answers = accepted + throttled;
    return { acceptedPerSecond: (accepted * 1000) / ms, share: throttled / Math.max(1, answers), answers };
  }

  #isOld({ since }: Count): boolean {
    return this.#now - since > 2 * COUNT_MS;
  }
}
