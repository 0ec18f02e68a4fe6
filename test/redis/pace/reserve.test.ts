import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaceAsk } from '../../../src/pipeline/pace-ports.js';
import { paceKeys } from '../../../src/redis/keys.js';
import { createPaceStore } from '../../../src/redis/pace/store.js';
import { relayId } from '../../../src/redis/relay-id.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;
const KEYS = paceKeys(relayId(RELAY));
/** Slots are said in whole microseconds. */
const ROUNDED = 2;

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

/** When the slots of a call are, in microseconds of Redis: the bucket remembers the last one. */
async function slotsOf(key: string, slots: readonly number[]): Promise<number[]> {
  const last = Number(await redis.hget(key, 'last'));
  const final = slots.at(-1) ?? 0;
  return slots.map((slot) => last + (slot - final) * 1000);
}

function closest(slots: readonly number[]): number {
  const sorted = [...slots].sort((a, b) => a - b);
  return Math.min(...sorted.slice(1).map((slot, i) => slot - (sorted[i] ?? 0)));
}

const ask = (group: string, wanted: number, perSecond: number | null = null): PaceAsk => ({ group, wanted, perSecond });

describe('slots', () => {
  it('of many workers that ask at random are never closer than the interval of any limit', async () => {
    const rate = fc.integer({ min: 5, max: 2_000 });
    const call = fc.record({
      worker: fc.nat(4),
      campaign: fc.constantFrom('a', 'b'),
      asks: fc.uniqueArray(
        fc.record({ group: fc.constantFrom('', 'x.test', 'y.test'), wanted: fc.integer({ min: 1, max: 60 }) }),
        {
          selector: ({ group }) => group,
          minLength: 1,
        },
      ),
      pauseMs: fc.constantFrom(0, 0, 0, 1, 4, 20),
    });
    const limits = fc.record({
      relay: fc.option(rate),
      a: fc.option(rate),
      b: fc.option(rate),
      'x.test': fc.option(rate),
      'y.test': rate,
    });
    const workers = Array.from({ length: 5 }, () => createPaceStore(server.client()));
    await fc.assert(
      fc.asyncProperty(limits, fc.array(call, { minLength: 1, maxLength: 25 }), async (limit, calls) => {
        await redis.flushall();
        const [first] = workers;
        await first?.limitRelay(RELAY, limit.relay);
        const seen = new Map<string, number[]>();
        for (const { worker, campaign, asks, pauseMs } of calls) {
          const store = workers[worker] ?? createPaceStore(redis);
          const own = { '': null, 'x.test': limit['x.test'], 'y.test': limit['y.test'] };
          const named = asks.map(({ group, wanted }) => ask(group, wanted, own[group as keyof typeof own]));
          const grants = await store.reserve(RELAY, campaign, limit[campaign as 'a' | 'b'], named);
          const of = (key: string, slots: readonly number[]) =>
            slotsOf(
              key,
              [...slots].sort((m, n) => m - n),
            ).then((times) => seen.set(key, [...(seen.get(key) ?? []), ...times]));
          const all = grants.flatMap(({ slots }) => slots);
          if (limit.relay !== null && all.length > 0) await of(KEYS.relay, all);
          if (limit[campaign as 'a' | 'b'] !== null && all.length > 0) await of(KEYS.campaign(campaign), all);
          for (const [i, { group, perSecond }] of named.entries()) {
            const { slots } = grants[i] ?? { slots: [] };
            expect(slots.length).toBeLessThanOrEqual(named[i]?.wanted ?? 0);
            if (perSecond !== null && slots.length > 0) await of(KEYS.domain(group), slots);
          }
          if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        const rates = new Map([
          [KEYS.relay, limit.relay],
          [KEYS.campaign('a'), limit.a],
          [KEYS.campaign('b'), limit.b],
          [KEYS.domain('x.test'), limit['x.test']],
          [KEYS.domain('y.test'), limit['y.test']],
        ]);
        for (const [key, slots] of seen) {
          if (slots.length > 1)
            expect(closest(slots), key).toBeGreaterThanOrEqual(1_000_000 / (rates.get(key) ?? 1) - ROUNDED);
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('are all given to those who keep asking: the limit is reached', async () => {
    const workers = Array.from({ length: 4 }, () => createPaceStore(server.client()));
    const from = performance.now();
    let given = 0;
    const work = async (store: ReturnType<typeof createPaceStore>) => {
      while (performance.now() - from < 2_000) {
        const [grant] = await store.reserve(RELAY, 'c', null, [ask('x.test', 30, 100)]);
        given += grant?.slots.length ?? 0;
        await new Promise((resolve) => setTimeout(resolve, grant?.waitMs ?? 1));
      }
    };
    await Promise.all(workers.map(work));
    const seconds = (performance.now() - from) / 1_000;
    // Beside the time that passed, slots are given for half a second ahead.
    expect(given).toBeGreaterThanOrEqual(Math.floor(100 * 2 * 0.97));
    expect(given).toBeLessThanOrEqual(Math.ceil(100 * (seconds + 0.5)) + 1);
  });

  it('a slow group takes nothing from others: what waits long for one limit is not reserved in another', async () => {
    const store = createPaceStore(redis);
    await store.limitRelay(RELAY, 1_000);
    await store.reserve(RELAY, 'c', null, [ask('x.test', 1, 5)]);
    // Its next slot is a fifth of a second away, and would lie within what is given ahead.
    const [slow] = await store.reserve(RELAY, 'c', null, [ask('x.test', 1, 5)]);
    expect(slow?.slots).toEqual([]);
    expect(slow?.waitMs).toBeGreaterThan(100);
    const [others] = await store.reserve(RELAY, 'c', null, [ask('', 100)]);
    expect(others?.slots).toHaveLength(100);
    expect(others?.slots.at(-1)).toBeLessThan(110);
  });

  it('a fast limit that is taken far ahead keeps no slow group from its slots', async () => {
    const store = createPaceStore(redis);
    await store.reserve(RELAY, 'c', 100, [ask('', 200)]);
    const [slow] = await store.reserve(RELAY, 'c', 100, [ask('x.test', 1, 20)]);
    const waited = slow?.slots.length === 1 ? 0 : (slow?.waitMs ?? Number.POSITIVE_INFINITY);
    expect(waited).toBeLessThanOrEqual(51);
  });

  it('lie no further ahead than half a second, and what waits is told when to ask again', async () => {
    const [grant] = await createPaceStore(redis).reserve(RELAY, 'c', 10, [ask('', 50)]);
    expect(grant?.slots).toHaveLength(6);
    expect(Math.max(...(grant?.slots ?? []))).toBeLessThanOrEqual(500);
    expect(grant?.waitMs).toBeGreaterThan(0);
    expect(grant?.waitMs).toBeLessThanOrEqual(100);
    expect(grant?.intervalMs).toBeCloseTo(100);
  });

  it('without any limit are all for now', async () => {
    const [grant] = await createPaceStore(redis).reserve(RELAY, 'c', null, [ask('x.test', 7)]);
    expect(grant).toEqual({ slots: Array(7).fill(0), waitMs: 0, intervalMs: 0 });
  });

  it('leave nothing behind that does not expire', async () => {
    const store = createPaceStore(redis);
    await store.limitRelay(RELAY, 500);
    await store.reserve(RELAY, 'c', 100, [ask('x.test', 5, 20), ask('', 5)]);
    await store.throttled(RELAY, { group: 'x.test', acceptedPerSecond: 20, share: 0.5, answers: 9, known: false });
    await store.lease(RELAY, 'x.test', 'me', 3, 5);
    const keys = await redis.keys('*');
    expect(keys).toHaveLength(6);
    for (const key of keys) expect(await redis.pttl(key), key).toBeGreaterThan(0);
  });
});
