import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ago, bar, lineOf } from '../../../src/cli/view/format.js';

it('a bar has its width and is full only when all is done', () => {
  expect([bar(0, 10), bar(0.5, 10), bar(0.999, 10), bar(1, 10)]).toEqual([
    '[--------]',
    '[####----]',
    '[#######-]',
    '[########]',
  ]);
  fc.assert(
    fc.property(
      fc.double({ noNaN: true }),
      fc.integer({ min: 3, max: 200 }),
      (share, width) => bar(share, width).length === width,
    ),
  );
});

it('the past is told in one unit', () => {
  expect([-5, 4_999, 42_000, 3_599_000, 7_200_000, 86_400_000 * 12].map(ago)).toEqual([
    'just now',
    'just now',
    '42 s ago',
    '59 min ago',
    '2 h ago',
    '12 d ago',
  ]);
});

it('a line is cut by what is seen and not by its escape sequences, and nothing follows the cut', () => {
  const pieces = ['abc', ['red', 'defghij'], 'k'] as const;
  expect(lineOf(pieces, { width: 11, color: false, bars: true })).toBe('abcdefghijk');
  expect(lineOf(pieces, { width: 8, color: false, bars: true })).toBe('abcde...');
  expect(lineOf(pieces, { width: 8, color: true, bars: true })).toBe('abc\u001b[31mde...\u001b[39m');
  expect(lineOf(['日本語', 'k'], { width: 4, color: false, bars: true })).toBe('...');
});
