import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaceAsk, PaceStore } from '../../../src/pipeline/pace-ports.js';
import { createPaceStore } from '../../../src/redis/pace/store.js';
import { CLOCK_MISSING, type HeldClock, heldClock } from '../../support/clock.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('slots, by a clock that stands still but for us', () => {
  let clock: HeldClock;
  let server: TestRedis;
  let redis: Redis;
  let store: PaceStore;
  beforeAll(async () => {
    clock = heldClock(Date.UTC(2026, 11, 1, 9));
    server = await freshRedis({ clock });
    redis = server.client();
    store = createPaceStore(redis);
  });
  afterAll(async () => {
    await server.stop();
    clock.remove();
  });
  beforeEach(() => redis.flushall());

  const ask = (group: string, wanted: number, perSecond: number | null = null): PaceAsk => ({
    group,
    wanted,
    perSecond,
  });
  const reserve = async (perSecond: number | null, ...asks: PaceAsk[]) =>
    (await store.reserve(RELAY, 'c', perSecond, asks))[0];
  const every = (ms: number, count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n * ms);

  it('a slow group takes nothing from others: what waits long for one limit is not reserved in another', async () => {
    await store.limitRelay(RELAY, 1_000);
    expect((await reserve(null, ask('x.test', 1, 5)))?.slots).toEqual([0]);
    // Its next slot is a fifth of a second away, and lies within what is given ahead.
    expect(await reserve(null, ask('x.test', 1, 5))).toEqual({ slots: [], waitMs: 199.5, intervalMs: 200 });
    expect((await reserve(null, ask('', 100)))?.slots).toEqual(every(1, 100, 1));
    // Who asks again when told to finds that it has come, behind the others'.
    clock.advance(199.5);
    expect((await reserve(null, ask('x.test', 1, 5)))?.slots).toEqual([0.5]);
  });

  it('a fast limit that is taken far ahead keeps no slow group from its slots', async () => {
    expect((await reserve(100, ask('', 200)))?.slots).toEqual(every(10, 51));
    expect(await reserve(100, ask('x.test', 1, 20))).toMatchObject({ slots: [], waitMs: 10 });
    clock.advance(10);
    expect((await reserve(100, ask('x.test', 1, 20)))?.slots).toEqual([500]);
  });

  it('lie no further ahead than half a second, and what waits is told when to ask again', async () => {
    expect(await reserve(10, ask('', 50))).toEqual({ slots: every(100, 6), waitMs: 100, intervalMs: 100 });
    clock.advance(99.999);
    expect(await reserve(10, ask('', 50))).toMatchObject({ slots: [], waitMs: 0.001 });
    clock.advance(0.001);
    expect(await reserve(10, ask('', 50))).toMatchObject({ slots: [500], waitMs: 100 });
  });

  it('are no burst after a rest, however long', async () => {
    for (const restMs of [0, 3_000, 86_400_000]) {
      clock.advance(restMs);
      expect((await reserve(100, ask('', 3)))?.slots).toEqual(every(10, 3));
      clock.advance(30);
    }
  });

  it('without any limit are all for now', async () => {
    expect(await reserve(null, ask('x.test', 7))).toEqual({ slots: Array(7).fill(0), waitMs: 0, intervalMs: 0 });
  });

  it('leave nothing behind that does not expire', async () => {
    await store.limitRelay(RELAY, 500);
    await reserve(100, ask('x.test', 5, 20), ask('', 5));
    await store.throttled(RELAY, { group: 'x.test', acceptedPerSecond: 20, share: 0.5, answers: 9, known: false });
    await store.lease(RELAY, 'x.test', 'me', 3, 5);
    expect(await redis.keys('*')).toHaveLength(7);
    clock.advance(601_000);
    expect(await redis.keys('*')).toHaveLength(1);
    clock.advance(90 * 86_400_000);
    expect(await redis.keys('*')).toEqual([]);
  });
});
