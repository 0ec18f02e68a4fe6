import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timelineOf } from '../../src/report/timeline.js';
import { SEALED_AT } from './ledger.js';

const SEALED = SEALED_AT / 1000;
const HOUR = 3600;
const DAY = 24 * HOUR;
const of = (...steps: readonly (readonly [second: number, count: number])[]) => timelineOf(new Map(steps), SEALED_AT);

it('has steps of 10 s without a gap, whatever the order', () => {
  expect(of([SEALED + 40, 7], [SEALED + 10, 5], [SEALED + 20, 1])).toEqual({
    startedAt: new Date(SEALED_AT + 10_000).toISOString(),
    stepMs: 10_000,
    counts: [5, 1, 0, 7],
  });
});

it('is null where nothing was counted', () => {
  expect(of()).toBeNull();
});

it('takes the longer steps that the ledger counts in when a campaign has grown old', () => {
  expect(of([SEALED, 3], [SEALED + HOUR, 4])?.stepMs).toBe(60_000);
  expect(of([SEALED, 3], [SEALED + HOUR - 60, 4])?.stepMs).toBe(60_000);
  expect(of([SEALED, 3], [SEALED + HOUR - 70, 4])?.stepMs).toBe(10_000);
  expect(of([SEALED, 3], [SEALED + DAY, 4])?.stepMs).toBe(600_000);
  expect(of([SEALED + DAY, 3], [SEALED + DAY + 600, 4])?.counts).toEqual([3, 4]);
});

it('merges the steps of a long campaign to a length that is easy to read', () => {
  const fiveDays = of([SEALED, 1], [SEALED + 5 * DAY, 2]);
  expect([fiveDays?.stepMs, fiveDays?.counts.length]).toEqual([1_800_000, 241]);
  expect(of([SEALED, 1], [SEALED + 900 * DAY, 2])?.stepMs).toBe(2 * DAY * 1000);
});

it('any counts: at most 500 steps, each count in the step that it belongs to', () => {
  const seconds = fc.integer({ min: 0, max: 400 * DAY }).map((s) => SEALED + s - (s % 10));
  const counted = fc.array(fc.tuple(seconds, fc.integer({ min: 1, max: 1e6 })), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(counted, (steps) => {
      const all = new Map(steps);
      const timeline = timelineOf(all, SEALED_AT);
      if (!timeline) throw new Error('no timeline');
      const { startedAt, stepMs, counts } = timeline;
      expect(counts.length).toBeLessThanOrEqual(500);
      expect(counts[0]).toBeGreaterThan(0);
      expect(counts.at(-1)).toBeGreaterThan(0);
      for (const [slot, count] of counts.entries()) {
        const from = Date.parse(startedAt) / 1000 + (slot * stepMs) / 1000;
        const here = [...all].filter(([second]) => second >= from && second < from + stepMs / 1000);
        expect(here.reduce((sum, [, value]) => sum + value, 0)).toBe(count);
      }
    }),
    { numRuns: 60 },
  );
});
