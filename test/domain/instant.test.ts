import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInstant } from '../../src/domain/instant.js';

const NINE_IN_PARIS = Date.parse('2026-12-01T08:00Z');

describe('a time that somebody types', () => {
  it.each([
    '2026-12-01T09:00+01:00',
    '2026-12-01 09:00 +0100',
    '2026-12-01 09:00:00+01',
    '2026-12-01T08:00Z',
    '2026-12-01 09:00 Europe/Paris',
    '2026-12-01T09:00[Europe/Paris]',
    '2026-12-01T09:00:00+01:00[Europe/Paris]',
    '2026-12-01 08:00 UTC',
  ])('%s is an instant', (text) => {
    expect(readInstant(text, null)).toEqual({ kind: 'instant', ms: NINE_IN_PARIS });
  });

  it('without a zone is one of the zone that is given, which it may overrule', () => {
    expect(readInstant('2026-12-01 09:00', 'Europe/Paris')).toEqual({ kind: 'instant', ms: NINE_IN_PARIS });
    expect(readInstant('2026-12-01 08:00 UTC', 'Europe/Paris')).toEqual({ kind: 'instant', ms: NINE_IN_PARIS });
    expect(readInstant('2026-12-01T08:00Z', 'Europe/Paris')).toEqual({ kind: 'instant', ms: NINE_IN_PARIS });
    expect(readInstant('2026-12-01 09:00', null)).toEqual({ kind: 'local' });
  });

  it.each([
    '',
    'tomorrow',
    '2026-12-01',
    '09:00 UTC',
    '2026-13-01 09:00Z',
    '2026-02-29T09:00Z',
    '2026-12-01T24:01Z',
    '2026-12-01T09:60Z',
    '2026-12-01T09:00+99:00',
  ])('"%s" is none', (text) => {
    expect(readInstant(text, 'Europe/Paris')).toEqual({ kind: 'malformed' });
  });

  it('is none in a zone that there is not', () => {
    expect(readInstant('2026-12-01 09:00 Mars/City', null)).toEqual({ kind: 'unknown-zone', zone: 'Mars/City' });
  });

  it('that the clocks leave out, or show twice, is told so', () => {
    const zone = 'Europe/Paris';
    expect(readInstant(`2027-03-28 02:30 ${zone}`, null)).toEqual({ kind: 'left-out', zone });
    const twice = { kind: 'twice', zone, offsets: ['+02:00', '+01:00'] };
    expect(readInstant(`2027-10-31 02:30 ${zone}`, null)).toEqual(twice);
    const second = { kind: 'instant', ms: Date.parse('2027-10-31T01:30Z') };
    expect(readInstant(`2027-10-31T02:30+01:00[${zone}]`, null)).toEqual(second);
    expect(readInstant(`2027-10-31T02:30+03:00[${zone}]`, null)).toEqual({ kind: 'at-odds', zone, offset: '+03:00' });
  });

  it('is the same on a machine of any zone', () => {
    const script = `import('${new URL('../../dist/domain/instant.js', import.meta.url)}').then(({ readInstant }) => console.log(readInstant('2026-12-01 09:00 Europe/Paris', null).ms))`;
    for (const TZ of ['Pacific/Kiritimati', 'America/New_York']) {
      const out = execFileSync(process.execPath, ['-e', script], { env: { ...process.env, TZ }, encoding: 'utf8' });
      expect(Number(out)).toBe(NINE_IN_PARIS);
    }
  });

  it('may be any text, however long: it is read or refused, at once', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(readInstant(text, null).kind).not.toBe('instant');
      }),
    );
    expect(readInstant(`2026-12-01 09:00${' '.repeat(50_000)}!`, null)).toEqual({ kind: 'malformed' });
    expect(readInstant(`2026-12-01 09:00 ${'a/'.repeat(50_000)}`, null)).toEqual({ kind: 'malformed' });
  });
});
