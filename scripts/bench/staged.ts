import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { campaignKeys } from '../../src/redis/keys.js';
import type { Ground, Launch } from './ground.js';

export interface Staged {
  readonly rowsPerSecond: number;
  /** The most resident memory that the launching process ever had, in bytes. */
  readonly peak: number;
  /** What the keys of the campaign take in Redis for a recipient, in bytes. */
  readonly redisBytes: number;
}

/** At its end a process says what it took, by a file that its environment needs not name. */
const tellPeak = (file: string) => `import { writeFileSync } from 'node:fs';
process.on('exit', () => writeFileSync(${JSON.stringify(file)}, String(process.resourceUsage().maxRSS * 1024)));`;

/** Stages a list with the command itself; nobody is there to send it. `flags` are Node's. */
export async function stage(
  ground: Ground,
  launch: Omit<Launch, 'port'>,
  rows: number,
  flags: readonly string[] = [],
): Promise<Staged> {
  const file = join(ground.cwd, `peak-${launch.id}`);
  const tell = ['--import', `data:text/javascript,${encodeURIComponent(tellPeak(file))}`];
  await ground.launch({ ...launch, port: 9 }, [...flags, ...tell]);
  const { createdAt, sealedAt } = await ground.times(launch.id);
  const total = Number(await ground.redis.hget(campaignKeys(launch.id).campaign, 'total'));
  if (total !== rows || createdAt === null || sealedAt === null) throw new Error(`${total} of ${rows} rows are staged`);
  return {
    rowsPerSecond: rows / ((sealedAt - createdAt) / 1000),
    peak: Number(readFileSync(file, 'utf8')),
    redisBytes: (await memoryUsage(ground.redis, launch.id)) / rows,
  };
}

/** Bytes of all keys of a campaign, with what Redis adds to each. */
async function memoryUsage(redis: Redis, id: string): Promise<number> {
  let bytes = 0;
  for await (const keys of redis.scanStream({ match: `fanmail:{${id}}:*`, count: 1_000 })) {
    const sizes = await Promise.all((keys as string[]).map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
    for (const size of sizes) bytes += size ?? 0;
  }
  return bytes;
}
