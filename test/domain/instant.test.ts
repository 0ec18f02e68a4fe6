import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInstant } from '../../src/domain/instant.js';

const at = (iso: string) => Date.parse(iso);
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

  it.each([
    ['Australia/Lord_Howe', '2027-10-03 02:15', '2027-04-04 01:45', ['+11:00', '+10:30']],
    ['America/New_York', '2027-03-14 02:59', '2027-11-07 01:00', ['-04:00', '-05:00']],
    ['America/Santiago', '2026-09-06 00:30', '2026-04-04 23:30', ['-03:00', '-04:00']],
    ['Africa/Casablanca', '2026-03-22 02:30', '2026-02-15 02:30', ['+01:00', '+00:00']],
  ])('knows the changes of %s, and each of two times by its offset', (zone, leftOut, twice, offsets) => {
    expect(readInstant(leftOut, zone)).toEqual({ kind: 'left-out', zone });
    expect(readInstant(twice, zone)).toEqual({ kind: 'twice', zone, offsets });
    const read = offsets.map((offset) => readInstant(`${twice.replace(' ', 'T')}${offset}[${zone}]`, null));
    const alone = offsets.map((offset) => readInstant(`${twice} ${offset}`, zone));
    expect(read).toEqual(offsets.map((offset) => ({ kind: 'instant', ms: at(`${twice.replace(' ', 'T')}${offset}`) })));
    expect(alone).toEqual(read);
  });

  it('is read back from what the language writes, in any zone and at any offset', () => {
    const zone = fc.constantFrom('Europe/Paris', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Chatham', 'UTC');
    const second = fc.integer({ min: at('2026-01-01T00:00Z') / 1000, max: at('2037-12-31T00:00Z') / 1000 });
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 });
    fc.assert(
      fc.property(second, zone, offset, (seconds, where, minutes) => {
        const ms = seconds * 1000;
        const parts = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((n) =>
          String(n).padStart(2, '0'),
        );
        const local = new Date(ms + minutes * 60_000).toISOString().slice(0, 19);
        for (const colon of [':', ''])
          expect(readInstant(`${local}${minutes < 0 ? '-' : '+'}${parts.join(colon)}`, where)).toEqual({
            kind: 'instant',
            ms,
          });
        // The Swedes write the date as ISO 8601 does.
        const shown = new Date(ms).toLocaleString('sv-SE', { timeZone: where });
        const read = readInstant(shown, where);
        expect(['instant', 'twice']).toContain(read.kind);
        if (read.kind === 'instant') expect(read.ms).toBe(ms);
      }),
    );
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
    const began = performance.now();
    for (const more of [' ', '\t ', 'a/', 'a', '-', '+01:00 ', '[', '/', '0']) {
      const long = more.repeat(100_000 / more.length);
      for (const text of [`2026-12-01 09:00${long}!`, `2026-12-01 09:00+01:00${long}!`, `2026-12-01${long}09:00!`])
        expect(readInstant(text, null).kind).toBe('malformed');
    }
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
