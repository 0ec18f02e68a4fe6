import { Temporal } from 'temporal-polyfill';
import type { Hours, Span, Window } from './schedule.js';

/** A window begins at least once in so many days, also where a change of the clocks leaves nothing of one in a week. */
const DAYS_AHEAD = 15;
const MINUTES_OF_A_DAY = 1440;

/**
 * The span of windows that `from` (epoch milliseconds) lies in, or the next one. A time that a change of the clocks leaves out
 * is the one so much later; of one that comes twice the first counts. A window that ends no later than it begins by this is left
 * out.
 */
export function nextSpan({ windows, zone }: Hours, from: number): Span {
  const today = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zone).toPlainDate();
  const spans: { opensAt: number; closesAt: number }[] = [];
  // One of yesterday may end today.
  for (let ahead = -1; ahead <= DAYS_AHEAD; ahead++) {
    const day = today.add({ days: ahead });
    for (const window of windows) if (beginsOn(window, day)) spans.push(spanOf(window, day, zone));
  }
  spans.sort((a, b) => a.opensAt - b.opensAt);
  const at = spans.findIndex(({ opensAt, closesAt }) => closesAt > Math.max(from, opensAt));
  const first = spans[at];
  if (!first) throw new RangeError(`no window of ${JSON.stringify(windows)} in ${zone} after ${from}`);
  let { closesAt } = first;
  for (const next of spans.slice(at + 1)) {
    if (next.opensAt > closesAt) break;
    closesAt = Math.max(closesAt, next.closesAt);
  }
  return { opensAt: Math.max(from, first.opensAt), closesAt };
}

function beginsOn({ days }: Window, day: Temporal.PlainDate): boolean {
  return days.length === 0 || days.includes(day.dayOfWeek);
}

function spanOf({ from, to }: Window, day: Temporal.PlainDate, zone: string) {
  return {
    opensAt: instantOf(day, from, zone),
    closesAt: instantOf(day, to > from ? to : to + MINUTES_OF_A_DAY, zone),
  };
}

function instantOf(day: Temporal.PlainDate, minutes: number, zone: string): number {
  const date = day.add({ days: Math.floor(minutes / MINUTES_OF_A_DAY) });
  const time = { hour: Math.floor((minutes % MINUTES_OF_A_DAY) / 60), minute: minutes % 60 };
  return date.toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(time) }).epochMilliseconds;
}
