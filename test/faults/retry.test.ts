import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Summary } from '../../src/domain/summary.js';
import { readRecord, readResults } from '../support/audit.js';
import { type Allowance, breaches } from './auditor.js';
import { childrenOf, emails, type Field, newField, OPERATOR, signal } from './field.js';

const ROWS = 1_500;
const CONNECTIONS = 5;

const roundOf = async ({ client }: Field, id: string) => Number(await client.hget(`fanmail:{${id}}:campaign`, 'round'));

/** Results of a round against the list and the relay's record, which shares nothing with the sender. */
async function audit(field: Field, id: string, round: number, allowed: Allowance = {}): Promise<Summary> {
  const { place, record } = field;
  const folder = join('fanmail-results', id);
  const summary = place.read<Summary>(join(folder, `summary.round-${round}.json`));
  const rows = readResults(join(place.folder, folder, `results.round-${round}.csv`));
  const seen = readRecord(record);
  seen.delete(OPERATOR);
  expect(breaches(emails(id, summary.total), rows, seen, allowed)).toEqual([]);
  expect(summary.rounds?.map((one) => one.round)).toEqual(Array.from({ length: round }, (_, i) => i + 1));
  const { code, out } = await place.run(['verify', id]);
  expect([code, out]).toEqual([0, expect.stringContaining(`${id} holds.`)]);
  return summary;
}

describe.concurrent('a retry', () => {
  it('killed again and again opens one round or none, and nobody gets a second copy', async () => {
    const field = await newField({ transient: { pattern: '^user', times: 4 } });
    try {
      const worker = await field.workers({ processes: 1 });
      // As often as it is tried.
      await field.launch('killed', ROWS);
      await field.ended('killed');
      expect(await field.count('killed', 'failed')).toBe(ROWS);
      let kills = 0;
      // Later and later, until it has opened the round before it is killed.
      for (let ms = 250; (await roundOf(field, 'killed')) === 1; ms += 50) {
        const retry = field.place.start(['retry', 'killed', '--detach', '--smtp', field.relay.url]);
        await Promise.race([wait(ms), retry.ended]);
        signal(retry.child.pid ?? 0, 'SIGKILL');
        await retry.ended;
        kills++;
        const counters = await field.client.hgetall('fanmail:{killed}:counters');
        expect(Object.values(counters).reduce((all, count) => all + Number(count), 0)).toBe(ROWS);
      }
      expect(kills).toBeGreaterThan(3);
      await field.ended('killed');
      worker.child.kill('SIGTERM');
      expect((await worker.ended).code).toBe(0);
      const { states, rounds } = await audit(field, 'killed', 2);
      expect(states.sent).toBe(ROWS);
      expect(rounds?.map(({ ended }) => ended.sent)).toEqual([0, ROWS]);
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('meets a worker of the round before that was frozen: second copies are at most what it had on the wire', async () => {
    const field = await newField({ delayMs: 30 });
    try {
      await field.launch('thawed', 600);
      const frozen = await field.workers({ processes: 1, connections: CONNECTIONS });
      await field.sent('thawed', 100);
      const [victim = 0] = childrenOf(frozen.child);
      signal(victim, 'SIGSTOP');
      const worker = await field.workers({ processes: 1, connections: CONNECTIONS });
      await field.ended('thawed');
      const unknown = await field.count('thawed', 'unknown');
      expect(unknown).toBeGreaterThan(0);
      expect(unknown).toBeLessThanOrEqual(CONNECTIONS);
      const retry = ['retry', 'thawed', '--unknown', '--detach', '--smtp', field.relay.url];
      expect((await field.place.run(retry)).code).toBe(0);
      signal(victim, 'SIGCONT');
      await field.ended('thawed');
      for (const { child, ended } of [worker, frozen]) {
        child.kill('SIGTERM');
        expect((await ended).code).toBe(0);
      }
      const { states } = await audit(field, 'thawed', 2, { secondCopies: unknown });
      expect(states).toMatchObject({ sent: 600, unknown: 0 });
    } finally {
      await field.clear();
    }
  }, 200_000);
});
