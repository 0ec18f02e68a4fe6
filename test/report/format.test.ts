import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clip, columnsOf, count, duration, pad, percent, perSecond, printable, wrap } from '../../src/report/format.js';

describe('figures', () => {
  it('have separators by thousands', () => {
    expect([0, 999, 1000, 12_345, 1_234_567].map(count)).toEqual(['0', '999', '1,000', '12,345', '1,234,567']);
  });

  it('as percentages never say nothing for something, nor all for less than all', () => {
    expect([percent(0, 10), percent(10, 10), percent(1, 3), percent(0, 0)]).toEqual([
      '0.0%',
      '100.0%',
      '33.3%',
      '0.0%',
    ]);
    expect([percent(1, 1_000_000), percent(999_999, 1_000_000)]).toEqual(['<0.1%', '>99.9%']);
  });

  it('as spans are in their two largest units', () => {
    const spans = [0, 350, 42_900, 192_000, 3_600_000, 7_500_000, 86_400_000 * 5 + 3_600_000 * 3];
    expect(spans.map(duration)).toEqual([
      '0 ms',
      '350 ms',
      '42 s',
      '3 min 12 s',
      '1 h 00 min',
      '2 h 05 min',
      '5 d 03 h',
    ]);
  });

  it('as rates have a decimal only where it says something', () => {
    expect([0, 0.25, 9.94, 812.4, 12_345].map(perSecond)).toEqual(['0/s', '0.3/s', '9.9/s', '812/s', '12,345/s']);
  });
});

describe('text of strangers', () => {
  it('is one line without controls, marks that reorder, and halves of characters', () => {
    expect(printable('a\u001b[2J\r\n\tb\u009b1m c\u202ed\u2066e\u2028f\ud800g\u007f')).toBe('a [2J b 1m c d e f g');
  });

  it('stays as it is when it is harmless, in any script', () => {
    for (const text of ['Grüße', '日本語', 'مرحبا', '👍 ok']) expect(printable(text)).toBe(text);
  });

  it('is cut to columns, wide characters counted twice', () => {
    expect([columnsOf('abc'), columnsOf('日本'), columnsOf('e\u0301')]).toEqual([3, 4, 1]);
    expect([clip('abcdef', 6), clip('abcdefg', 6), clip('日本語日本語', 7), clip('abc', 2)]).toEqual([
      'abcdef',
      'abc...',
      '日本...',
      '..',
    ]);
    expect(pad('日', 4)).toBe('日  ');
  });

  it('however it looks, fits the columns given, and wrapping loses no word', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.integer({ min: 0, max: 40 }), (raw, width) => {
        const text = printable(raw);
        expect(columnsOf(clip(text, width))).toBeLessThanOrEqual(width);
        const lines = wrap(text, width);
        expect(lines.join(' ')).toBe(text);
        for (const line of lines) expect(columnsOf(line) <= width || !line.includes(' ')).toBe(true);
      }),
    );
  });
});
