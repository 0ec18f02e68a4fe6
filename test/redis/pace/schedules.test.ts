import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaceStore } from '../../../src/pipeline/pace-ports.js';
import { createPaceStore } from '../../../src/redis/pace/store.js';
import { CLOCK_MISSING, type HeldClock, heldClock } from '../../support/clock.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;
const START = Date.UTC(2026, 11, 1, 9);
const HORIZON_MS = 500;
/** Slots are said in whole microseconds. */
const ROUNDED_MS = 0.002;
const WORKERS = 5;

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('slots, by a clock that stands still but for us', () => {
  let clock: HeldClock;
  let server: TestRedis;
  let redis: Redis;
  let workers: readonly PaceStore[];
  beforeAll(async () => {
    clock = heldClock(START);
    server = await freshRedis({ clock });
    redis = server.client();
    workers = Array.from({ length: WORKERS }, () => createPaceStore(server.client()));
  });
  afterAll(async () => {
    await server.stop();
    clock.remove();
  });
  beforeEach(() => redis.flushall());

  const worker = (n: number) => workers[n % WORKERS] ?? createPaceStore(redis);

  it('of many workers that ask at any time are never closer than the interval of any limit, nor too far ahead', async () => {
    const rate = fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.double({ min: 0.2, max: 50, noNaN: true }));
    const groups = ['', 'x.test', 'y.test'] as const;
    const wanted = fc.record({ group: fc.constantFrom(...groups), wanted: fc.integer({ min: 1, max: 60 }) });
    const call = fc.record({
      by: fc.nat(WORKERS - 1),
      campaign: fc.constantFrom('a' as const, 'b' as const),
      asks: fc.uniqueArray(wanted, { selector: ({ group }) => group, minLength: 1 }),
      // Together, a moment later, and after a long rest, after which there must be no burst.
      afterMs: fc.oneof(
        fc.constant(0),
        fc.double({ min: 0, max: 30, noNaN: true }),
        fc.integer({ min: 400, max: 90_000 }),
      ),
    });
    const limits = fc.record({
      ...{ relay: fc.option(rate), a: fc.option(rate), b: fc.option(rate), 'x.test': fc.option(rate), 'y.test': rate },
    });
    await fc.assert(
      fc.asyncProperty(limits, fc.array(call, { minLength: 1, maxLength: 30 }), async (limit, calls) => {
        await redis.flushall();
        clock.stop(START);
        await worker(0).limitRelay(RELAY, limit.relay);
        const seen = { relay: [], a: [], b: [], '': [], 'x.test': [], 'y.test': [] } as Record<string, number[]>;
        for (const { by, campaign, asks, afterMs } of calls) {
          clock.advance(afterMs);
          const named = asks.map((one) => ({ ...one, perSecond: one.group === '' ? null : limit[one.group] }));
          const grants = await worker(by).reserve(RELAY, campaign, limit[campaign], named);
          grants.forEach(({ slots }, i) => {
            expect(slots.length).toBeLessThanOrEqual(named[i]?.wanted ?? 0);
            expect(Math.min(0, ...slots)).toBe(0);
            expect(Math.max(0, ...slots)).toBeLessThanOrEqual(HORIZON_MS);
            const times = slots.map((slot) => clock.now() - START + slot);
            for (const bucket of ['relay', campaign, named[i]?.group ?? '']) seen[bucket]?.push(...times);
          });
        }
        for (const [bucket, perSecond] of Object.entries(limit)) {
          if (perSecond === null) continue;
          const times = (seen[bucket] ?? []).sort((m, n) => m - n);
          const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
          expect(Math.min(Number.POSITIVE_INFINITY, ...gaps), bucket).toBeGreaterThanOrEqual(
            1000 / perSecond - ROUNDED_MS,
          );
        }
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  /** Workers that want as many as they can get, each asking again when it is told to, for so long. Returns when the slots are. */
  async function greedy(forMs: number, ask: (by: number) => ReturnType<PaceStore['reserve']>): Promise<number[][]> {
    clock.stop(START);
    const next = Array.from({ length: WORKERS }, (_, n) => n * 0.3);
    const times: number[][] = [];
    for (;;) {
      const at = Math.min(...next);
      if (at >= forMs) return times.map((some) => some.filter((time) => time < forMs));
      const by = next.indexOf(at);
      clock.stop(START + at);
      const grants = await ask(by);
      grants.forEach(({ slots }, i) => {
        times[i] = [...(times[i] ?? []), ...slots.map((slot) => at + slot)];
      });
      next[by] = at + Math.max(1, Math.min(...grants.map(({ waitMs }) => waitMs)));
    }
  }

  it.each([0.5, 7, 100, 333, 1_000])(
    'are all given to those who keep asking, no more and no less: %d/s',
    async (perSecond) => {
      // A thousand slots, or as many as there are in 40 s.
      const forMs = Math.min(40_000, 1_000_000 / perSecond);
      const [times = []] = await greedy(forMs, (by) =>
        worker(by).reserve(RELAY, 'c', null, [{ group: 'x.test', wanted: 50, perSecond }]),
      );
      // The first one is at once.
      expect(times.length).toBeGreaterThanOrEqual(Math.floor((forMs * perSecond) / 1000));
      expect(times.length).toBeLessThanOrEqual(Math.ceil((forMs * perSecond) / 1000) + 1);
    },
    60_000,
  );

  it('of a slow group in a fast campaign are nearly all given, and the others get what is left', async () => {
    const forMs = 6_000;
    const [slow = [], others = []] = await greedy(forMs, (by) =>
      worker(by).reserve(RELAY, 'c', 150, [
        { group: 'x.test', wanted: 20, perSecond: 30 },
        { group: '', wanted: 100, perSecond: null },
      ]),
    );
    console.info(`of 30/s ${slow.length / 6}/s were given, of 150/s in all ${(slow.length + others.length) / 6}/s`);
    expect(slow.length).toBeGreaterThan(30 * 6 * 0.9);
    expect(slow.length).toBeLessThanOrEqual(30 * 6 + 1);
    expect(slow.length + others.length).toBeGreaterThan(150 * 6 * 0.95);
    expect(slow.length + others.length).toBeLessThanOrEqual(150 * 6 + 1);
  }, 120_000);
});
