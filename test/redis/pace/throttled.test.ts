import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaceStore } from '../../../src/pipeline/pace-ports.js';
import { paceKeys } from '../../../src/redis/keys.js';
import { createPaceStore } from '../../../src/redis/pace/store.js';
import { relayId } from '../../../src/redis/relay-id.js';
import { CLOCK_MISSING, type HeldClock, heldClock } from '../../support/clock.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;
const KEYS = paceKeys(relayId(RELAY));
const GMAIL = 'gmail.com';
const START = Date.UTC(2026, 11, 1, 9);

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)(
  'the rate of a group that was throttled, by a clock that stands still but for us',
  () => {
    let clock: HeldClock;
    let server: TestRedis;
    let redis: Redis;
    let store: PaceStore;
    beforeAll(async () => {
      clock = heldClock(START);
      server = await freshRedis({ clock });
      redis = server.client();
      store = createPaceStore(redis);
    });
    afterAll(async () => {
      await server.stop();
      clock.remove();
    });
    beforeEach(() => redis.flushall());

    const throttled = (acceptedPerSecond: number, share: number, known = true, answers = 5) =>
      store.throttled(RELAY, { group: GMAIL, acceptedPerSecond, share, answers, known });
    const rate = async () => (await store.state(RELAY)).slow.find(({ group }) => group === GMAIL)?.perSecond ?? null;
    const later = (seconds: number) => clock.advance(seconds * 1000);
    const intervalOf = async (perSecond: number | null = null) =>
      (await store.reserve(RELAY, 'c', null, [{ group: GMAIL, wanted: 1, perSecond }]))[0]?.intervalMs ?? 0;

    it('is what the relay took by those who did not know yet, for two seconds, and grows fast', async () => {
      await throttled(60, 0.5, false);
      await throttled(40, 0.5, false);
      expect(await rate()).toBeCloseTo(100);
      expect([...(await store.limits(RELAY)).slow.keys()]).toEqual([GMAIL]);
      later(1.999);
      expect(await rate()).toBeCloseTo(100 + 25 * 1.999);
      await throttled(10, 0.5, false);
      expect(await rate()).toBeCloseTo(110 + 25 * 1.999);
      later(0.001);
      const before = (await rate()) ?? 0;
      await throttled(10, 0.5, false);
      expect(await rate()).toBeCloseTo(before / 2);
    });

    it('is cut by the share that was throttled, by half at most, once a second, and not for less than 5%', async () => {
      await throttled(100, 0.5, false);
      later(0.999);
      await throttled(0, 0.2);
      expect(await rate()).toBeCloseTo(100 + 25 * 0.999);
      later(0.001);
      await throttled(0, 0.2);
      expect(await rate()).toBeCloseTo(100);
      later(0.999);
      await throttled(0, 0.9);
      expect(await rate()).toBeCloseTo(100.999);
      later(0.001);
      await throttled(0, 1);
      expect(await rate()).toBeCloseTo(50.5);
      later(1);
      await throttled(0, 0.05);
      expect(await rate()).toBeCloseTo(51.005);
      await throttled(0, 0.06);
      expect(await rate()).toBeCloseTo(51.005 * 0.94);
    });

    it('grows back by the same step each second, a hundredth of what it was cut to, and a twentieth at least', async () => {
      await throttled(200, 0.5, false);
      later(4);
      await throttled(0, 0.5);
      expect(await rate()).toBeCloseTo(200);
      later(10);
      expect(await rate()).toBeCloseTo(220);
      later(290);
      expect(await rate()).toBeCloseTo(800);
      expect(await intervalOf()).toBeCloseTo(1000 / 800, 2);
      for (let n = 0; n < 10; n++) {
        later(1);
        await throttled(0, 1);
      }
      const low = (await rate()) ?? 0;
      expect(low).toBeLessThan(2);
      later(100);
      expect(await rate()).toBeCloseTo(low + 5);
    });

    it('is no lower for two cuts that did not help, and for 20 s none is made: it is not the pace', async () => {
      await throttled(100, 0.2, false);
      later(2);
      await throttled(0, 0.2, true, 50);
      later(1);
      await throttled(0, 0.2, true, 50);
      // Once may be chance.
      expect(await rate()).toBeCloseTo((150 * 0.8 + 1.2) * 0.8);
      later(1);
      await throttled(0, 0.2, true, 50);
      expect(await rate()).toBeCloseTo(150);
      // In those it grows by a twentieth a second, since what looked like help before may have been chance, too.
      later(19.999);
      await throttled(0, 0.2, true, 50);
      expect(await rate()).toBeCloseTo(150 + 7.5 * 19.999);
      later(0.001);
      await throttled(0, 0.2, true, 50);
      expect(await rate()).toBeCloseTo(300 * 0.8);
    });

    it('is soon what it was, however low chance has cut it, and from three times what was sent on grows slowly', async () => {
      await throttled(150, 0.25, false);
      await throttled(150, 0.25, false);
      later(1);
      for (let n = 0; n < 4; n++) {
        // A cut that seems to help, and a share that rises again when that is long ago.
        await throttled(0, 0.5, true, 50);
        later(1);
        await throttled(0, 0.06, true, 50);
        later(16);
      }
      const rates = [(await rate()) ?? 0];
      for (let calm = 0; calm < 8; calm++) {
        for (let word = 0; word < 3; word++) {
          await throttled(0, 0.3, true, 100);
          later(2);
        }
        later(18.5);
        rates.push((await rate()) ?? 0);
      }
      expect(rates[0]).toBeLessThan(50);
      for (const [n, before] of rates.slice(0, -1).entries()) {
        const times = (rates[n + 1] ?? 0) / before;
        // 2 × 150 a second that it took, and a quarter as many that it throttled: 400 were sent.
        expect(times).toBeGreaterThan(before < 600 ? 1.9 : 1.19);
        expect(times).toBeLessThan(before < 1_100 ? 2.1 : 1.22);
      }
      expect(rates.at(-1)).toBeGreaterThan(3 * 400);
    });

    it.each([
      ['few answers', 2, 1],
      ['a cut of long ago', 50, 15.001],
    ])('is cut by %s as ever: these say nothing of whether a cut helps', async (_, answers, seconds) => {
      await throttled(100, 0.5, false);
      later(2);
      for (let n = 0; n < 4; n++) {
        const before = (await rate()) ?? 0;
        await throttled(0, 0.5, true, answers);
        expect(await rate()).toBeCloseTo(before * 0.5);
        later(seconds);
      }
    });

    it('is cut again for a share that is what the limit makes of the rate by now: that is not in vain', async () => {
      await throttled(100, 0.5, false);
      later(2);
      await throttled(0, 0.06, true, 100);
      for (let n = 0; n < 3; n++) {
        later(6);
        const before = (await rate()) ?? 0;
        await throttled(0, 0.08, true, 100);
        expect(await rate()).toBeCloseTo(before * 0.92);
      }
    });

    it('is what it was when few answers, together, have said that cuts did not help', async () => {
      await throttled(100, 0.5, false);
      later(2);
      const rates: number[] = [];
      for (let n = 0; n < 10; n++) {
        await throttled(0, 0.5, true, 2);
        rates.push(Math.round((await rate()) ?? 0));
        later(1);
      }
      // 8 answers tell half from nothing; they say so once, and 8 more say it again.
      expect(rates).toEqual([75, 38, 19, 10, 5, 2, 1, 1, 150, 158]);
    });

    it('is cut at once where more is throttled than at the rate that was tried: the relay takes less', async () => {
      await throttled(100, 0.2, false);
      later(2);
      const words = (share: number) => throttled(0, share, true, 50);
      for (const share of [0.2, 0.2, 0.2]) {
        await words(share);
        later(1);
      }
      await words(0.4);
      expect(await rate()).toBeCloseTo(150 + 7.5);
      // The calm is over by the first of these; and a share that rises is no cut in vain, however often.
      for (const share of [0.5, 0.8, 1]) {
        const before = (await rate()) ?? 0;
        await words(share);
        expect(await rate()).toBeCloseTo(before / 2);
        later(1);
      }
      const before = (await rate()) ?? 0;
      await words(0.06);
      expect(await rate()).toBeCloseTo(before * 0.94);
    });

    it('is not what it was where a cut helped by more than half of what it should have', async () => {
      await throttled(100, 0.2, false);
      later(2);
      for (const share of [0.4, 0.15, 0.06]) {
        const before = (await rate()) ?? 0;
        await throttled(0, share, true, 100);
        expect(await rate()).toBeCloseTo(before * (1 - share));
        later(1);
      }
    });

    it('follows a relay whose limit fell, since each cut lowers the share as it should', async () => {
      const allowed = 10;
      await throttled(200, 0.5, false);
      for (let n = 0; n < 12; n++) {
        later(1);
        await throttled(0, Math.max(0, 1 - allowed / ((await rate()) ?? 0)), true, 50);
      }
      expect(await rate()).toBeLessThan(allowed * 1.1);
      expect(await rate()).toBeGreaterThan(allowed * 0.9);
    });

    it('never falls to nothing, and is as any other ten minutes after the last word', async () => {
      await throttled(0, 1, false);
      for (let n = 0; n < 20; n++) {
        later(1);
        await throttled(0, 1);
      }
      expect(await rate()).toBeCloseTo(0.1);
      // Whoever sends to it meanwhile makes that no longer.
      for (let n = 0; n < 6; n++) {
        later(99.999);
        expect(await intervalOf()).toBeCloseTo(1000 / ((await rate()) ?? 0), 2);
      }
      later(0.007);
      expect(await intervalOf()).toBe(0);
      expect((await store.limits(RELAY)).slow.size).toBe(0);
    });

    it('is forgotten by its list, too, when it has expired and others have not', async () => {
      await throttled(10, 1, false);
      later(300);
      await store.throttled(RELAY, { group: 'x.test', acceptedPerSecond: 1, share: 1, answers: 1, known: false });
      later(301);
      expect([...(await store.limits(RELAY)).slow.keys()]).toEqual(['x.test']);
      expect(await redis.zcard(KEYS.slow)).toBe(1);
    });

    it('is that of slots, and the narrower of both where the operator has one, too', async () => {
      await throttled(50, 0.5, false);
      expect(await intervalOf()).toBeCloseTo(20);
      expect(await intervalOf(200)).toBeCloseTo(20);
      expect(await intervalOf(10)).toBeCloseTo(100);
    });

    it('is remembered of a thousand domains, of any number', async () => {
      const seen = { acceptedPerSecond: 1, share: 1, answers: 1, known: false };
      for (const domain of ['early', 'late']) {
        const groups = Array.from({ length: 550 }, (_, n) => `${domain}${n}.test`);
        await Promise.all(groups.map((group) => store.throttled(RELAY, { group, ...seen })));
        clock.advance(1);
      }
      const groups = [...(await store.limits(RELAY)).slow.keys()];
      expect(groups).toHaveLength(1_000);
      expect(groups.filter((group) => group.startsWith('late'))).toHaveLength(550);
    });
  },
);
