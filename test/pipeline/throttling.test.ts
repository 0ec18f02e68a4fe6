import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDice } from '../soak/dice.js';
import { CLOCK_MISSING } from '../support/clock.js';
import { bucket, throttlingWorld, type World } from './throttling-world.js';

/** Some seconds each; on a machine that has much else to do, ten times that. */
const LONGEST_MS = 300_000;

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('workers at a relay that throttles, minutes of it by a held clock', () => {
  let world: World;
  beforeEach(async () => {
    world = await throttlingWorld('throttling');
  });
  afterEach(() => world.clear());

  const join = async (workers: number, connections: number) => {
    for (let n = 0; n < workers; n++) await world.worker(connections);
  };

  it.each([
    // Each word of these is of a dozen answers, so that a cut is often too deep by chance: 0.97 on average, less for a minute.
    { takes: 5, burst: 5, workers: 4, connections: 10, seconds: 180, least: 0.8 },
    { takes: 100, burst: 10, workers: 4, connections: 20, seconds: 30, least: 0.9 },
    { takes: 100, burst: 10, workers: 8, connections: 5, seconds: 30, least: 0.9 },
    { takes: 100, burst: 100, workers: 4, connections: 20, seconds: 30, least: 0.9 },
  ])(
    'find out what it takes: $takes/s, $burst of them at once',
    async ({ takes, burst, workers, connections, seconds, least }) => {
      world.relay(bucket(takes, burst));
      await join(workers, connections);
      await world.play(80);
      for (let n = 0; n < 2; n++) {
        const { perSecond, share, by } = await world.play(seconds);
        expect(perSecond).toBeGreaterThan(takes * least);
        expect(perSecond).toBeLessThan(takes * 1.1);
        expect(share).toBeLessThan(0.1);
        // Of a few messages a share is chance.
        if (takes >= 100) expect(Math.min(...by)).toBeGreaterThan(takes / workers / 2);
      }
    },
    LONGEST_MS,
  );

  it(
    'find out that it takes a thousand a second, and share them',
    async () => {
      world.relay(bucket(1_000, 100));
      await join(3, 50);
      await world.play(10);
      const { perSecond, share, by, asks } = await world.play(20);
      expect(perSecond).toBeGreaterThan(900);
      expect(share).toBeLessThan(0.1);
      expect(Math.min(...by)).toBeGreaterThan(1_000 / 3 / 2);
      expect(asks).toBeLessThan(3 * 20);
    },
    LONGEST_MS,
  );

  it(
    'ask for slots some times a second, as many as they are',
    async () => {
      world.relay(bucket(100, 10));
      await join(6, 2);
      await world.play(20);
      expect((await world.play(20)).asks).toBeLessThan(6 * 20);
    },
    LONGEST_MS,
  );

  it.each([1 / 3, 1 / 10])(
    'are not slowed down by a relay that throttles by chance, at any pace: %d',
    async (share) => {
      await join(3, 4);
      const { perSecond } = await world.play(5);
      const dice = createDice('throttling by chance');
      world.relay(() => dice.int(1, 30) > share * 30);
      await world.play(100);
      expect((await world.play(60)).perSecond).toBeGreaterThan(perSecond * (1 - share) * 0.8);
    },
    LONGEST_MS,
  );

  it.each([50, 20])(
    'do not take a relay for one that throttles by chance where it takes less: %d/s',
    async (takes) => {
      world.relay(bucket(100, 10));
      await join(3, 7);
      await world.play(30);
      world.relay(bucket(takes, 10));
      await world.play(25);
      const less = await world.play(25);
      expect(less.perSecond).toBeGreaterThan(takes * 0.8);
      expect(less.share).toBeLessThan(0.3);
    },
    LONGEST_MS,
  );

  it(
    'follow a relay that takes less, and in some minutes one that takes more again',
    async () => {
      world.relay(bucket(100, 10));
      await join(1, 10);
      await world.play(20);
      world.relay(bucket(20, 10));
      await world.play(20);
      const less = await world.play(20);
      expect(less.perSecond).toBeGreaterThan(18);
      expect(less.share).toBeLessThan(0.1);
      world.relay(bucket(100, 10));
      await world.play(120);
      const soon = await world.play(10);
      expect(soon.perSecond).toBeGreaterThan(35);
      expect(soon.perSecond).toBeLessThan(70);
      await world.play(300);
      expect((await world.play(20)).perSecond).toBeGreaterThan(90);
    },
    LONGEST_MS,
  );
});
