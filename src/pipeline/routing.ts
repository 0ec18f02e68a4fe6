import { randomUUID } from 'node:crypto';
import type { Breaker } from './breaker-ports.js';
import type { Route } from './chunk-ports.js';

/** The relay that a chunk goes through for now. */
export interface Way {
  readonly route: Route;
  /** Its breaker is half open: over one connection, until it has answered. */
  readonly probing: boolean;
}

/**
 * In which order a chunk tries the relays of its campaign: by chance, as their weights say, and spare ones last. One whose
 * breaker is open is passed over.
 */
export class Routing {
  readonly #breaker: Breaker;
  readonly #asker = randomUUID();
  readonly #left: Route[];
  readonly #probed: Route[] = [];
  #waitMs = Number.POSITIVE_INFINITY;

  constructor(routes: readonly Route[], breaker: Breaker, random: () => number = Math.random) {
    this.#breaker = breaker;
    const shuffled = (some: readonly Route[]) => byWeight(some, random);
    this.#left = [...shuffled(routes.filter(({ spare }) => !spare)), ...shuffled(routes.filter(({ spare }) => spare))];
  }

  /** Whether there is another one to try. */
  get more(): boolean {
    return this.#left.length > 0;
  }

  /** Milliseconds until one that was passed over may be tried again. */
  get waitMs(): number {
    return this.#waitMs;
  }

  /** The next one that may be used; null where there is none. */
  async next(): Promise<Way | null> {
    for (let route = this.#left.shift(); route; route = this.#left.shift()) {
      const word = await this.#breaker.ask(route.identity, this.#asker);
      if (word.kind === 'closed') return { route, probing: false };
      if (word.kind === 'probe') {
        this.#probed.push(route);
        return { route, probing: true };
      }
      this.#waitMs = Math.min(this.#waitMs, word.waitMs);
    }
    return null;
  }

  /** A probe that found out nothing leaves it to somebody else. */
  async leave(): Promise<void> {
    for (const { identity } of this.#probed.splice(0))
      await this.#breaker.release(identity, this.#asker).catch(() => undefined);
  }
}

/** Drawn one after the other, each as likely as its weight among those that are left. */
function byWeight(routes: readonly Route[], random: () => number): Route[] {
  const left = [...routes];
  const drawn: Route[] = [];
  while (left.length > 0) {
    let at = random() * left.reduce((sum, { weight }) => sum + weight, 0);
    const found = left.findIndex(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    drawn.push(...left.splice(Math.max(0, found), 1));
  }
  return drawn;
}
