import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Hours, Window } from '../../src/domain/schedule.js';
import { nextSpan } from '../../src/domain/windows.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
/** With changes of the clocks by an hour and by half of one, and with odd offsets. */
const ZONES = ['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Chatham', 'UTC'];

const at = (iso: string) => Date.parse(iso);
const hm = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
const window = (times: string, days: readonly number[] = []): Window => {
  const [from = '', to = ''] = times.split('-');
  return { days, from: hm(from), to: hm(to) };
};
const WEEKDAYS = [1, 2, 3, 4, 5];

/** Day of the week from 1 and minute of the day on a wall clock, by the Intl of the language: not by what is tested. */
function wallClock(zone: string): (ms: number) => readonly [day: number, minute: number] {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
  const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return [days.indexOf(parts.weekday ?? '') + 1, Number(parts.hour) * 60 + Number(parts.minute)];
  };
}

/** Whether a wall clock that shows this lies in a window: one of yesterday may go on until today. */
function lies({ days, from, to }: Window, [day, minute]: readonly [number, number]): boolean {
  const begins = (on: number) => days.length === 0 || days.includes(((on + 6) % 7) + 1);
  if (to > from) return begins(day) && minute >= from && minute < to;
  return (begins(day) && minute >= from) || (begins(day - 1) && minute < to);
}

const someWindows = fc.array(
  fc
    .record({
      days: fc.uniqueArray(fc.integer({ min: 1, max: 7 })),
      from: fc.integer({ min: 0, max: 1439 }),
      to: fc.integer({ min: 1, max: 1440 }),
    })
    .filter(({ from, to }) => from !== to),
  { minLength: 1, maxLength: 3 },
);

