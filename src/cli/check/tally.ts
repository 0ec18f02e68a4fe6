import { count } from '../../report/format.js';
import type { Finding, Sample } from './finding.js';

/** Rows that a finding shows. */
const SHOWN = 3;

/** Counts the rows that something is true of, and keeps the first of them. */
export class Tally {
  #rows = 0;
  readonly #samples: Sample[] = [];

  get rows(): number {
    return this.#rows;
  }

  add(line: number, text: string): void {
    this.#rows++;
    if (this.#samples.length < SHOWN) this.#samples.push({ line, text });
  }

  /** `1 row`, `1,200 rows`. */
  get said(): string {
    return `${count(this.#rows)} ${this.#rows === 1 ? 'row' : 'rows'}`;
  }

  get about(): Pick<Finding, 'rows' | 'samples'> {
    return { rows: this.#rows, samples: this.#samples };
  }
}

/** Tallies by a key, in the order in which the keys came. */
export class Tallies<K> {
  readonly #byKey = new Map<K, Tally>();

  of(key: K): Tally {
    const known = this.#byKey.get(key);
    if (known) return known;
    const fresh = new Tally();
    this.#byKey.set(key, fresh);
    return fresh;
  }

  [Symbol.iterator](): IterableIterator<[K, Tally]> {
    return this.#byKey.entries();
  }
}
