import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Breaker } from '../../src/pipeline/breaker-ports.js';
import { createBreaker } from '../../src/redis/breaker/store.js';
import { relayKey } from '../../src/redis/keys.js';
import { relayId } from '../../src/redis/relay-id.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;
const KEY = relayKey(relayId(RELAY));
const FAULT = { cause: 'unreachable', why: 'ECONNREFUSED', misconfigured: false } as const;

let server: TestRedis;
let redis: Redis;
let breaker: Breaker;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
  breaker = createBreaker(redis);
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

/** As if the wait, or the probe, were over. */
const over = (field: 'until' | 'probeUntil') => redis.hset(KEY, field, 1);

it('is closed until a fault, and then open for twice as long each time, a minute at most', async () => {
  expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'closed' });
  const waits: number[] = [];
  for (let n = 0; n < 8; n++) {
    waits.push(await breaker.fault(RELAY, FAULT));
    await over('until');
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

it('counts what fails while it is open as the same failure', async () => {
  await breaker.fault(RELAY, FAULT);
  expect(await breaker.fault(RELAY, FAULT)).toBeLessThanOrEqual(1_000);
  expect(await breaker.state(RELAY)).toMatchObject({ failures: 1, cause: 'unreachable', why: 'ECONNREFUSED' });
});

it('half open lets one of many probe, and closes for all when that succeeds', async () => {
  await breaker.fault(RELAY, FAULT);
  await over('until');
  const asked = await Promise.all(
    Array.from({ length: 20 }, (_, n) => createBreaker(server.client()).ask(RELAY, `w${n}`)),
  );
  expect(asked.filter(({ kind }) => kind === 'probe')).toHaveLength(1);
  expect(asked.filter(({ kind }) => kind === 'open')).toHaveLength(19);
  await breaker.clear(RELAY);
  expect(await breaker.ask(RELAY, 'w0')).toEqual({ kind: 'closed' });
});

it('opens again where the probe fails, and still says since when', async () => {
  await breaker.fault(RELAY, FAULT);
  const since = (await breaker.state(RELAY))?.since;
  await over('until');
  expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'probe' });
  expect(await breaker.fault(RELAY, { ...FAULT, why: 'ETIMEDOUT' })).toBe(2_000);
  expect((await breaker.ask(RELAY, 'a')).kind).toBe('open');
  expect(await breaker.state(RELAY)).toMatchObject({ since, failures: 2, why: 'ETIMEDOUT' });
  // The one who failed is not waited for.
  await over('until');
  expect(await breaker.ask(RELAY, 'b')).toEqual({ kind: 'probe' });
});

it('a probe that came to nothing, and one of somebody who died, go to the next', async () => {
  await breaker.fault(RELAY, FAULT);
  await over('until');
  expect((await breaker.ask(RELAY, 'a')).kind).toBe('probe');
  await breaker.release(RELAY, 'somebody else');
  expect((await breaker.ask(RELAY, 'b')).kind).toBe('open');
  await breaker.release(RELAY, 'a');
  expect((await breaker.ask(RELAY, 'b')).kind).toBe('probe');
  await over('probeUntil');
  expect((await breaker.ask(RELAY, 'c')).kind).toBe('probe');
});

it('is forgotten where nobody asks for an hour', async () => {
  await breaker.fault(RELAY, FAULT);
  expect(await redis.pttl(KEY)).toBeGreaterThan(3_590_000);
  expect(await redis.pttl(KEY)).toBeLessThanOrEqual(3_600_000);
});
