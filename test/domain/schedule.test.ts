import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hoursText } from '../../src/domain/hours-text.js';
import { canaryPart } from '../../src/domain/schedule.js';
import { spanFrom } from '../../src/domain/span.js';

const canary = (share: number) => ({ share, holdMs: 1, abortAbove: 0 });

it('a canary is in all its share of the recipients, rounded up, and never more than a chunk', () => {
  const percent = fc.integer({ min: 1, max: 999_999 }).map((n) => n / 1_000_000);
  const sizes = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(percent, sizes, (share, chunks) => {
      let first = 0;
      let all = 0;
      for (const size of chunks) {
        const part = canaryPart(canary(share), first, size);
        expect(part).toBeGreaterThanOrEqual(0);
        expect(part).toBeLessThanOrEqual(size);
        // Spread: no chunk has more than one above its share.
        expect(part).toBeLessThan(share * size + 1 + 1e-6);
        first += size;
        all += part;
      }
      const millionths = BigInt(Math.round(share * 1_000_000)) * BigInt(first);
      expect(all).toBe(Number((millionths + 999_999n) / 1_000_000n));
    }),
  );
  expect(canaryPart(canary(0.07), 0, 100)).toBe(7);
  // What a product of fractions is off by grows with the list.
  expect(canaryPart(canary(99.8995 / 100), 0, 31_000_000)).toBe(30_968_845);
  expect(canaryPart(canary(0.01), 0, 10)).toBe(1);
});

it('a canary of a list of any length is no recipient more or less than its share, as it was typed', () => {
  const typed = fc.integer({ min: 1, max: 999_999 });
  fc.assert(
    fc.property(typed, fc.integer({ min: 1, max: 100_000_000 }), (tenThousandths, total) => {
      // As the option is read: a percentage with four decimals.
      const share = Number((tenThousandths / 10_000).toFixed(4)) / 100;
      const exact = (BigInt(tenThousandths) * BigInt(total) + 999_999n) / 1_000_000n;
      expect(canaryPart(canary(share), 0, total)).toBe(Number(exact));
    }),
    { numRuns: 2_000 },
  );
});

it('a span without hours has no end, and begins now or at its time', async () => {
  expect(await spanFrom({ at: null, hours: null }, 5)).toEqual({ opensAt: 5, closesAt: null });
  expect(await spanFrom({ at: 9, hours: null }, 5)).toEqual({ opensAt: 9, closesAt: null });
  expect(await spanFrom({ at: 3, hours: null }, 5)).toEqual({ opensAt: 5, closesAt: null });
});

it('a time outside of the hours waits for these', async () => {
  const hours = { windows: [{ days: [], from: 540, to: 1020 }], zone: 'UTC' };
  const at = Date.parse('2026-12-01T20:00Z');
  const next = { opensAt: Date.parse('2026-12-02T09:00Z'), closesAt: Date.parse('2026-12-02T17:00Z') };
  expect(await spanFrom({ at, hours }, 0)).toEqual(next);
});

it('hours are written as they are typed', () => {
  const windows = [
    { days: [1, 2, 3, 4, 5], from: 540, to: 1020 },
    { days: [6], from: 0, to: 1440 },
    { days: [], from: 1320, to: 360 },
  ];
  expect(hoursText({ windows, zone: 'UTC' })).toBe('mon-fri 09:00-17:00, sat 00:00-24:00, 22:00-06:00 UTC');
});
