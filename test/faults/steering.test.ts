import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readResults } from '../support/audit.js';
import { type Running, startRelay, until } from '../support/cli.js';
import { childrenOf, type Field, newField, signal } from './field.js';

const CONNECTIONS = 5;

interface Line {
  readonly to: string;
  readonly accepted: boolean;
  /** Milliseconds. */
  readonly at: number;
}

const linesOf = (record: string): Line[] =>
  readFileSync(record, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

/** The most within any three seconds. */
function mostWithin(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  let [most, from] = [0, 0];
  sorted.forEach((time, to) => {
    while ((sorted[from] ?? 0) <= time - 3_000) from++;
    most = Math.max(most, to - from + 1);
  });
  return most;
}

/** Kills one of the worker processes, which is replaced. */
async function killOne({ child }: Running): Promise<void> {
  const victims = await until(async () => (childrenOf(child).length > 0 ? childrenOf(child) : null), 'a process');
  signal(victims[Math.floor(Math.random() * victims.length)] ?? 0, 'SIGKILL');
}

async function launch({ place }: Field, id: string, rows: readonly string[], smtp: string, options: readonly string[]) {
  writeFileSync(join(place.folder, `${id}.csv`), `email,first_name\n${rows.map((row) => `${row},N\n`).join('')}`);
  const usual = ['--template', 'notice', '--from', 'me@example.com', '--id', id, '--detach', '--yes'];
  const { code, err } = await place.run([
    'launch',
    `${id}.csv`,
    ...usual,
    '--chunk-size',
    '60',
    '--smtp',
    smtp,
    ...options,
  ]);
  if (code !== 0) throw new Error(err);
}

describe.concurrent('worker processes are killed', () => {
  it('while rates, throttling, two relays and a suppression steer a campaign: each limit holds, and nobody is lost', async () => {
    const field = await newField({ delayMs: 10 });
    const { place, relay } = field;
    const record = join(place.folder, 'second');
    const limit = { pattern: '@a\\.test$', perSecond: 20, reply: '450 4.7.28 unusual rate of messages' };
    const second = await startRelay({ record, limit });
    try {
      const domains = ['gmail.com', 'a.test', 'a.test', 'b.test', 'b.test'];
      const rows = Array.from({ length: 1_500 }, (_, n) => `steered${n}@${domains[n % domains.length]}`);
      const smtp = `${relay.url}?weight=2 ${second.url}`;
      const limits = ['--rate', '120/s', '--throttle', 'gmail.com=25/s', '--domain-connections', 'b.test=4'];
      await launch(field, 'steered', rows, smtp, [...limits, '--retry-schedule', '500ms', '--attempts', '2']);
      const workers = await field.workers({ processes: 3, connections: CONNECTIONS, smtp });
      await field.sent('steered', 100);
      const never = rows.slice(-60);
      expect((await place.run(['suppress', 'add', ...never])).code).toBe(0);
      for (let kills = 0; kills < 3; kills++) {
        await killOne(workers);
        // The fault's own rhythm, not a wait for something.
        await wait(2_000);
      }
      await field.ended('steered');
      const lines = [...linesOf(field.record), ...linesOf(record)];
      const accepted = lines.filter((line) => line.accepted);
      expect(new Set(accepted.map(({ to }) => to)).size).toBe(accepted.length);
      // On a busy machine the way from a slot to the relay may take up to a second longer for one than for another.
      expect(mostWithin(accepted.map(({ at }) => at))).toBeLessThanOrEqual(120 * 4);
      const google = accepted.filter(({ to }) => to.endsWith('@gmail.com'));
      expect(mostWithin(google.map(({ at }) => at))).toBeLessThanOrEqual(25 * 4);
      const results = readResults(join(place.folder, 'fanmail-results/steered/results.csv'));
      const count = (state: string) => results.filter((row) => row.state === state).length;
      expect(count('failed')).toBe(0);
      expect(count('unknown')).toBeLessThanOrEqual(3 * CONNECTIONS);
      expect(count('sent') + count('unknown') + count('suppressed')).toBe(1_500);
      expect(count('suppressed')).toBeGreaterThan(0);
      const got = new Set(accepted.map(({ to }) => to));
      for (const { email, state } of results) {
        if (state === 'suppressed')
          expect([email, got.has(email), never.includes(email)]).toEqual([email, false, true]);
        if (state === 'sent') expect([email, got.has(email)]).toEqual([email, true]);
      }
      expect((await place.run(['verify', 'steered'])).code).toBe(0);
      workers.child.kill('SIGTERM');
      expect((await workers.ended).code).toBe(0);
    } finally {
      await second.stop();
      await field.clear();
    }
  }, 180_000);

  it('while a breaker is open: whoever probes may die, and when the relay is back all get one copy', async () => {
    const field = await newField();
    const { place } = field;
    const record = join(place.folder, 'back');
    const gone = await startRelay({ record });
    const port = Number(new URL(gone.url).port);
    await gone.stop();
    try {
      const rows = Array.from({ length: 300 }, (_, n) => `back${n}@x.test`);
      await launch(field, 'back', rows, gone.url, []);
      const workers = await field.workers({ processes: 2, connections: CONNECTIONS });
      const open = async () => {
        const { breaker } = await place.json<{ breaker: { failures: number } | null }>(['progress', 'back']);
        return breaker && breaker.failures >= 2 ? true : null;
      };
      await until(open, 'an open breaker');
      for (let kills = 0; kills < 2; kills++) {
        await killOne(workers);
        await wait(1_500);
      }
      const back = await startRelay({ record, port });
      await field.ended('back');
      expect(
        linesOf(record)
          .map(({ to, accepted }) => [to, accepted])
          .sort(),
      ).toEqual(rows.map((to) => [to, true]).sort());
      workers.child.kill('SIGTERM');
      expect((await workers.ended).code).toBe(0);
      await back.stop();
    } finally {
      await field.clear();
    }
  }, 180_000);
});
