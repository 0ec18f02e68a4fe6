import type { RelayFault } from '../domain/outcome.js';
import type { Asker, RelayConnection, Taken } from '../pipeline/relay-ports.js';
import type { Lent } from './lent.js';

interface Waiter {
  readonly asker: Asker;
  readonly end: (taken: Taken) => void;
}

/** Those who wait for connections. The party that holds fewest comes first, and of one party who asked first. */
export class Waiters {
  readonly #queue = new Set<Waiter>();
  readonly #lent: Lent;

  constructor(lent: Lent) {
    this.#lent = lent;
  }

  /** How many connections they would take together. */
  get demand(): number {
    let demand = 0;
    for (const { asker } of this.#queue) demand += asker.wants;
    return demand;
  }

  /** Whether another party waits that would hold fewer than this one, even with one more. */
  hasPoorer(party: Asker['party']): boolean {
    const fair = this.#lent.to(party) - 1;
    for (const { asker } of this.#queue) {
      if (asker.party !== party && this.#lent.to(asker.party) < fair && asker.wants > 0) return true;
    }
    return false;
  }

  /** Who of a party asked first of those that would take a connection that is not free yet. */
  follower(party: Asker['party']): Asker | undefined {
    for (const { asker } of this.#queue) {
      if (asker.party === party && asker.follow && asker.wants > 0) return asker;
    }
    return undefined;
  }

  add(asker: Asker, signal: AbortSignal, resolve: (taken: Taken) => void): void {
    const onAbort = () => waiter.end({ kind: 'aborted' });
    const waiter: Waiter = {
      asker,
      end: (taken) => {
        this.#queue.delete(waiter);
        signal.removeEventListener('abort', onAbort);
        resolve(taken);
      },
    };
    signal.addEventListener('abort', onAbort);
    this.#queue.add(waiter);
  }

  /** Shares out `free` connections one by one; nobody gets more than it wants. */
  serve(free: number, lend: (party: Asker['party']) => RelayConnection): void {
    const shares = new Map<Waiter, RelayConnection[]>();
    for (let left = free; left > 0; left--) {
      const waiter = this.#poorest(shares);
      if (!waiter) break;
      const share = shares.get(waiter) ?? [];
      shares.set(waiter, share);
      share.push(lend(waiter.asker.party));
    }
    for (const [waiter, connections] of shares) waiter.end({ kind: 'connections', connections });
  }

  #poorest(shares: ReadonlyMap<Waiter, readonly unknown[]>): Waiter | undefined {
    let poorest: Waiter | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const waiter of this.#queue) {
      const { wants, party } = waiter.asker;
      const held = this.#lent.to(party);
      if ((shares.get(waiter)?.length ?? 0) >= wants || held >= least) continue;
      poorest = waiter;
      least = held;
    }
    return poorest;
  }

  fail(fault: RelayFault): void {
    for (const waiter of [...this.#queue]) waiter.end({ kind: 'fault', fault });
  }

  abort(): void {
    for (const waiter of [...this.#queue]) waiter.end({ kind: 'aborted' });
  }
}
