import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { sumOf } from '../faults/field.js';

const EVERY_MS = 150;

/** Looks at the counters of campaigns again and again while they run. */
export interface Watch {
  readonly looks: number;
  /** The first time that they did not add up. */
  readonly found: readonly string[];
  stop(): Promise<void>;
}

/** `totals`: how many each campaign has, by its id. Counters are there, and add up, from the seal on. */
export function watchCounters(client: Redis, totals: ReadonlyMap<string, number>): Watch {
  const found: string[] = [];
  let looks = 0;
  let stopped = false;

  async function look(id: string, total: number): Promise<void> {
    const answers = await client
      .multi()
      .hget(`fanmail:{${id}}:campaign`, 'phase')
      .hgetall(`fanmail:{${id}}:counters`)
      .exec();
    const [phase, counters] = (answers ?? []).map(([, answer]) => answer);
    if (typeof phase !== 'string' || phase === 'staging') return;
    looks++;
    const states = counters as Record<string, string>;
    if (sumOf(states) !== total && found.length === 0)
      found.push(`the counters of ${id} add up to ${sumOf(states)} of ${total}: ${JSON.stringify(states)}`);
  }

  async function run(): Promise<void> {
    while (!stopped) {
      // A Redis that is killed or full meanwhile is the round's own doing.
      for (const [id, total] of totals) await look(id, total).catch(() => undefined);
      await wait(EVERY_MS);
    }
  }
  const running = run();
  return {
    get looks() {
      return looks;
    },
    found,
    stop() {
      stopped = true;
      return running;
    },
  };
}
