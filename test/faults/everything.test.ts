import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { newPlace, startRelay, until } from '../support/cli.js';
import { auditFiles, auditProgress, childrenOf, launchArguments, listOf, signal } from './field.js';

const ROWS = 1_500;
const WIRE = 10;

describe('everything is killed at once', () => {
  it('launch, workers and the embedded Redis: attach goes on to the end', async () => {
    const place = newPlace();
    const record = join(place.folder, 'record');
    const relay = await startRelay({ record, delayMs: 60 });
    try {
      writeFileSync(join(place.folder, 'people.csv'), listOf('all', ROWS));
      const shape = ['--workers', '2', '--connections', '5'];
      const running = place.start(launchArguments('all', relay.url, shape));
      const redis = await until(async () => {
        const status = await place.json<{ state: string; pid: number; path: string }>(['redis', 'status']);
        return status.state === 'running' ? status : null;
      }, 'the embedded Redis');
      const client = new Redis({ path: redis.path });
      await until(
        async () => (Number(await client.hget('fanmail:{all}:counters', 'sent')) > 200 ? true : null),
        'sending',
      );
      client.disconnect();
      const pids = new Set([...childrenOf(running.child), running.child.pid ?? 0, redis.pid]);
      expect(pids.size).toBe(4);
      for (const pid of pids) signal(pid, 'SIGKILL');
      await running.ended;

      const { code, out } = await place.run(['attach', 'all', '--smtp', relay.url, ...shape, '--json']);
      const { states } = await auditFiles({ place, record, id: 'all', rows: ROWS, allowed: { unknown: WIRE } });
      expect(code).toBe(states.unknown === 0 ? 0 : 3);
      expect(JSON.parse(out)).toMatchObject({ campaign: 'all', states });
      await auditProgress(place, 'all', await place.json(['attach', 'all']));
    } finally {
      await relay.stop();
      await place.clear();
    }
  }, 200_000);
});
