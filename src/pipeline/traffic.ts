interface Count {
  accepted: number;
  throttled: number;
  readonly since: number;
}

/** What was answered longer ago says little of now. */
const LONGEST_MS = 10_000;
/** So short a time says little of a rate. */
const LEAST_MS = 250;

/** What a relay took of a group, and what it throttled. */
export interface Seen {
  readonly acceptedPerSecond: number;
  /** Of the answers, how many were throttling. */
  readonly share: number;
  readonly answers: number;
}

/** Counts what a relay took and throttled of each group, for ten seconds at most, then anew. */
export class Traffic {
  readonly #counts = new Map<string, Count>();
  /** The time, as of the last `turn`: it is asked for every message. */
  #now = performance.now();
  #sweptAt = 0;

  /** Returns how many answers there are by now. */
  count(group: string, throttled: boolean): number {
    let count = this.#counts.get(group);
    if (!count || this.#now - count.since > LONGEST_MS) {
      count = { accepted: 0, throttled: 0, since: performance.now() };
      this.#counts.set(group, count);
    }
    if (throttled) count.throttled++;
    else count.accepted++;
    return count.accepted + count.throttled;
  }

  /** To be called now and then; forgets what is old. */
  turn(): void {
    this.#now = performance.now();
    if (this.#now - this.#sweptAt < LONGEST_MS) return;
    this.#sweptAt = this.#now;
    for (const [group, { since }] of this.#counts) if (this.#now - since > LONGEST_MS) this.#counts.delete(group);
  }

  /** What was seen of a group; from then on it is counted anew. */
  take(group: string): Seen {
    const { accepted, throttled, since } = this.#counts.get(group) ?? { accepted: 0, throttled: 0, since: 0 };
    this.#counts.delete(group);
    const ms = Math.max(LEAST_MS, performance.now() - since);
    const answers = accepted + throttled;
    return { acceptedPerSecond: (accepted * 1000) / ms, share: throttled / Math.max(1, answers), answers };
  }
}
