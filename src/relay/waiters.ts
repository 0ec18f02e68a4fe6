import type { RelayFault } from '../domain/outcome.js';
import type { RelayConnection, Taken } from '../pipeline/ports.js';

interface Waiter {
  readonly max: number;
  readonly end: (taken: Taken) => void;
}

/** Those who wait for connections, first come first served, sharing what there is. */
export class Waiters {
  readonly #queue = new Set<Waiter>();

  /** How many connections they would take together. */
  get demand(): number {
    let demand = 0;
    for (const waiter of this.#queue) demand += waiter.max;
    return demand;
  }

  add(max: number, signal: AbortSignal, resolve: (taken: Taken) => void): void {
    const onAbort = () => waiter.end({ kind: 'aborted' });
    const waiter: Waiter = {
      max: Math.max(1, max),
      end: (taken) => {
        this.#queue.delete(waiter);
        signal.removeEventListener('abort', onAbort);
        resolve(taken);
      },
    };
    signal.addEventListener('abort', onAbort);
    this.#queue.add(waiter);
  }

  /** Shares out `free` connections: each gets an equal part of what is left, at least one and at most its `max`. */
  serve(free: number, lend: (count: number) => readonly RelayConnection[]): void {
    let left = free;
    for (const waiter of [...this.#queue]) {
      if (left === 0) return;
      const count = Math.min(waiter.max, Math.ceil(left / this.#queue.size));
      left -= count;
      waiter.end({ kind: 'connections', connections: lend(count) });
    }
  }

  fail(fault: RelayFault): void {
    for (const waiter of [...this.#queue]) waiter.end({ kind: 'fault', fault });
  }

  abort(): void {
    for (const waiter of [...this.#queue]) waiter.end({ kind: 'aborted' });
  }
}
