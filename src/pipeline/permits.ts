/** A permit that is not used until this long after its time is lost: used all at once later, they would be a burst. */
const GOOD_FOR_MS = 100;

/** The slots that this process has for one group, in their order; times are those of `performance.now`. */
export class Permits {
  #times: number[] = [];
  #intervalMs = 0;

  /** Those that are good, now or later. */
  count(now: number): number {
    this.#drop(now);
    return this.#times.length;
  }

  /** When the first one will be good that is not yet by then; infinity where there is none. */
  nextAt(now: number): number {
    return this.#times.find((time) => time > now) ?? Number.POSITIVE_INFINITY;
  }

  /** Between two slots. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  add(slots: readonly number[], intervalMs: number, now: number): void {
    this.#intervalMs = intervalMs;
    for (const slot of slots) this.#times.push(now + slot);
  }

  /** How many may be used now. */
  due(now: number): number {
    this.#drop(now);
    let due = 0;
    while (due < this.#times.length && (this.#times[due] as number) <= now) due++;
    return due;
  }

  use(now: number): boolean {
    if (this.due(now) === 0) return false;
    this.#times.shift();
    return true;
  }

  #drop(now: number): void {
    const oldest = now - Math.max(GOOD_FOR_MS, 2 * this.#intervalMs);
    while (this.#times.length > 0 && (this.#times[0] as number) < oldest) this.#times.shift();
  }
}
