import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { PaceStore } from '../../../src/pipeline/pace-ports.js';
import { paceKeys } from '../../../src/redis/keys.js';
import { createPaceStore } from '../../../src/redis/pace/store.js';
import { relayId } from '../../../src/redis/relay-id.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;
const KEYS = paceKeys(relayId(RELAY));
const GMAIL = 'gmail.com';

let server: TestRedis;
let redis: Redis;
let store: PaceStore;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
  store = createPaceStore(redis);
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

const throttled = (acceptedPerSecond: number, share: number, known = true, answers = 5) =>
  store.throttled(RELAY, { group: GMAIL, acceptedPerSecond, share, answers, known });
const rate = async () => (await store.state(RELAY)).slow.find(({ group }) => group === GMAIL)?.perSecond ?? null;

/** As if so many seconds had passed. */
async function later(seconds: number): Promise<void> {
  for (const field of ['at', 'cutAt', 'firstAt', 'calmUntil'])
    if (await redis.hexists(KEYS.domain(GMAIL), field))
      await redis.hincrbyfloat(KEYS.domain(GMAIL), field, -Math.round(seconds * 1_000_000));
}

it('the first to be throttled says what the relay took; those who did not know yet add theirs', async () => {
  await throttled(60, 0.5, false);
  await throttled(40, 0.5, false);
  expect(await rate()).toBeCloseTo(100, 0);
  expect([...(await store.limits(RELAY)).slow.keys()]).toEqual([GMAIL]);
});

it('a cut is by the share that was throttled, by half at most, once a second, and not for less than 5%', async () => {
  await throttled(100, 0.5, false);
  await later(2);
  const before = (await rate()) ?? 0;
  await throttled(0, 0.2);
  expect(await rate()).toBeCloseTo(before * 0.8, 0);
  await throttled(0, 0.9);
  expect(await rate()).toBeCloseTo(before * 0.8, 0);
  await later(1);
  const then = (await rate()) ?? 0;
  await throttled(0, 1);
  expect(await rate()).toBeCloseTo(then / 2, 0);
  await later(1);
  const last = (await rate()) ?? 0;
  await throttled(0, 0.05);
  expect(await rate()).toBeCloseTo(last, 0);
  await throttled(0, 0.06);
  expect(await rate()).toBeCloseTo(last * 0.94, 0);
});

it('it grows back by the same step each second, a hundredth of what it was cut to', async () => {
  await throttled(200, 0.5, false);
  await later(3);
  await throttled(0, 0.5);
  const cut = (await rate()) ?? 0;
  await later(10);
  expect(await rate()).toBeCloseTo(cut * 1.1, 0);
  await later(10);
  expect(await rate()).toBeCloseTo(cut * 1.2, 0);
});

it('two cuts that did not help are taken back, and for a while none is made: it is not the pace', async () => {
  await throttled(100, 0.2, false);
  await later(2);
  const before = (await rate()) ?? 0;
  await throttled(0, 0.2, true, 50);
  await later(1);
  await throttled(0, 0.2, true, 50);
  // Once may be chance.
  expect(await rate()).toBeLessThan(before * 0.7);
  await later(1);
  await throttled(0, 0.2, true, 50);
  expect(await rate()).toBeCloseTo(before, 0);
  await later(10);
  await throttled(0, 0.2, true, 50);
  expect(await rate()).toBeGreaterThanOrEqual(before);
  await later(11);
  const then = (await rate()) ?? 0;
  await throttled(0, 0.2, true, 50);
  expect(await rate()).toBeCloseTo(then * 0.8, 0);
});

it('a share that is what the limit makes of the rate by now is not in vain', async () => {
  await throttled(100, 0.5, false);
  await later(2);
  await throttled(0, 0.06, true, 100);
  await later(6);
  const grownBack = (await rate()) ?? 0;
  await throttled(0, 0.08, true, 100);
  expect(await rate()).toBeCloseTo(grownBack * 0.92, 0);
});

it('a relay whose limit fell is followed down, since each cut lowers the share as it should', async () => {
  const allowed = 10;
  await throttled(200, 0.5, false);
  for (let n = 0; n < 12; n++) {
    await later(1);
    const now = (await rate()) ?? 0;
    await throttled(0, Math.max(0, 1 - allowed / now), true, 50);
  }
  expect(await rate()).toBeLessThan(allowed * 1.1);
  expect(await rate()).toBeGreaterThan(allowed * 0.9);
});

it('it never falls to nothing, and what was not throttled for ten minutes is as any other', async () => {
  await throttled(0, 1, false);
  for (let n = 0; n < 20; n++) {
    await later(1);
    await throttled(0, 1);
  }
  expect(await rate()).toBeGreaterThanOrEqual(0.1);
  expect(await redis.pttl(KEYS.domain(GMAIL))).toBeGreaterThan(590_000);
  expect(await redis.pttl(KEYS.domain(GMAIL))).toBeLessThanOrEqual(600_000);
  await redis.del(KEYS.domain(GMAIL));
  expect((await store.limits(RELAY)).slow.size).toBe(0);
  expect(await redis.zcard(KEYS.slow)).toBe(0);
});

it('slots of a group that was throttled keep its rate, and the narrower of both where the operator has one, too', async () => {
  await throttled(50, 0.5, false);
  const intervalOf = async (perSecond: number | null) =>
    (await store.reserve(RELAY, 'c', null, [{ group: GMAIL, wanted: 1, perSecond }]))[0]?.intervalMs ?? 0;
  expect(await intervalOf(null)).toBeCloseTo(20, 0);
  expect(await intervalOf(200)).toBeCloseTo(20, 0);
  expect(await intervalOf(10)).toBeCloseTo(100, 0);
});

it('of any number of domains a thousand are remembered', async () => {
  for (let n = 0; n < 1_100; n++)
    await store.throttled(RELAY, { group: `d${n}.test`, acceptedPerSecond: 1, share: 1, answers: 1, known: false });
  const { slow } = await store.limits(RELAY);
  expect(slow.size).toBe(1_000);
  expect(slow.has('d1099.test')).toBe(true);
});

it('connections are never more than allowed, and nobody waits for ever behind one that has all', async () => {
  const [a, b, c] = ['a', 'b', 'c'];
  const lease = (owner: string, wanted: number) => store.lease(RELAY, GMAIL, owner, wanted, 6);
  expect(await lease(a, 10)).toBe(6);
  expect(await lease(b, 10)).toBe(0);
  // The next time that it asks it keeps its part only.
  expect(await lease(a, 10)).toBe(3);
  expect(await lease(b, 10)).toBe(3);
  expect(await lease(c, 1)).toBe(0);
  expect(await lease(a, 10)).toBe(2);
  expect(await lease(c, 1)).toBe(1);
  expect(await lease(a, 0)).toBe(0);
  expect(await lease(b, 5)).toBe(5);
});

it('connections of a process that died are free when their lease is over', async () => {
  await store.lease(RELAY, GMAIL, 'dead', 6, 6);
  const field = (await redis.hget(KEYS.leases(GMAIL), 'dead')) ?? '';
  await redis.hset(KEYS.leases(GMAIL), 'dead', field.replace(/\d+$/, '1'));
  expect(await store.lease(RELAY, GMAIL, 'b', 6, 6)).toBe(6);
});
