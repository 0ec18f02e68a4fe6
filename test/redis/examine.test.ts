import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { examineRedis, type RedisFindings } from '../../src/redis/examine.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let redis: TestRedis;
const others: TestRedis[] = [];

beforeAll(async () => {
  redis = await freshRedis();
});
afterAll(async () => {
  for (const each of [redis, ...others]) await each.stop();
});

async function examine(settings: Record<string, string>, options = {}): Promise<RedisFindings> {
  const client = redis.client(options);
  for (const [name, value] of Object.entries(settings)) await redis.client().config('SET', name, value);
  return examineRedis(client);
}

const SAFE = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction', save: '', maxmemory: '0' };
const warnings = (found: RedisFindings) =>
  found.findings.filter((finding) => finding.level === 'warn').map((finding) => finding.text);

test('a server that persists every write and evicts nothing gives no warning', async () => {
  const found = await examine(SAFE);
  expect(found).toMatchObject({ maxmemoryPolicy: 'noeviction', persistence: 'aof', appendfsync: 'always' });
  expect(found.version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(warnings(found)).toEqual([]);
  expect(found.findings).toHaveLength(3);
});

test.each([
  [{ 'maxmemory-policy': 'allkeys-lru' }, /allkeys-lru.*deletes campaigns.*nothing is evicted yet/],
  [{ 'maxmemory-policy': 'volatile-ttl', maxmemory: '100mb' }, /volatile-ttl.*noeviction\.$/],
  [{ appendfsync: 'everysec' }, /everysec.*sent twice/],
  [{ appendfsync: 'no' }, /30 s/],
  [{ appendonly: 'no', save: '3600 1' }, /snapshots/],
  [{ appendonly: 'no', save: '' }, /nothing to disk/],
])('%o is warned about, and nothing else', async (settings, expected) => {
  const found = warnings(await examine({ ...SAFE, ...settings }));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(expected);
});

test('a managed server that refuses CONFIG is judged by INFO', async () => {
  await redis.client().call('ACL', 'SETUSER', 'managed', 'on', '>pw', '~*', '&*', '+@all', '-config');
  const found = await examine({ ...SAFE, 'maxmemory-policy': 'allkeys-lru' }, { username: 'managed', password: 'pw' });
  expect(found).toMatchObject({ maxmemoryPolicy: 'allkeys-lru', persistence: 'aof', appendfsync: null });
  expect(warnings(found)).toHaveLength(2);
});

test('a server that refuses INFO and CONFIG is warned about, not failed on', async () => {
  await redis.client().call('ACL', 'SETUSER', 'mute', 'on', '>pw', '~*', '&*', '+@all', '-config', '-info');
  const found = await examine(SAFE, { username: 'mute', password: 'pw', enableReadyCheck: false });
  expect(found).toMatchObject({ version: null, maxmemoryPolicy: null, persistence: null });
  expect(warnings(found)).toHaveLength(3);
});

test.each([
  ['4.9.99', /4\.9\.99.*5\.0 or newer/],
  ['6.1.99', null],
])('version %s is refused below 5 and warned about below 6.2', async (version, refusal) => {
  const path = join(redis.path, '..', `v${version}`);
  const proxy = await claimVersion(redis.path, path, version);
  const old = new Redis({ path, protocol: 2 });
  try {
    if (refusal) {
      await expect(examineRedis(old)).rejects.toMatchObject({
        code: 'REDIS_UNSUITABLE',
        message: expect.stringMatching(refusal),
      });
    } else {
      expect(warnings(await examineRedis(old))).toContain('Redis 6.1.99 works, but 6.2 or newer is advised.');
    }
  } finally {
    old.disconnect();
    proxy.close();
  }
});

test('a read-only replica is refused', async () => {
  const replica = await freshRedis({ settings: { replicaof: '127.0.0.1 1' } });
  others.push(replica);
  await expect(examineRedis(replica.client({ enableReadyCheck: false }))).rejects.toMatchObject({
    code: 'REDIS_UNSUITABLE',
    hint: expect.stringContaining('127.0.0.1'),
  });
});

/** Passes everything on to the real server, but has it claim another version, padded to the same length. */
async function claimVersion(target: string, path: string, version: string): Promise<Server> {
  const server = createServer((socket) => {
    const upstream = connect(target);
    socket.pipe(upstream);
    upstream.on('data', (data) => {
      const text = data.toString('latin1');
      const changed = text.replace(/redis_version:[^\r]*/, (field) =>
        `redis_version:${version}`.padEnd(field.length, '.0'),
      );
      socket.write(Buffer.from(changed.slice(0, text.length), 'latin1'));
    });
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}
