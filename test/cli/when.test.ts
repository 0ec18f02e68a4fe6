import { describe, expect, it } from 'vitest';
import { type WhenSettings, whenOf } from '../../src/cli/when.js';
import { FanmailError } from '../../src/domain/errors.js';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 27, 12);
const NOTHING: WhenSettings = {
  ...{ at: null, between: null, zone: null, canary: null, hold: null, abortAbove: null },
  giveUp: 72 * HOUR,
};
const OFFICE = [{ days: [1, 2, 3, 4, 5], from: 540, to: 1020 }];
const when = (settings: Partial<WhenSettings>) => whenOf({ ...NOTHING, ...settings }, NOW);

/** How it is refused: code, words and what to do instead. */
async function refusal(settings: Partial<WhenSettings>): Promise<readonly [code: string, text: string, hint: string]> {
  const error = await when(settings).then(
    (taken) => {
      throw new Error(`taken as ${JSON.stringify(taken)}`);
    },
    (refused: unknown) => refused,
  );
  if (!(error instanceof FanmailError)) throw error;
  return [error.code, error.message, error.hint ?? ''];
}

describe('when a campaign goes out', () => {
  it('is not said where nothing was asked for, and a zone alone asks for nothing', async () => {
    expect(await when({})).toEqual({});
    expect(await when({ zone: 'Europe/Paris' })).toEqual({});
  });

  it('is a time, hours, or both', async () => {
    const at = Date.UTC(2026, 11, 1, 8);
    const hours = { windows: OFFICE, zone: 'Europe/Paris' };
    expect(await when({ at: ' 2026-12-01T09:00+01:00 ' })).toEqual({ schedule: { at, hours: null } });
    expect(await when({ between: OFFICE, zone: 'Europe/Paris' })).toEqual({ schedule: { at: null, hours } });
    const both = { at: '2026-12-01 09:00', between: OFFICE, zone: 'Europe/Paris' };
    expect(await when(both)).toEqual({ schedule: { at, hours } });
    // A zone of its own goes before that of the hours.
    const other = { ...both, at: '2026-12-01 03:00 America/New_York' };
    expect(await when(other)).toEqual({ schedule: { at, hours } });
  });

  it.each([
    ['2026-12-01 09:00', 'it has no time zone', 'Europe/Paris'],
    ['in an hour', 'that is no time', '2026-12-01T09:00+01:00'],
    ['2026-02-30T09:00Z', 'that is no time', '2026-12-01T09:00+01:00'],
    ['2026-12-01 09:00 Europe/Pari', 'there is no time zone Europe/Pari', 'such as Europe/Paris'],
    ['2026-12-01 09:00 Mars/City', 'there is no time zone Mars/City', 'the IANA name'],
    ['2027-03-28 02:30 Europe/Paris', 'put forward over that time', 'a time before or after'],
    ['2027-10-31 02:30 Europe/Paris', 'that time comes twice', '+02:00 or +01:00'],
    ['2026-12-01T09:00+02:00[Europe/Paris]', 'is not +02:00 then', 'one of the two alone'],
    ['2026-11-27T11:00Z', 'that was 1 h', 'a time to come'],
    ['2026-11-27T12:00Z', 'that was', 'a time to come'],
    ['2027-11-29T12:00Z', 'that is too far away', 'within a year'],
  ])('is refused where --at is "%s": %s', async (at, why, allowed) => {
    const [code, text, hint] = await refusal({ at });
    expect(code).toBe('OPTION_INVALID');
    expect(text).toContain(`--at can't be "${at}": `);
    expect(text).toContain(why);
    expect(hint).toContain(allowed);
  });

  it('may be the next second, and a year from now', async () => {
    expect(await when({ at: '2026-11-27T12:00:01Z' })).toEqual({ schedule: { at: NOW + 1000, hours: null } });
    expect(await when({ at: '2027-11-27T12:00Z' })).toMatchObject({ schedule: { hours: null } });
  });

  it('is no hours without a zone', async () => {
    expect(await refusal({ between: OFFICE })).toEqual([
      'USAGE',
      '--between needs a time zone.',
      expect.stringContaining('--zone'),
    ]);
  });
});

describe('a canary', () => {
  it('is held for half an hour and may fail by 2%, where nothing else is asked for', async () => {
    expect(await when({ canary: 0.01 })).toEqual({ canary: { share: 0.01, holdMs: HOUR / 2, abortAbove: 0.02 } });
    const own = { canary: 0.5, hold: 1_000, abortAbove: 0 };
    expect(await when(own)).toEqual({ canary: { share: 0.5, holdMs: 1_000, abortAbove: 0 } });
  });

  it('is what its hold and its limit are of', async () => {
    expect((await refusal({ hold: HOUR })).slice(0, 2)).toEqual(['USAGE', '--hold says nothing without --canary.']);
    const [, text, hint] = await refusal({ abortAbove: 0 });
    expect([text, hint]).toEqual(['--abort-above says nothing without --canary.', 'Add --canary …, such as 1%.']);
  });

  it('is not held for so long that all would be given up before', async () => {
    const [code, text, hint] = await refusal({ canary: 0.01, hold: HOUR, giveUp: HOUR });
    expect([code, hint]).toEqual(['OPTION_INVALID', 'Allowed: less than --give-up.']);
    expect(text).toContain("--hold can't be");
    expect(await when({ canary: 0.01, hold: HOUR - 1, giveUp: HOUR })).toMatchObject({ canary: { holdMs: HOUR - 1 } });
    // Also where the hold is the one that nobody asked for.
    expect((await refusal({ canary: 0.01, giveUp: HOUR / 2 }))[0]).toBe('OPTION_INVALID');
  });
});
