import type { RelayFault } from '../domain/outcome.js';
import type { Asker, RelayConnection, Taken } from '../pipeline/ports.js';

interface Waiter {
  readonly asker: Asker;
  readonly end: (taken: Taken) => void;
}

/** Those who wait for connections: who holds fewest is served first, and of equals who came first. */
export class Waiters {
  readonly #queue = new Set<Waiter>();

  /** How many connections they would take together. */
  get demand(): number {
    let demand = 0;
    for (const { asker } of this.#queue) demand += asker.wants;
    return demand;
  }

  /** Whether somebody waits who would hold fewer than `held` even with one more. */
  hasPoorer(held: number): boolean {
    for (const { asker } of this.#queue) if (asker.wants > 0 && asker.held + 1 < held) return true;
    return false;
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
  serve(free: number, lend: (count: number) => readonly RelayConnection[]): void {
    const shares = new Map<Waiter, number>();
    for (let left = free; left > 0; left--) {
      const poorest = this.#poorest(shares);
      if (!poorest) break;
      shares.set(poorest, (shares.get(poorest) ?? 0) + 1);
    }
    for (const [waiter, count] of shares) waiter.end({ kind: 'connections', connections: lend(count) });
  }

  #poorest(shares: ReadonlyMap<Waiter, number>): Waiter | undefined {
    let poorest: Waiter | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const waiter of this.#queue) {
      const share = shares.get(waiter) ?? 0;
      if (share >= waiter.asker.wants || waiter.asker.held + share >= least) continue;
      poorest = waiter;
      least = waiter.asker.held + share;
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
