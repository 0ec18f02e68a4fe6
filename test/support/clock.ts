import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clockLibrary } from '../../scripts/clock-library.mjs';

/** The wall clock of real processes, which a test holds. Monotonic clocks go on, so timers work as ever. */
export interface HeldClock {
  /** For the environment of a process that is to have this clock. */
  readonly env: Readonly<Record<string, string>>;
  /** Stops it at a time, epoch milliseconds, of which it knows microseconds. */
  stop(ms: number): void;
  /** Stopped, it moves on by so many milliseconds. */
  advance(ms: number): void;
  /** Lets it go on, from a time on. */
  run(from: number): void;
  /** What it says. */
  now(): number;
  remove(): void;
}

const LIBRARY = clockLibrary();
/** On a disk, renaming over a file may wait for it, and some tests move their clock ten thousand times. */
const IN_MEMORY = '/dev/shm';

/** Why no clock can be held here, or null. */
export const CLOCK_MISSING: string | null = existsSync(LIBRARY)
  ? null
  : `no clock can be held: ${LIBRARY} is missing; npm test puts it there, where Debian's packages can be had`;

/** Starts stopped at `ms`. */
export function heldClock(ms: number): HeldClock {
  const folder = mkdtempSync(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), 'fanmail-clock-'));
  const file = join(folder, 'clock');
  let said: { readonly at: number; readonly since: number | null };

  function write(text: string): void {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }

  const clock: HeldClock = {
    env: {
      // Behind it libc, so that its malloc comes before jemalloc's, which asks for the time before the library can say it.
      LD_PRELOAD: `${LIBRARY} libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      TZ: 'UTC',
    },
    stop(at) {
      const micros = Math.round(at * 1000);
      said = { at: micros / 1000, since: null };
      const seconds = new Date(Math.floor(micros / 1_000_000) * 1000).toISOString().slice(0, 19).replace('T', ' ');
      // Half a microsecond more, since the library reads a fraction that may come out a little less.
      write(`${seconds}.${String(micros % 1_000_000).padStart(6, '0')}5`);
    },
    advance: (by) => clock.stop(clock.now() + by),
    run(from) {
      const since = Date.now();
      said = { at: from, since };
      const shift = (from - since) / 1000;
      write(`${shift < 0 ? '-' : '+'}${Math.abs(shift).toFixed(3)}`);
    },
    now: () => said.at + (said.since === null ? 0 : Date.now() - said.since),
    remove() {
      rmSync(folder, { recursive: true, force: true });
      sweep();
    },
  };
  clock.stop(ms);
  return clock;
}

/** A process that was killed leaves what the library shares with its children, by its number. */
function sweep(): void {
  if (!existsSync(IN_MEMORY)) return;
  const left = readdirSync(IN_MEMORY).flatMap((name) => /^faketime_shm_(\d+)$/.exec(name)?.[1] ?? []);
  // In this order: the library refuses to start a process of that number where it finds the first without the second.
  for (const pid of left.filter((pid) => !existsSync(`/proc/${pid}`)))
    for (const name of ['faketime_shm_', 'sem.faketime_sem_']) rmSync(join(IN_MEMORY, name + pid), { force: true });
}
