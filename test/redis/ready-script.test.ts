import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ReadyScript } from '../../src/redis/ready-script.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(() => redis.script('FLUSH'));

const script = (source: string) => ({ source, sha: createHash('sha1').update(source).digest('hex') });
/** How long each key and argument is, and all of them. */
const ECHO = script(`
  local sizes, all = {}, ''
  for _, list in ipairs({ KEYS, ARGV }) do
    for _, one in ipairs(list) do sizes[#sizes + 1], all = #one, all .. one end
  end
  return table.concat(sizes, ' ') .. ':' .. all`);

describe('a ready script', () => {
  it.each<[string, (string | Buffer)[]]>([
    ['none', []],
    ['empty ones', ['', Buffer.alloc(0)]],
    ['texts, of any characters', ['a b', 'größer 例え 😀', '\r\n$3\r\n']],
    ['bytes, of any value', [Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), Buffer.from('\r\n*1')]],
    ['long ones', ['é'.repeat(100_000), Buffer.alloc(100_000, 'x')]],
  ])('takes its keys and arguments as they are: %s', async (_title, args) => {
    const keys = ['{ä}one', 'two'];
    const parts = [...keys, ...args].map((arg) => Buffer.from(arg as string));
    const expected = `${parts.map((part) => part.length).join(' ')}:${Buffer.concat(parts).toString('latin1')}`;
    const ready = new ReadyScript(redis, ECHO, keys);
    for (const seen of [false, true]) {
      expect(await redis.script('EXISTS', ECHO.sha)).toEqual([seen ? 1 : 0]);
      expect((await ready.run(args)).toString('latin1')).toBe(expected);
    }
  });

  it('says what Redis says against it, and is not run again', async () => {
    const failing = script(`redis.call('INCR', KEYS[1]) return redis.error_reply('OOPS no')`);
    const ready = new ReadyScript(redis, failing, ['runs']);
    await redis.script('LOAD', failing.source);
    await expect(ready.run([])).rejects.toThrow('OOPS no');
    expect(await redis.get('runs')).toBe('1');
  });

  it('that returns no text is an error', async () => {
    await expect(new ReadyScript(redis, script('return { 1 }'), []).run([])).rejects.toThrow('returned no text');
  });

  it('waits while Redis is away, and is sent again where its reply was lost', async () => {
    const other = server.client();
    const slow = script(`redis.call('INCR', KEYS[1]) local t = redis.call('TIME')[1] + 1
      while redis.call('TIME')[1] + 0 < t do end return 'done'`);
    await other.script('LOAD', slow.source);
    const ready = new ReadyScript(redis, slow, ['again']);
    const first = ready.run([]);
    await new Promise(setImmediate);
    redis.disconnect(true);
    const second = ready.run([]);
    expect(String(await first)).toBe('done');
    expect(String(await second)).toBe('done');
    expect(Number(await other.get('again'))).toBeGreaterThanOrEqual(2);
  });
});
