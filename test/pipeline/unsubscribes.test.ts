import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tokensOf } from '../../src/domain/unsubscribe.js';
import type { OpenedToken } from '../../src/pipeline/suppression-ports.js';
import { createUnsubscribes } from '../../src/pipeline/unsubscribes.js';
import { createSuppression } from '../../src/redis/suppression/store.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.flushall());

/** People with their tokens opened. */
async function opened(count: number, topic: string | null) {
  const list = createSuppression(server.client());
  const unsubscribes = createUnsubscribes(list);
  const tokenOf = tokensOf(await list.linkSecret(), topic);
  const people = Array.from({ length: count }, (_, i) => `person${i}@example.com`);
  const tokens = await Promise.all(people.map((person) => unsubscribes.open(tokenOf(person))));
  return { list, unsubscribes, people, tokens: tokens as OpenedToken[] };
}

const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);

describe('who unsubscribe at the same moment', () => {
  it('go to Redis together: a call for each topic, and one for each that was opened', async () => {
    const { list, unsubscribes, people, tokens } = await opened(600, 'news');
    await unsubscribes.add(tokens[0] as OpenedToken, 'news');
    await redis.config('RESETSTAT');
    await Promise.all(tokens.map((token, i) => unsubscribes.add(token, i % 3 ? 'news' : null)));
    expect(await calls()).toBe(2);
    expect(await list.check(people, 'news')).toHaveLength(600);
    expect(await list.check(people, null)).toHaveLength(200);
  });

  it('while Redis takes others, go after these, together', async () => {
    const { unsubscribes, tokens, list, people } = await opened(300, null);
    await redis.config('RESETSTAT');
    process.kill(server.pid, 'SIGSTOP');
    const first = unsubscribes.add(tokens[0] as OpenedToken, null);
    const others: Promise<void>[] = [];
    // The first one is sent at the end of its turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    for (const token of tokens.slice(1)) {
      await new Promise((resolve) => setImmediate(resolve));
      others.push(unsubscribes.add(token, null));
    }
    process.kill(server.pid, 'SIGCONT');
    await Promise.all([first, ...others]);
    expect(await calls()).toBe(2);
    expect(await list.check(people, null)).toHaveLength(300);
  });

  it('and are too many while Redis takes nobody: these are told at once, and the others are added in the end', async () => {
    const { unsubscribes, tokens, list, people } = await opened(5_001, null);
    process.kill(server.pid, 'SIGSTOP');
    const added = tokens.slice(0, 5_000).map((token) => unsubscribes.add(token, null));
    const last = unsubscribes.add(tokens[5_000] as OpenedToken, null);
    await expect(last).rejects.toThrow('too many');
    process.kill(server.pid, 'SIGCONT');
    await Promise.all(added);
    expect(await list.check(people, null)).toHaveLength(5_000);
    await unsubscribes.add(tokens[5_000] as OpenedToken, null);
  });
});

it('fails for all that went together where Redis refuses them, and for nobody who comes later', async () => {
  const { unsubscribes, tokens, list, people } = await opened(3, null);
  await redis.config('SET', 'maxmemory', '1');
  const refused = await Promise.allSettled(tokens.map((token) => unsubscribes.add(token, null)));
  expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  await redis.config('SET', 'maxmemory', '0');
  await Promise.all(tokens.map((token) => unsubscribes.add(token, null)));
  expect(await list.check(people, null)).toEqual([0, 1, 2]);
});

it('takes nobody off a list whose secret is another one by now: their hash means nothing there', async () => {
  const { unsubscribes, tokens, list } = await opened(1, null);
  await redis.flushall();
  await list.adopt('cd'.repeat(32));
  await expect(unsubscribes.add(tokens[0] as OpenedToken, null)).rejects.toThrow();
  expect((await list.standing()).entries).toBe(0);
});
