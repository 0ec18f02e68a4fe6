import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readResults } from '../support/audit.js';
import { until } from '../support/cli.js';
import { childrenOf, type Field, newField, signal } from './field.js';

const ROWS = 2_500;
const CONNECTIONS = 5;
const KILLS = 4;

/** Kills one of the worker processes at a time, while the campaign goes on. */
async function killAgainAndAgain(field: Field, id: string): Promise<void> {
  const running = await field.workers({ processes: 2, connections: CONNECTIONS });
  await field.sent(id, 50);
  for (let kill = 0; kill < KILLS; kill++) {
    const victims = await until(async () => {
      const pids = childrenOf(running.child);
      return pids.length > 0 ? pids : null;
    }, 'a worker process');
    const victim = victims[Math.floor(Math.random() * victims.length)] ?? 0;
    expect(await field.phase(id)).toBe('sending');
    signal(victim, 'SIGKILL');
    // The fault's own rhythm, not a wait for something.
    await wait(1_500 + 1_000 * Math.random());
  }
  await field.ended(id);
  running.child.kill('SIGTERM');
  expect((await running.ended).code).toBe(0);
}

describe.concurrent('worker processes are killed again and again', () => {
  it('with hold, nobody gets a second copy, and at most what was on the wire is unknown', async () => {
    const field = await newField({ delayMs: 40, permanent: '^user\\d*7@' });
    try {
      await field.launch('held', ROWS);
      await killAgainAndAgain(field, 'held');
      const { states } = await field.audit('held', ROWS, { unknown: KILLS * CONNECTIONS });
      expect(states.failed).toBeGreaterThan(200);
    } finally {
      await field.clear();
    }
  }, 180_000);

  it('with resend, nobody is without a copy unless refused, and second copies are at most what was on the wire', async () => {
    const field = await newField({ delayMs: 40, permanent: '^user\\d*7@' });
    try {
      await field.launch('resent', ROWS, '--on-unknown', 'resend');
      await killAgainAndAgain(field, 'resent');
      const wire = KILLS * CONNECTIONS;
      const { states } = await field.audit('resent', ROWS, { secondCopies: wire, unknown: wire });
      expect(states.sent + states.failed + states.unknown).toBe(ROWS);
      // Refused at the second try; whether the first one arrived, nobody knows.
      const rows = readResults(join(field.place.folder, 'fanmail-results/resent/results.csv'));
      const unknown = rows.filter(({ state }) => state === 'unknown').map(({ email }) => email);
      expect(unknown.filter((email) => !/^user\d*7@/.test(email))).toEqual([]);
    } finally {
      await field.clear();
    }
  }, 180_000);
});
