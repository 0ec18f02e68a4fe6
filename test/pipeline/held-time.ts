import { syncBuiltinESMExports } from 'node:module';
import timers, { setImmediate as turn } from 'node:timers/promises';
import { vi } from 'vitest';
import type { PaceStore } from '../../src/pipeline/pace-ports.js';
import { createPaceStore } from '../../src/redis/pace/store.js';
import { heldClock } from '../support/clock.js';
import { freshRedis } from '../support/redis.js';

const START = Date.UTC(2026, 11, 1, 9);
const TIMERS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] as const;

/** Timers, `performance` and a Redis of one clock, which stands still while anybody has something to do: minutes take seconds. */
export interface HeldTime {
  /** The pace in Redis, over a connection of its own. */
  store(): PaceStore;
  /** How often the stores were asked for slots. */
  readonly asked: number;
  pass(ms: number): Promise<void>;
  clear(): Promise<void>;
}

export async function heldTime(): Promise<HeldTime> {
  const clock = heldClock(START);
  const server = await freshRedis({ clock });
  let [underway, asked] = [0, 0];
  vi.useFakeTimers({ toFake: [...TIMERS], now: 0 });
  // Vitest leaves those alone that are promises.
  const promised = vi
    .spyOn(timers, 'setTimeout')
    .mockImplementation((ms, value) => new Promise((resolve) => setTimeout(() => resolve(value as never), ms)));
  syncBuiltinESMExports();

  function timed<A extends unknown[], T>(call: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return (...args) => {
      underway++;
      clock.stop(START + performance.now());
      return call(...args).finally(() => underway--);
    };
  }

  /** Nobody waits for anything but the time. */
  async function settled(): Promise<void> {
    do await turn();
    while (underway > 0);
  }

  return {
    store() {
      const { reserve, limits, throttled, lease, limitRelay, state } = createPaceStore(server.client());
      const ask: PaceStore['reserve'] = (...args) => {
        asked++;
        return reserve(...args);
      };
      const told = { throttled: timed(throttled), lease: timed(lease), limitRelay: timed(limitRelay) };
      return { ...told, reserve: timed(ask), limits: timed(limits), state: timed(state) };
    },
    get asked() {
      return asked;
    },
    async pass(ms) {
      let over = false;
      setTimeout(() => {
        over = true;
      }, ms);
      await settled();
      while (!over) {
        vi.advanceTimersToNextTimer();
        await settled();
      }
    },
    async clear() {
      vi.useRealTimers();
      promised.mockRestore();
      syncBuiltinESMExports();
      await server.stop();
      clock.remove();
    },
  };
}
