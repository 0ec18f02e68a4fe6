import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Throttling } from '../../src/pipeline/pace-ports.js';
import { RelayPace } from '../../src/pipeline/relay-pace.js';
import { CLOCK_MISSING } from '../support/clock.js';
import { keptLog } from './fixture.js';
import { type HeldTime, heldTime } from './held-time.js';

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

const RELAY = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;

describe.skipIf(CLOCK_MISSING)('a process', () => {
  let time: HeldTime;
  let pace: RelayPace;
  let leave: () => void;
  /** What it told the others. */
  let told: Throttling[];
  beforeEach(async () => {
    time = await heldTime();
    told = [];
    const store = time.store();
    const throttled: typeof store.throttled = (relay, seen) => {
      told.push(seen);
      return store.throttled(relay, seen);
    };
    pace = new RelayPace(RELAY, { ...store, throttled }, keptLog(), {});
    leave = await pace.watch(() => {});
  });
  afterEach(async () => {
    leave();
    await time.clear();
  });

  const answer = (accepted: number, throttled: number) => {
    for (let n = 0; n < accepted; n++) pace.answered('a@gmail.com', false);
    for (let n = 0; n < throttled; n++) pace.answered('b@googlemail.com', true);
  };

  it('tells what a relay takes of a group, then leaves out what belongs to the rate before, and tells its share', async () => {
    answer(20, 20);
    await time.pass(249);
    expect(told).toEqual([]);
    await time.pass(2);
    expect(told).toMatchObject([{ group: 'gmail.com', known: false, answers: 40, share: 0.5 }]);
    expect(pace.isSlow('gmail.com')).toBe(true);
    // Of the rate before: there may still be slots of it.
    await time.pass(450);
    answer(0, 100);
    await time.pass(700);
    answer(60, 20);
    await time.pass(1_200);
    expect(told).toHaveLength(1);
    answer(0, 1);
    expect(told).toHaveLength(2);
    expect(told[1]).toMatchObject({ group: 'gmail.com', known: true, answers: 81, share: 21 / 81 });
  });

  it('tells a share of many answers, or of some seconds of few, and never of a moment', async () => {
    answer(1, 1);
    await time.pass(300);
    // Two a second for as long as shares are counted, and a little more, whenever that is.
    for (const seconds of [11, 12, 13, 14, 15, 16]) {
      for (let n = 0; n < 2 * seconds; n++) {
        await time.pass(500);
        answer(1, 0);
      }
      answer(0, 1);
      expect(told.at(-1)?.answers).toBeGreaterThan(10);
      expect(told.at(-1)?.share).toBeLessThan(0.1);
    }
    expect(told).toHaveLength(7);
  });
});
