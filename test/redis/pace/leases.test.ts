import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LEASE_MS, type PaceStore } from '../../../src/pipeline/pace-ports.js';
import { createPaceStore } from '../../../src/redis/pace/store.js';
import { CLOCK_MISSING, type HeldClock, heldClock } from '../../support/clock.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('connections to a group, by a clock that stands still but for us', () => {
  let clock: HeldClock;
  let server: TestRedis;
  let store: PaceStore;
  beforeAll(async () => {
    clock = heldClock(Date.UTC(2026, 11, 1, 9));
    server = await freshRedis({ clock });
    store = createPaceStore(server.client());
  });
  afterAll(async () => {
    await server.stop();
    clock.remove();
  });
  beforeEach(() => server.client().flushall());

  const lease = (owner: string, wanted: number) => store.lease(RELAY, 'gmail.com', owner, wanted, 6);

  it('are never more than allowed, and nobody waits for ever behind one that has all', async () => {
    const [a, b, c] = ['a', 'b', 'c'];
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

  it('of a process that died are free when its lease is over, and not a millisecond before', async () => {
    await lease('dead', 6);
    clock.advance(LEASE_MS - 1);
    expect(await lease('b', 3)).toBe(0);
    clock.advance(1);
    expect(await lease('b', 6)).toBe(6);
  });

  it('of a process that renews them are its own for as long as it likes', async () => {
    for (let n = 0; n < 20; n++) {
      expect(await lease('a', 6)).toBe(6);
      clock.advance(LEASE_MS - 1);
      expect(await store.lease(RELAY, 'x.test', 'b', 1, 6)).toBe(1);
    }
  });
});
