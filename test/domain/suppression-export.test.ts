import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SUPPRESSION_REASONS } from '../../src/domain/suppression.js';
import {
  exportHeader,
  exportLine,
  isExportHeader,
  parseExportHeader,
  parseExportLine,
} from '../../src/domain/suppression-export.js';

const item = fc.record({
  hash: fc.uint8Array({ minLength: 10, maxLength: 10 }).map((bytes) => Buffer.from(bytes)),
  topic: fc.option(fc.stringMatching(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/)),
  why: fc.constantFrom(...SUPPRESSION_REASONS),
  day: fc.integer({ min: 1, max: 65_535 }),
});

describe('an export of the suppression list', () => {
  it('is read as it was written, line by line', () => {
    fc.assert(
      fc.property(item, (one) => {
        expect(parseExportLine(exportLine(one))).toEqual(one);
      }),
    );
    const secret = '0f'.repeat(32);
    expect(isExportHeader(exportHeader(secret))).toBe(true);
    expect(parseExportHeader(`${exportHeader(secret)}\r`)).toEqual({ secret });
  });

  it('is refused where a line is anything else, with a reason', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = parseExportLine(text);
        if (typeof parsed !== 'string') expect(exportLine(parsed)).toBe(text.trimEnd());
      }),
    );
    const good = '00112233445566778899,news,manual,2026-11-25';
    for (const [bad, why] of [
      [good.replace('news', 'News!'), 'topic'],
      [good.replace('manual', 'whim'), 'manual, import, bounce, unsubscribe'],
      [good.replace('2026-11-25', '2026-13-25'), 'date'],
      [good.replace('2026-11-25', '1969-01-01'), 'date'],
      [good.replace('00', '0'), 'hash,topic,why,date'],
      [`${good},more`, 'hash,topic,why,date'],
      ['ada@example.com', 'hash,topic,why,date'],
    ] as const)
      expect(parseExportLine(bad)).toContain(why);
  });

  it('is refused where its first line is another version’s, or has no whole key', () => {
    expect(parseExportHeader(`fanmail-suppression,2,${'0f'.repeat(32)}`)).toContain('version 2');
    expect(parseExportHeader('fanmail-suppression,1,0f0f')).toContain('key');
    expect(isExportHeader('ada@example.com')).toBe(false);
  });
});
