import { describe, expect, it } from 'vitest';
import { until } from '../support/cli.js';
import { childrenOf, newField, signal } from './field.js';

const CONNECTIONS = 5;

describe.concurrent('workers come and go', () => {
  it('a rolling deploy: new ones start, old ones get SIGTERM, three times; all exit 0, nobody is unknown', async () => {
    const rows = 1_500;
    const field = await newField({ delayMs: 200 });
    try {
      await field.launch('rolling', rows);
      let old = await field.workers({ processes: 1, connections: 20 });
      for (let deploys = 1; deploys <= 3; deploys++) {
        await field.sent('rolling', 100 * deploys);
        const fresh = await field.workers({ processes: 1, connections: 20 });
        old.child.kill('SIGTERM');
        expect((await old.ended).code).toBe(0);
        expect(await field.phase('rolling')).toBe('sending');
        old = fresh;
      }
      await field.ended('rolling');
      old.child.kill('SIGTERM');
      expect((await old.ended).code).toBe(0);
      const { states } = await field.audit('rolling', rows);
      expect(states.sent).toBe(rows);
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('a worker frozen past its lock and thawed after another took its chunks: no second copy', async () => {
    const rows = 2_500;
    const field = await newField({ delayMs: 60 });
    try {
      await field.launch('frozen', rows);
      const one = await field.workers({ processes: 1, connections: CONNECTIONS });
      const other = await field.workers({ processes: 1, connections: CONNECTIONS });
      await field.sent('frozen', 50);
      const [victim = 0] = childrenOf(one.child);
      signal(victim, 'SIGSTOP');
      const nonce = await field.client.hget('fanmail:{frozen}:campaign', 'nonce');
      await until(async () => {
        for (let chunk = 0; chunk < rows / 100; chunk++) {
          const fence = await field.client.hget(`fanmail:{frozen}:${nonce}:chunk:${chunk}`, 'fence');
          if (Number(fence) > 1) return true;
        }
        return null;
      }, 'another owner of a chunk');
      expect(await field.phase('frozen')).toBe('sending');
      signal(victim, 'SIGCONT');
      await field.ended('frozen');
      for (const { child, ended } of [one, other]) {
        child.kill('SIGTERM');
        expect((await ended).code).toBe(0);
      }
      await field.audit('frozen', rows, { unknown: CONNECTIONS });
    } finally {
      await field.clear();
    }
  }, 200_000);
});
