import { expect, it } from 'vitest';
import { Places } from '../../src/queue/places.js';

function places(most: number) {
  const counts: number[] = [];
  const left: string[] = [];
  const own = new Places(most, (count) => counts.push(count));
  return { counts, left, take: (party: string, name = party) => own.take(party, () => left.push(name)) };
}

it('chunks that wait leave their place to others, and take it back once', () => {
  const { counts, take } = places(3);
  const back = take('a');
  take('a');
  back?.();
  back?.();
  expect(counts).toEqual([1, 2, 1]);
});

it('no more wait than there is room for, of one party', () => {
  const { take, left } = places(2);
  expect(take('a')).not.toBeNull();
  expect(take('a')).not.toBeNull();
  expect(take('a')).toBeNull();
  expect(left).toEqual([]);
});

it('the party that has most leaves its oldest to one that has clearly fewer, until they are even', () => {
  const { take, left, counts } = places(4);
  for (const name of ['a1', 'a2', 'a3', 'a4']) take('a', name);
  expect(take('b', 'b1')).not.toBeNull();
  expect(take('b', 'b2')).not.toBeNull();
  expect(left).toEqual(['a1', 'a2']);
  expect(take('b', 'b3')).toBeNull();
  expect(take('a', 'a5')).toBeNull();
  expect(counts.at(-1)).toBe(4);
});
