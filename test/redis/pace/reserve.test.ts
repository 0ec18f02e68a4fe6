import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaceAsk } from '../../../src/pipeline/pace-ports.js';
import { createPaceStore } from '../../../src/redis/pace/store.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

const ask = (group: string, wanted: number, perSecond: number | null = null): PaceAsk => ({ group, wanted, perSecond });

describe('slots', () => {
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
