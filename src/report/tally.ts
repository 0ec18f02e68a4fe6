/** Where a tally counts what it has no room for. */
export const REST = '*';

/**
 * Figures by key, for at most `limit` keys: whatever a list or a relay thinks up, memory is bounded. The first ones to
 * come get a place; the others, and what has no key, count together under `*`.
 */
export class Tally<T> {
  readonly #figures = new Map<string, T>();
  readonly #limit: number;
  readonly #create: () => T;
  #rest: T | undefined;

  constructor(limit: number, create: () => T) {
    this.#limit = limit;
    this.#create = create;
  }

  /** The figures of a key, to be changed in place. */
  of(key: string | null): T {
    if (key === null || key === REST) return this.#theRest();
    const known = this.#figures.get(key);
    if (known !== undefined) return known;
    if (this.#figures.size >= this.#limit) return this.#theRest();
    const created = this.#create();
    // A key is often a slice of a large text, which it would keep alive; a copy of its code units is not.
    this.#figures.set(Buffer.from(key, 'utf16le').toString('utf16le'), created);
    return created;
  }

  /**
   * The `top` keys with the largest `size`, largest first, equal ones by name; then `*` with everything else joined by
   * `join`, where there is anything else.
   */
  ranked(top: number, size: (figures: T) => number, join: (into: T, from: T) => void): [string, T][] {
    const all = [...this.#figures].sort(([a, x], [b, y]) => size(y) - size(x) || (a < b ? -1 : 1));
    const others = all.slice(top).map(([, figures]) => figures);
    if (this.#rest !== undefined) others.push(this.#rest);
    if (others.length === 0) return all;
    const rest = this.#create();
    for (const figures of others) join(rest, figures);
    return [...all.slice(0, top), [REST, rest]];
  }

  #theRest(): T {
    this.#rest ??= this.#create();
    return this.#rest;
  }
}
