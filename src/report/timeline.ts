import type { Timeline } from '../domain/summary.js';

const STEPS_AT_MOST = 500;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How long a step may be, in seconds: each a multiple of the one before, and easy to read off an axis. */
const LENGTHS = [10, 30, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, DAY];

/**
 * The ledger's timeline (epoch seconds to the recipients that reached a final state in the step that begins there) as
 * steps of one length without a gap, merged where there would be more than 500; null where nothing was counted.
 * `sealedAt` is in epoch milliseconds.
 */
export function timelineOf(counted: ReadonlyMap<number, number>, sealedAt: number): Timeline | null {
  if (counted.size === 0) return null;
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const second of counted.keys()) [first, last] = [Math.min(first, second), Math.max(last, second)];
  const length = lengthFor(first, last, coarsest(last, sealedAt));
  const start = Math.floor(first / length);
  const counts = Array<number>(Math.floor(last / length) - start + 1).fill(0);
  for (const [second, count] of counted) {
    const at = Math.floor(second / length) - start;
    counts[at] = (counts[at] ?? 0) + count;
  }
  return { startedAt: new Date(start * length * 1000).toISOString(), stepMs: length * 1000, counts };
}

/** The ledger counts in longer steps as a campaign grows older (turn.lua); shorter ones would show gaps that were none. */
function coarsest(last: number, sealedAt: number): number {
  const reaches = (step: number, age: number) => last + step - sealedAt / 1000 >= age;
  if (reaches(10 * MINUTE, DAY)) return 10 * MINUTE;
  return reaches(MINUTE, HOUR) ? MINUTE : 10;
}

function lengthFor(first: number, last: number, shortest: number): number {
  const steps = (length: number) => Math.floor(last / length) - Math.floor(first / length) + 1;
  const length = LENGTHS.find((one) => one >= shortest && steps(one) <= STEPS_AT_MOST);
  return length ?? DAY * Math.ceil((last - first) / DAY / (STEPS_AT_MOST - 1));
}
