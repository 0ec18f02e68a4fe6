import type { Open } from './open.js';
import type { Pacer, Waiter } from './pacer.js';

/**
 * The recipients of a chunk that wait to be begun. Those that nothing limits stand in one row; of the others each group has its
 * own, and goes on when it has a permit: a throttled domain never holds up others.
 */
export class Line {
  readonly #pacer: Pacer;
  readonly #addressOf: (index: number) => string;
  readonly #paced = new Map<string, Open[]>();
  /** Who was taken with a permit, by index. */
  readonly #taken = new Map<number, string>();
  #free: Open[];
  #version: number;
  #length: number;

  constructor(opens: Open[], addressOf: (index: number) => string, pacer: Pacer) {
    this.#free = opens;
    this.#length = opens.length;
    this.#addressOf = addressOf;
    this.#pacer = pacer;
    this.#version = pacer.version;
    this.#sort();
  }

  get length(): number {
    return this.#length;
  }

  /** How many may be begun now. */
  get available(): number {
    this.#keepUp();
    if (this.#paced.size === 0) return this.#free.length;
    let available = this.#free.length;
    for (const [key, row] of this.#paced) available += Math.min(row.length, this.#pacer.due(key));
    return available;
  }

  /** Who is next; null where all wait for their pace, or nobody waits. `over` has to follow. */
  take(): Open | null {
    this.#keepUp();
    const open = (this.#paced.size > 0 ? this.#takePaced() : undefined) ?? this.#free.shift();
    if (!open) return null;
    this.#length--;
    return open;
  }

  /** Behind the others. */
  push(open: Open): void {
    this.#rowOf(open).push(open);
    this.#length++;
  }

  /** What was taken and not begun: before the others. */
  back(open: Open): void {
    this.over(open);
    this.#rowOf(open).unshift(open);
    this.#length++;
  }

  /** Those that must not be begun any more. */
  drop(indices: ReadonlySet<number>): void {
    const stays = ({ index }: Open) => !indices.has(index);
    this.#free = this.#free.filter(stays);
    for (const [key, row] of this.#paced) this.#paced.set(key, row.filter(stays));
    this.#length = [...this.#paced.values()].reduce((sum, row) => sum + row.length, this.#free.length);
  }

  /** What was taken is on the wire no more. */
  over({ index }: Open): void {
    const key = this.#taken.get(index);
    if (key === undefined) return;
    this.#taken.delete(index);
    this.#pacer.done(key);
  }

  wants: Waiter['wants'] = () => {
    this.#keepUp();
    return new Map([...this.#paced].map(([key, row]) => [key, row.length]));
  };

  /** A permit is soon lost, so who has one goes first; the groups take turns. */
  #takePaced(): Open | undefined {
    for (const [key, row] of this.#paced) {
      if (row.length === 0 || !this.#pacer.take(key)) continue;
      const open = row.shift();
      this.#paced.delete(key);
      if (row.length > 0) this.#paced.set(key, row);
      if (open) this.#taken.set(open.index, key);
      return open;
    }
    return undefined;
  }

  #rowOf({ index }: Open): Open[] {
    const key = this.#pacer.keyOf(this.#addressOf(index));
    if (key === null) return this.#free;
    const known = this.#paced.get(key);
    if (known) return known;
    const row: Open[] = [];
    this.#paced.set(key, row);
    return row;
  }

  #keepUp(): void {
    if (this.#pacer.version === this.#version) return;
    this.#version = this.#pacer.version;
    this.#sort();
  }

  #sort(): void {
    const all = [...this.#free, ...[...this.#paced.values()].flat()].sort((a, b) => a.index - b.index);
    this.#free = [];
    this.#paced.clear();
    for (const open of all) this.#rowOf(open).push(open);
  }
}
