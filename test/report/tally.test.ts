import { expect, it } from 'vitest';
import { Tally } from '../../src/report/tally.js';

const counting = (limit: number) => new Tally<{ n: number }>(limit, () => ({ n: 0 }));
const ranked = (tally: Tally<{ n: number }>, top: number) =>
  tally.ranked(
    top,
    ({ n }) => n,
    (into, from) => {
      into.n += from.n;
    },
  );

function count(tally: Tally<{ n: number }>, ...keys: (string | null)[]): Tally<{ n: number }> {
  for (const key of keys) tally.of(key).n++;
  return tally;
}

it('ranks by size, then by name, and joins what is beyond the top', () => {
  const tally = count(counting(10), 'b', 'a', 'c', 'c', 'd', 'd', 'd', 'e');
  expect(ranked(tally, 3)).toEqual([
    ['d', { n: 3 }],
    ['c', { n: 2 }],
    ['a', { n: 1 }],
    ['*', { n: 2 }],
  ]);
});

it('has no rest where everything has its place', () => {
  expect(ranked(count(counting(2), 'a', 'b'), 2)).toEqual([
    ['a', { n: 1 }],
    ['b', { n: 1 }],
  ]);
});

it('holds no more keys than its limit, and counts the others, the nameless and a real * together', () => {
  const tally = counting(1000);
  for (let i = 0; i < 5000; i++) tally.of(`key ${i}`).n++;
  count(tally, null, '*', 'key 0');
  const all = ranked(tally, 10_000);
  expect(all).toHaveLength(1001);
  expect(all[0]).toEqual(['key 0', { n: 2 }]);
  expect(all.at(-1)).toEqual(['*', { n: 4002 }]);
});

it('keeps apart keys that no encoding of bytes can, and finds each again', () => {
  const tally = count(counting(10), '\ud800', '\ud801', '\ud800');
  expect(ranked(tally, 10)).toEqual([
    ['\ud800', { n: 2 }],
    ['\ud801', { n: 1 }],
  ]);
});
