/**
 * What the suppression list takes in Redis, and how long Redis is held by a call: `npx tsx scripts/suppression-memory.ts
 * [MILLIONS] [TOPICS...]` fills a Redis of its own with as many addresses, all for all campaigns; then each of the shares for
 * one more topic (0.5 of them for the first, and so on), and says what it comes to after each.
 */
import { randomBytes } from 'node:crypto';
import { createSuppression } from '../src/redis/suppression/store.js';
import { freshRedis } from '../test/support/redis.js';

const [millions = '10', ...shares] = process.argv.slice(2);
const total = Number(millions) * 1_000_000;
const BATCH = 1_000;
const server = await freshRedis();
const redis = server.client();
const list = createSuppression(redis);
await list.adopt(randomBytes(32).toString('hex'));
const secret = (await list.secret()) ?? '';
/** Any hash is as good as that of an address: they are evenly spread. */
const hashes = randomBytes(total * 10);

async function fill(count: number, topic: string | null): Promise<void> {
  const began = performance.now();
  for (let from = 0; from < count; from += BATCH) {
    const items = [];
    for (let i = from; i < Math.min(count, from + BATCH); i++)
      items.push({ hash: hashes.subarray(i * 10, i * 10 + 10), why: 'import' as const, day: 20_000 });
    await list.addHashes(secret, items, topic);
  }
  const seconds = (performance.now() - began) / 1000;
  const memory = await redis.info('memory');
  const figure = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(memory)?.[1] ?? 0) / 1_000_000;
  const { entries } = await list.standing();
  const encoding = await redis.object('ENCODING', 'fanmail:{_suppression}:bucket:1');
  console.info(
    `${topic ?? 'all'}: ${entries} addresses, used ${figure('used_memory').toFixed(0)} MB, resident ` +
      `${figure('used_memory_rss').toFixed(0)} MB, ${encoding}, ${Math.round(count / seconds)} a second`,
  );
}

/** How long Redis was held by calls of 1,000, as it says itself. */
async function held(): Promise<void> {
  await redis.config('SET', 'slowlog-log-slower-than', '0');
  await redis.config('SET', 'slowlog-max-len', '10000');
  await redis.call('SLOWLOG', 'RESET');
  const asked = Array.from({ length: 100_000 }, (_, i) => `user${i}@example.com`);
  const began = performance.now();
  await list.check(asked, null);
  const perSecond = asked.length / ((performance.now() - began) / 1000);
  const log = (await redis.call('SLOWLOG', 'GET', '10000')) as [number, number, number, string[]][];
  const times = log
    .filter(([, , , words]) => words[0]?.toUpperCase().startsWith('EVAL'))
    .map(([, , micros]) => micros)
    .sort((a, b) => a - b);
  const median = times[times.length >> 1];
  console.info(
    `check: ${Math.round(perSecond)} addresses a second, a call of 1,000 holds Redis ${median} µs, ${times.at(-1)} at most`,
  );
}

console.info(`empty: ${((await redis.info('memory')).match(/used_memory:(\d+)/)?.[1] ?? 0) as number} bytes`);
await fill(total, null);
await held();
for (const [i, share] of shares.entries()) await fill(Math.round(total * Number(share)), `topic-${i + 1}`);
if (shares.length > 0) await held();
await server.stop();
