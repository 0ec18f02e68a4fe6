import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRedis, openRedis, retryDelay } from '../../src/redis/connect.js';
import { addressOf, describeTarget } from '../../src/redis/target.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await freshRedis();
});
afterAll(() => redis.stop());

const url = (text: string) => ({ kind: 'url', url: text }) as const;

describe('a target', () => {
  test.each([
    ['redis://cache.example', { host: 'cache.example', port: 6379 }],
    ['redis://cache.example:7000/3', { host: 'cache.example', port: 7000, db: 3 }],
    ['redis://:p%40ss@cache.example', { host: 'cache.example', port: 6379, password: 'p@ss' }],
    ['redis://me:secret@[::1]:6380', { host: '::1', port: 6380, username: 'me', password: 'secret' }],
    ['rediss://cache.example', { host: 'cache.example', port: 6379, tls: { servername: 'cache.example' } }],
    ['unix:///run/redis.sock', { path: '/run/redis.sock' }],
    ['redis+unix://me:s:c@/run/redis.sock?db=2', { path: '/run/redis.sock', username: 'me', password: 's:c', db: 2 }],
    ['/run/redis.sock', { path: '/run/redis.sock' }],
  ])('%s is understood', (text, expected) => {
    expect(addressOf(url(text))).toEqual(expected);
  });

  test.each([
    ['http://cache.example', /not a Redis URL/],
    ['cache.example:6379', /not a Redis URL/],
    ['redis://', /not a Redis URL/],
    ['redis://cache.example/first', /database "first"/],
    ['redis://cache.example?timeout=3', /parameter "timeout"/],
    ['redis://:50%@cache.example', /%25/],
  ])('%s is refused', (text, expected) => {
    expect(() => addressOf(url(text))).toThrow(expected);
  });

  test.each([
    'http://me:hunter2@host',
    'me:hunter2@host',
    'redis://me:hunter2@host/x',
    'redis://me:hunt@hunter2@/',
    '://hunter2@',
    'redis://me:65/hunter2@host',
    'redis://me:65?hunter2@host',
    'redis://me:65?hunter2=1@host',
    'unix:///run?hunter2@host/r.sock',
  ])('the refusal of %s does not show the password', (text) => {
    const refusal = (() => {
      try {
        addressOf(url(text));
      } catch (error) {
        return String(error);
      }
      return '';
    })();
    expect(refusal).toContain('The Redis URL');
    expect(refusal).not.toContain('hunter2');
  });

  test('is described without user and password', () => {
    expect(describeTarget(url('rediss://me:secret@[::1]:6380/2'))).toBe('rediss://[::1]:6380/2');
    expect(describeTarget(url('unix://me:secret@/run/r.sock?db=2'))).toBe('unix:/run/r.sock?db=2');
    expect(describeTarget({ kind: 'socket', path: '/run/r.sock' })).toBe('unix:/run/r.sock');
  });
});

describe('a connection', () => {
  test('has its name, and gives a map as an object from hgetall and a flat array from a script', async () => {
    const client = await openRedis(
      { kind: 'socket', path: redis.path },
      { name: 'fanmail-test', firstConnectMs: 5_000 },
    );
    expect(await client.client('GETNAME')).toBe('fanmail-test');
    await client.hset('h', 'a', '1');
    expect(await client.hgetall('h')).toEqual({ a: '1' });
    expect(await client.eval("return redis.call('HGETALL', 'h')", 0)).toEqual(['a', '1']);
    client.disconnect();
  });

  test('waits while the server is away, says so once, and goes on by itself when it is back', async () => {
    const own = await freshRedis({ persist: true });
    const said: string[] = [];
    const say = (_: object, message: string) => void said.push(message);
    const client = await openRedis(
      { kind: 'socket', path: own.path },
      { name: 'fanmail-test', firstConnectMs: 5_000, log: { debug: say, info: say, warn: say, error: say } },
    );
    await client.set('before', '1');
    await own.kill();
    const answer = client.get('before');
    await new Promise((resolve) => client.once('reconnecting', () => client.once('reconnecting', resolve)));
    await own.start();
    expect(await answer).toBe('1');
    expect(said).toEqual(['lost the connection to Redis', 'Redis is back']);
    client.disconnect();
    await own.stop();
  });

  test('that is never had is given up after the time allowed, naming host and reason but not the password', async () => {
    const began = Date.now();
    const opened = openRedis(url('redis://me:hunter2@127.0.0.1:1'), { name: 'fanmail-test', firstConnectMs: 300 });
    const error = await opened.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'REDIS_UNREACHABLE',
      message: expect.stringMatching(/redis:\/\/127\.0\.0\.1:1 .*ECONNREFUSED/),
    });
    expect(String(error)).not.toContain('hunter2');
    expect(Date.now() - began).toBeGreaterThanOrEqual(300);
    expect(Date.now() - began).toBeLessThan(2_000);
  });

  test('to something that never answers is given up, too', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await expect(
      openRedis(url(`redis://127.0.0.1:${port}`), { name: 'fanmail-test', firstConnectMs: 300 }),
    ).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
    server.close();
  });

  test('with user and password in the URL logs in; a wrong one is refused at once, without showing it', async () => {
    await redis.client().call('ACL', 'SETUSER', 'me', 'on', '>s3cret@', '~*', '&*', '+@all');
    const target = (password: string) => url(`unix://me:${encodeURIComponent(password)}@${redis.path}`);
    const client = await openRedis(target('s3cret@'), { name: 'fanmail-test', firstConnectMs: 5_000 });
    expect(await client.call('ACL', 'WHOAMI')).toBe('me');
    client.disconnect();
    const began = Date.now();
    const error = await openRedis(target('hunter2'), { name: 'fanmail-test', firstConnectMs: 20_000 }).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ code: 'REDIS_UNREACHABLE', message: expect.stringContaining('refused the login') });
    expect(String(error)).not.toContain('hunter2');
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  test('refuses a bad URL before it connects', () => {
    expect(() => connectRedis(url('ftp://host'), { name: 'fanmail-test' })).toThrow(/not a Redis URL/);
  });

  test('waits between tries from under 50 ms up to 1 s, never in step', () => {
    const delays = Array.from({ length: 40 }, (_, i) => retryDelay(i + 1));
    expect(delays[0]).toBeLessThanOrEqual(50);
    expect(Math.max(...delays)).toBeLessThanOrEqual(1_000);
    expect(Math.min(...delays.slice(10))).toBeGreaterThanOrEqual(500);
    expect(new Set(delays.slice(10)).size).toBeGreaterThan(10);
  });
});