describe('the next span of windows', () => {
  it.each([
    ['in a window: from now on', '09:00-17:00', '2026-12-01T09:30Z', '2026-12-01T09:30Z', '2026-12-01T16:00Z'],
    ['before it', '09:00-17:00', '2026-12-01T07:59Z', '2026-12-01T08:00Z', '2026-12-01T16:00Z'],
    ['at its end: the next one', '09:00-17:00', '2026-12-01T16:00Z', '2026-12-02T08:00Z', '2026-12-02T16:00Z'],
    ['over midnight', '22:00-06:00', '2026-12-01T23:30Z', '2026-12-01T23:30Z', '2026-12-02T05:00Z'],
    ['until midnight', '18:00-24:00', '2026-12-01T12:00Z', '2026-12-01T17:00Z', '2026-12-01T23:00Z'],
  ])('%s', (_what, times, from, opens, closes) => {
    const hours = { windows: [window(times)], zone: 'Europe/Paris' };
    expect(nextSpan(hours, at(from))).toEqual({ opensAt: at(opens), closesAt: at(closes) });
  });

  it('passes over days on which none begins', () => {
    const hours = { windows: [window('09:00-17:00', WEEKDAYS)], zone: 'Europe/Paris' };
    const friday = nextSpan(hours, at('2026-12-04T16:00Z'));
    expect(friday).toEqual({ opensAt: at('2026-12-07T08:00Z'), closesAt: at('2026-12-07T16:00Z') });
    const once = { windows: [window('09:00-10:00', [2])], zone: 'UTC' };
    expect(nextSpan(once, at('2026-12-01T10:00Z')).opensAt).toBe(at('2026-12-08T09:00Z'));
  });

  it('joins windows that touch or overlap, over midnight too', () => {
    const hours = { windows: [window('20:00-24:00'), window('00:00-04:00'), window('03:00-05:00')], zone: 'UTC' };
    const span = { opensAt: at('2026-12-01T21:00Z'), closesAt: at('2026-12-02T05:00Z') };
    expect(nextSpan(hours, at('2026-12-01T21:00Z'))).toEqual(span);
  });

  it('follows the clocks of the zone: an hour that is left out, and one that comes twice', () => {
    const night = { windows: [window('02:15-02:45')], zone: 'Europe/Paris' };
    // 02:15 is not there in that night: an hour later.
    const spring = { opensAt: at('2027-03-28T03:15+02:00'), closesAt: at('2027-03-28T03:45+02:00') };
    expect(nextSpan(night, at('2027-03-28T00:00Z'))).toEqual(spring);
    // It is there twice: the first one, in summer time.
    const autumn = { opensAt: at('2027-10-31T02:15+02:00'), closesAt: at('2027-10-31T02:45+02:00') };
    expect(nextSpan(night, at('2027-10-30T22:00Z'))).toEqual(autumn);
    const office = { windows: [window('09:00-17:00')], zone: 'Europe/Paris' };
    expect(nextSpan(office, at('2027-03-27T20:00Z')).opensAt).toBe(at('2027-03-28T09:00+02:00'));
    expect(nextSpan(office, at('2027-10-30T20:00Z')).opensAt).toBe(at('2027-10-31T09:00+01:00'));
  });

  it('passes over a window of which a change of the clocks leaves nothing', () => {
    // 02:30 is an hour later in that night, and so after its end.
    const night = { windows: [window('02:30-03:15')], zone: 'Europe/Paris' };
    const next = { opensAt: at('2027-03-29T02:30+02:00'), closesAt: at('2027-03-29T03:15+02:00') };
    expect(nextSpan(night, at('2027-03-28T00:00Z'))).toEqual(next);
    // Where it is the only one of its week, in the week after.
    const sunday = { windows: [window('02:30-03:15', [7])], zone: 'Europe/Paris' };
    expect(nextSpan(sunday, at('2027-03-21T12:00Z')).opensAt).toBe(at('2027-04-04T02:30+02:00'));
  });

  it('is what a wall clock of the zone says, minute by minute, away from changes of the clocks', () => {
    // Neither hemisphere changes its clocks in these weeks.
    const instant = fc.integer({ min: at('2026-11-20T00:00Z') / MINUTE, max: at('2027-02-20T00:00Z') / MINUTE });
    fc.assert(
      fc.property(someWindows, fc.constantFrom(...ZONES), instant, (some, zone, minutes) => {
        const from = minutes * MINUTE;
        const clock = wallClock(zone);
        const open = (ms: number) => some.some((one) => lies(one, clock(ms)));
        const { opensAt, closesAt } = nextSpan({ windows: some, zone }, from);
        expect(opensAt).toBeGreaterThanOrEqual(from);
        if (closesAt === null) throw new Error('a span of windows has an end');
        expect(closesAt).toBeGreaterThan(opensAt);
        const step = (ms: number) => Math.max(MINUTE, Math.floor(ms / 400 / MINUTE) * MINUTE);
        for (let ms = from; ms < opensAt; ms += step(opensAt - from)) expect(open(ms), 'missed').toBe(false);
        if (opensAt > from) expect(open(opensAt - MINUTE), 'missed the minute before').toBe(false);
        for (let ms = opensAt; ms < closesAt; ms += step(closesAt - opensAt)) expect(open(ms), 'not open').toBe(true);
        expect(open(closesAt - MINUTE)).toBe(true);
        // Those that never close end somewhere, and go on at once.
        if (closesAt - from < 8 * DAY) expect(open(closesAt), 'closed too early').toBe(false);
      }),
      { numRuns: 150 },
    );
  });
});

/** Nights in which clocks change, in UTC: forward and back, by an hour, by half of one, and at midnight. */
const CHANGES: readonly (readonly [zone: string, ...nights: string[]])[] = [
  ['Europe/Paris', '2027-03-28T01:00Z', '2027-10-31T01:00Z'],
  ['America/New_York', '2027-03-14T07:00Z', '2027-11-07T06:00Z'],
  ['Australia/Lord_Howe', '2027-04-03T15:00Z', '2027-10-02T15:30Z'],
  ['Africa/Casablanca', '2026-02-15T02:00Z', '2026-03-22T02:00Z'],
  ['America/Santiago', '2026-04-05T03:00Z', '2026-09-06T04:00Z'],
  ['Asia/Kathmandu', '2027-03-28T01:00Z'],
];

