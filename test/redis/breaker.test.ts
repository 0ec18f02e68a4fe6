import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Breaker } from '../../src/pipeline/breaker-ports.js';
import { createBreaker } from '../../src/redis/breaker/store.js';
import { CLOCK_MISSING, type HeldClock, heldClock } from '../support/clock.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;
const FAULT = { cause: 'unreachable', why: 'ECONNREFUSED', misconfigured: false } as const;
const START = Date.UTC(2026, 11, 1, 9);
const PROBE_MS = 30_000;
const HOUR = 3_600_000;

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('the breaker, by a clock that stands still but for us', () => {
  let clock: HeldClock;
  let server: TestRedis;
  let redis: Redis;
  let breaker: Breaker;
  beforeAll(async () => {
    clock = heldClock(START);
    server = await freshRedis({ clock });
    redis = server.client();
    breaker = createBreaker(redis);
  });
  afterAll(async () => {
    await server.stop();
    clock.remove();
  });
  beforeEach(async () => {
    await redis.flushall();
    clock.stop(START);
  });

  const fault = (why: string = FAULT.why) => breaker.fault(RELAY, { ...FAULT, why });

  it('is closed until a fault, and then open for twice as long each time, a minute at most', async () => {
    expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'closed' });
    for (const waitMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      expect(await fault()).toBe(waitMs);
      expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'open', waitMs });
      clock.advance(waitMs - 1);
      expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'open', waitMs: 1 });
      clock.advance(1);
      expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'probe' });
    }
  });

  it('counts what fails while it is open as the same failure', async () => {
    await fault();
    clock.advance(400);
    expect(await fault('ETIMEDOUT')).toBe(600);
    const state = { since: START, until: START + 1_000, failures: 1, cause: 'unreachable', why: 'ECONNREFUSED' };
    expect(await breaker.state(RELAY)).toEqual(state);
  });

  it('half open lets one of many probe, and closes for all when that succeeds', async () => {
    await fault();
    clock.advance(1_000);
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, n) => createBreaker(server.client()).ask(RELAY, `w${n}`)),
    );
    expect(asked.filter(({ kind }) => kind === 'probe')).toHaveLength(1);
    expect(asked.filter(({ kind }) => kind === 'open')).toHaveLength(19);
    await breaker.clear(RELAY);
    expect(await breaker.ask(RELAY, 'w0')).toEqual({ kind: 'closed' });
    // Anew, and not for twice as long.
    expect(await fault()).toBe(1_000);
  });

  it('opens again where the probe fails, and still says since when', async () => {
    await fault();
    clock.advance(1_000);
    expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'probe' });
    clock.advance(700);
    expect(await fault('ETIMEDOUT')).toBe(2_000);
    expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'open', waitMs: 2_000 });
    const times = { since: START, until: START + 3_700 };
    expect(await breaker.state(RELAY)).toMatchObject({ ...times, failures: 2, why: 'ETIMEDOUT' });
    // The one who failed is not waited for.
    clock.advance(2_000);
    expect(await breaker.ask(RELAY, 'b')).toEqual({ kind: 'probe' });
  });

  it('gives a probe that came to nothing to the next, and to nobody else’s word', async () => {
    await fault();
    clock.advance(1_000);
    expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'probe' });
    await breaker.release(RELAY, 'somebody else');
    expect(await breaker.ask(RELAY, 'b')).toEqual({ kind: 'open', waitMs: 1_000 });
    await breaker.release(RELAY, 'a');
    expect(await breaker.ask(RELAY, 'b')).toEqual({ kind: 'probe' });
  });

  it('gives a probe whose owner died to another after 30 s, and not a millisecond before', async () => {
    await fault();
    clock.advance(1_000);
    expect(await breaker.ask(RELAY, 'dead')).toEqual({ kind: 'probe' });
    clock.advance(PROBE_MS - 1);
    expect(await breaker.ask(RELAY, 'b')).toEqual({ kind: 'open', waitMs: 1 });
    clock.advance(1);
    expect(await breaker.ask(RELAY, 'b')).toEqual({ kind: 'probe' });
    expect(await breaker.ask(RELAY, 'c')).toEqual({ kind: 'open', waitMs: 1_000 });
    // Who asks again while it probes has as long as from the beginning.
    clock.advance(PROBE_MS - 1);
    expect(await breaker.ask(RELAY, 'b')).toEqual({ kind: 'probe' });
    clock.advance(1);
    expect(await breaker.ask(RELAY, 'c')).toEqual({ kind: 'open', waitMs: 1_000 });
  });

  it('is forgotten an hour after the last fault', async () => {
    await fault();
    clock.advance(HOUR - 1);
    await fault();
    clock.advance(HOUR - 1);
    expect(await breaker.state(RELAY)).toMatchObject({ since: START, failures: 2 });
    clock.advance(2);
    expect(await breaker.ask(RELAY, 'a')).toEqual({ kind: 'closed' });
    expect(await breaker.state(RELAY)).toBeNull();
    expect(await fault()).toBe(1_000);
  });
});
