import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { share, windows, zone } from '../../src/config/parse-schedule.js';
import { hoursText } from '../../src/domain/hours-text.js';

const read = (text: string) => windows().parse(text).value;

describe('windows', () => {
  it.each([
    ['09:00-17:00', [{ days: [], from: 540, to: 1020 }]],
    ['mon-fri 09:00-17:00', [{ days: [1, 2, 3, 4, 5], from: 540, to: 1020 }]],
    ['Fri-Mon 22:00-06:00', [{ days: [5, 6, 7, 1], from: 1320, to: 360 }]],
    ['sun 00:00-24:00', [{ days: [7], from: 0, to: 1440 }]],
    [
      '09:00-12:00, sat 10:00 - 11:30',
      [
        { days: [], from: 540, to: 720 },
        { days: [6], from: 600, to: 690 },
      ],
    ],
  ])('%s', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    '',
    '9-17',
    '9:00-17:00',
    '09:00',
    '09:00-09:00',
    '24:00-09:00',
    '09:60-10:00',
    '09:00-24:01',
    'monday 09:00-17:00',
    'mon-xyz 09:00-17:00',
    'mon-fri',
    '09:00-17:00,',
    Array(51).fill('09:00-17:00').join(','),
  ])('"%s" is refused', (text) => {
    expect(read(text)).toBeUndefined();
  });
});

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const timeOfDay = fc
  .record({ hour: fc.integer({ min: 0, max: 23 }), minute: fc.integer({ min: 0, max: 59 }) })
  .map(({ hour, minute }) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
const typed = fc
  .record({
    days: fc.option(fc.tuple(fc.constantFrom(...DAYS), fc.constantFrom(...DAYS))),
    from: timeOfDay,
    to: fc.oneof(timeOfDay, fc.constant('24:00')),
  })
  .filter(({ from, to }) => from !== to)
  .map(({ days, from, to }) => {
    const [first, last] = days ?? [];
    const on = first === undefined ? '' : first === last ? `${first} ` : `${first}-${last} `;
    return `${on}${from}-${to}`;
  });

it('windows are shown as they were typed, and read again as the same', () => {
  fc.assert(
    fc.property(fc.array(typed, { minLength: 1, maxLength: 50 }), fc.constantFrom(',', ', ', ' ,'), (all, comma) => {
      const found = read(all.join(comma).toUpperCase());
      if (!found) throw new Error('refused');
      const shown = hoursText({ windows: found, zone: 'UTC' });
      expect(shown).toBe(`${all.join(', ')} UTC`);
      expect(read(shown.slice(0, -4))).toEqual(found);
    }),
  );
});

it('windows may be any text, however long: they are read or refused, at once', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void read(text)));
  const began = performance.now();
  for (const more of [' ', ',', 'mon ', '09:00 ', '-', '0'])
    for (const text of [`09:00${more.repeat(100_000)}-10:00!`, `mon${more.repeat(100_000)}09:00-10:00!`])
      expect(read(text)).toBeUndefined();
  expect(performance.now() - began).toBeLessThan(5_000);
});

it('a zone is one that there is', () => {
  for (const text of ['Europe/Paris', 'UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])
    expect(zone().parse(text).value).toBe(text);
  for (const text of ['', 'Mars/City', '+01:00', 'Europe/', '../etc', 'Europe/Paris\u0000'])
    expect(zone().parse(text).refused).toBeDefined();
});

it('a part is a percentage below 100%', () => {
  const least = (text: string) => share('', 0.000_001).parse(text).value;
  expect([least('1%'), least('0.5 %'), least('99.9999%')]).toEqual([0.01, 0.005, 0.999_999]);
  for (const text of ['0%', '100%', '1', '-1%', '1e1%', '%', '0.00001%']) expect(least(text)).toBeUndefined();
  expect(share('', 0).parse('0%').value).toBe(0);
});
