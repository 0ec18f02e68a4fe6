import { expect, it } from 'vitest';
import { Permits } from '../../src/pipeline/permits.js';

it('permits are good from their time on, in their order', () => {
  const permits = new Permits();
  permits.add([0, 50, 100], 50, 1_000);
  expect(permits.due(999)).toBe(0);
  expect(permits.due(1_000)).toBe(1);
  expect(permits.nextAt(1_000)).toBe(1_050);
  expect(permits.use(1_050)).toBe(true);
  expect(permits.due(1_050)).toBe(1);
  expect(permits.count(1_050)).toBe(2);
});

it('one that is not used in time is lost, so that nobody who was late sends a burst', () => {
  const permits = new Permits();
  permits.add(
    Array.from({ length: 50 }, (_, n) => n * 10),
    10,
    0,
  );
  // Late by half a second: what is younger than a tenth is left.
  expect(permits.due(500)).toBe(10);
  expect(permits.use(700)).toBe(false);
  expect(permits.nextAt(700)).toBe(Number.POSITIVE_INFINITY);
});

it('where slots are far apart, one is good for two intervals', () => {
  const permits = new Permits();
  permits.add([0], 1_000, 0);
  expect(permits.use(1_900)).toBe(true);
  permits.add([0], 1_000, 0);
  expect(permits.use(2_001)).toBe(false);
});
