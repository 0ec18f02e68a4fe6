import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration } from '../../src/config/parse.js';
import { closest } from '../../src/config/suggest.js';

test.each([
  ['500ms', 500],
  ['10s', 10_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['5d', 432_000_000],
  ['2w', 1_209_600_000],
  ['0s', 0],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '5', 's', '-5s', '5 s', '5S', '5y', '1.s', '.5s', '1..5s', '1e3s', '5s ', '99999w', 'NaNs', '٣s'])(
  '"%s" is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test('any sum of parts is read as the sum', () => {
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const part = fc.tuple(fc.nat(1_000), fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const text = parts.map(([amount, unit]) => `${amount}${unit}`).join('');
      expect(parseDuration(text)).toBe(parts.reduce((sum, [amount, unit]) => sum + amount * units[unit], 0));
    }),
  );
});

test('whatever is read is a whole number of milliseconds that is not negative', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\d.mshdw -]{0,12}$/), (text) => {
      const ms = parseDuration(text);
      expect(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
    }),
  );
});

test.each([
  ['conections', 'connections'],
  ['lauch', 'launch'],
  ['lanuch', 'launch'],
  ['PAUSE', 'pause'],
  ['zebra', undefined],
])('%s was meant to be %s', (word, meant) => {
  expect(closest(word, ['launch', 'pause', 'connections', 'worker'])).toBe(meant);
});
