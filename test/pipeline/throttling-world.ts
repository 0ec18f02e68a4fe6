import { UNLIMITED } from '../../src/domain/pace.js';
import { Leases } from '../../src/pipeline/leases.js';
import { Pacer, type Waiter } from '../../src/pipeline/pacer.js';
import { RelayPace } from '../../src/pipeline/relay-pace.js';
import { createDice } from '../soak/dice.js';
import { keptLog } from './fixture.js';
import { heldTime } from './held-time.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;
const ADDRESS = 'a@gmail.com';
/** More than anybody asks for at once. */
const BACKLOG = 1_000;
/** What a message takes, in milliseconds: 40 on average. */
const [QUICKEST_MS, SLOWEST_MS] = [20, 60];

/** What a relay answers to a message now: true where it takes it, false where it throttles. */
export type Takes = () => boolean;

/** A relay that takes exactly so many a second, and after a rest so many at once. */
export function bucket(perSecond: number, burst: number): Takes {
  let [tokens, at] = [burst, performance.now()];
  return () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - at) * perSecond) / 1000);
    at = now;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}

export interface Played {
  /** What the relay took. */
  readonly perSecond: number;
  /** Of its answers, those that throttled. */
  readonly share: number;
  /** What it took of each worker, a second. */
  readonly by: readonly number[];
  /** How often all workers asked for slots, a second. */
  readonly asks: number;
}

/** Workers of one relay, each with a connection to Redis: the real pacers and scripts. */
export interface World {
  /** One that has always somebody to send to, over so many connections. */
  worker(connections: number): Promise<void>;
  /** From now on the relay answers so. */
  relay(takes: Takes): void;
  /** Lets so many seconds pass, and says what happened in them. */
  play(seconds: number): Promise<Played>;
  clear(): Promise<void>;
}

export async function throttlingWorld(seed: string): Promise<World> {
  const time = await heldTime();
  const dice = createDice(seed);
  const leaves: (() => void)[] = [];
  let takes: Takes = () => true;
  let [throttled, over] = [0, false];
  const by: number[] = [];

  return {
    async worker(connections) {
      const me = by.push(0) - 1;
      const pace = new RelayPace(RELAY, time.store(), keptLog(), {});
      const pacer = new Pacer('c', UNLIMITED, pace, new Leases(pace, `${me}`, () => {}));
      let free = connections;
      const answered = (key: string | null) => {
        const took = takes();
        if (took) by[me] = (by[me] ?? 0) + 1;
        else throttled++;
        pacer.answered(ADDRESS, !took);
        if (key !== null) pacer.done(key);
        free++;
        begin();
      };
      const begin = () => {
        while (free > 0 && !over) {
          const key = pacer.keyOf(ADDRESS);
          if (key !== null && !pacer.take(key)) return;
          free--;
          setTimeout(answered, dice.int(QUICKEST_MS, SLOWEST_MS), key);
        }
      };
      const wants: Waiter['wants'] = () => {
        const key = pacer.keyOf(ADDRESS);
        return new Map(key === null ? [] : [[key, BACKLOG]]);
      };
      leaves.push(await pacer.join({ wants, changed: begin }));
      begin();
    },
    relay(how) {
      takes = how;
    },
    async play(seconds) {
      const { asked } = time;
      by.fill(0);
      throttled = 0;
      await time.pass(seconds * 1000);
      const taken = by.reduce((sum, one) => sum + one, 0);
      const share = throttled / Math.max(1, taken + throttled);
      const asks = (time.asked - asked) / seconds;
      return { perSecond: taken / seconds, share, by: by.map((one) => one / seconds), asks };
    },
    async clear() {
      over = true;
      for (const leave of leaves) leave();
      await time.clear();
    },
  };
}
