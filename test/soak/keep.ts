import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { Ground } from './ground.js';
import type { World } from './world.js';

/** What the ledger's keys hold, a line each, is asked for no longer than this. */
const ASK_MS = 5_000;

/**
 * Leaves everything that is needed to understand a breach in the round's folder, beside lists, results and the relay's
 * record: `breach.json` with the world and what was done, the logs, and what Redis held. Returns the folder.
 */
export async function keepEvidence(world: World, found: object, ground: Ground): Promise<string> {
  const { folder } = ground.place;
  const file = (name: string) => join(folder, name);
  writeFileSync(file('breach.json'), `${JSON.stringify({ world, found }, null, 2)}\n`);
  for (const [i, said] of ground.crews.said().entries()) writeFileSync(file(`crew-${i}.log`), said);
  const timeout = new Promise<string>((resolve) => setTimeout(() => resolve('Redis gave no answer\n'), ASK_MS).unref());
  writeFileSync(file('redis.txt'), await Promise.race([contentsOf(ground.client), timeout]));
  return folder;
}

async function contentsOf(client: Redis): Promise<string> {
  const keys = (await client.keys('fanmail:*')).sort();
  const lines = await Promise.all(keys.map(async (key) => `${key}\t${await contentOf(client, key)}\n`));
  return lines.join('');
}

async function contentOf(client: Redis, key: string): Promise<string> {
  switch (String(await client.type(key))) {
    case 'string': {
      const bytes = await client.getBuffer(key);
      return /:(states:\d+|summary|sweep)$/.test(key) ? String(bytes) : (bytes?.toString('base64') ?? '');
    }
    case 'hash':
      return JSON.stringify(await client.hgetall(key));
    case 'list':
      return JSON.stringify(await client.lrange(key, 0, -1));
    case 'set':
      return JSON.stringify(await client.smembers(key));
    case 'zset':
      return JSON.stringify(await client.zrangebyscore(key, '-inf', '+inf', 'WITHSCORES'));
    default:
      return '';
  }
}