/** When a wall clock shows a time for the first time; one that it leaves out, by the clock before the change. By Intl alone. */
function instants(zone: string): (day: number, minutes: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', hourCycle: 'h23' },
  });
  const shown = (ms: number) => {
    const of = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(of.year ?? 0, (of.month ?? 0) - 1, of.day, of.hour, of.minute);
  };
  return (day, minutes) => {
    const wanted = day + minutes * MINUTE;
    const [before = 0, after = 0] = [wanted - DAY, wanted + DAY].map((ms) => wanted - (shown(ms) - ms));
    const there = [before, after].filter((ms) => shown(ms) === wanted);
    return there.length > 0 ? Math.min(...there) : before;
  };
}

/** What the windows come to, as a list of spans from some days before `from` on: by their rule, one day after the other. */
function allSpans({ windows, zone }: Hours, from: number): { opensAt: number; closesAt: number }[] {
  const instant = instants(zone);
  const firstDay = Math.floor(from / DAY) * DAY - 3 * DAY;
  const single = Array.from({ length: 40 }, (_, n) => firstDay + n * DAY).flatMap((day) => {
    const weekday = ((new Date(day).getUTCDay() + 6) % 7) + 1;
    const some = windows.filter(({ days }) => days.length === 0 || days.includes(weekday));
    return some.map(({ from: opens, to }) => {
      return { opensAt: instant(day, opens), closesAt: instant(day, to > opens ? to : to + 1440) };
    });
  });
  const merged: { opensAt: number; closesAt: number }[] = [];
  for (const span of single.filter((one) => one.closesAt > one.opensAt).sort((a, b) => a.opensAt - b.opensAt)) {
    const last = merged.at(-1);
    if (last && span.opensAt <= last.closesAt) last.closesAt = Math.max(last.closesAt, span.closesAt);
    else merged.push({ ...span });
  }
  return merged;
}

describe('the next span of windows, around a change of the clocks', () => {
  const zoneOfThis = process.env.TZ;
  afterEach(() => {
    if (zoneOfThis === undefined) delete process.env.TZ;
    else process.env.TZ = zoneOfThis;
  });

  const near = fc
    .constantFrom(...CHANGES.flatMap(([zone, ...nights]) => nights.map((night) => ({ zone, night }))))
    .chain(({ zone, night }) =>
      fc.record({
        zone: fc.constant(zone),
        from: fc.integer({ min: -2 * DAY, max: 2 * DAY }).map((by) => at(night) + by),
      }),
    );
  /** Short ones of the small hours, where something happens to them. */
  const early = fc
    .array(fc.record({ quarter: fc.integer({ min: 0, max: 14 }), quarters: fc.integer({ min: 1, max: 5 }) }), {
      ...{ minLength: 1, maxLength: 3 },
    })
    .map((some) =>
      some.map(({ quarter, quarters }) => ({ days: [], from: quarter * 15, to: (quarter + quarters) * 15 })),
    );
  const windows = fc.oneof(someWindows, early);

  it.each(['UTC', 'America/New_York', 'Pacific/Kiritimati'])(
    'is the first of all of them, to the millisecond, and goes on behind it, on a machine in %s',
    (machine) => {
      process.env.TZ = machine;
      fc.assert(
        fc.property(near, windows, ({ zone, from }, some) => {
          const hours = { windows: some, zone };
          const all = allSpans(hours, from);
          let now = from;
          for (let times = 0; times < 4; times++) {
            const expected = all.find(({ closesAt }) => closesAt > now);
            if (!expected) throw new Error('the oracle does not reach so far');
            const span = nextSpan(hours, now);
            expect(span.opensAt).toBe(Math.max(now, expected.opensAt));
            if (span.closesAt === null) throw new Error('a span of windows has an end');
            expect(span.closesAt).toBeGreaterThan(span.opensAt);
            // Of windows that never close, it sees no end.
            if (expected.closesAt - now < 10 * DAY) expect(span.closesAt).toBe(expected.closesAt);
            else break;
            now = span.closesAt;
          }
        }),
        { numRuns: 120 },
      );
    },
  );
});
