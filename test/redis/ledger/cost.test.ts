import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import { sealed } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

/** Calls of each command since the server started, but for the asking itself. */
async function calls(): Promise<Record<string, number>> {
  const stats = await redis.info('commandstats');
  const found = [...stats.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)].map(([, name, count]) => [name, Number(count)]);
  return Object.fromEntries(found.filter(([name]) => name !== 'info'));
}

it('reading where a campaign stands costs the same commands for one chunk and for five hundred', async () => {
  const costs: Record<string, number>[] = [];
  for (const chunks of [1, 500]) {
    const { id, campaigns } = await sealed(redis, { chunks, perChunk: 2 });
    const before = await calls();
    const standing = await campaigns.standing(id);
    expect(standing?.total).toBe(chunks * 2);
    const after = await calls();
    costs.push(Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)])));
  }
  expect(costs[1]).toEqual(costs[0]);
  expect(Object.values(costs[0] ?? {}).reduce((a, b) => a + b, 0)).toBeLessThan(12);
});
