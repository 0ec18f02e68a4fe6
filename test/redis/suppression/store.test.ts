import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dateOfDay } from '../../../src/domain/suppression.js';
import { SUPPRESSION_LIST, suppressionBucket } from '../../../src/redis/keys.js';
import { placeOf } from '../../../src/redis/suppression/layout.js';
import { createSuppression } from '../../../src/redis/suppression/store.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
beforeEach(async () => {
  await redis.flushall();
});
afterAll(() => server.stop());

const PEOPLE = Array.from({ length: 12 }, (_, i) => `p${i}@example.com`);
const TOPICS = [null, 'news', 'offers', 'events'] as const;
const topic = fc.constantFrom(...TOPICS);
const some = fc.subarray(PEOPLE, { minLength: 1 });
const op = fc.oneof(
  fc.record({ do: fc.constant('add' as const), some, topic }),
  fc.record({ do: fc.constant('remove' as const), some, topic }),
  fc.record({ do: fc.constant('check' as const), some, topic }),
);

describe('the suppression list', () => {
  it('is a set of addresses for each topic and one for all, whatever is added and removed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { maxLength: 25 }), async (ops) => {
        await redis.flushall();
        const list = createSuppression(redis);
        const model = new Set<string>();
        const name = (address: string, about: string | null) => `${about ?? ''} ${address}`;
        let { version } = await list.standing();
        for (const one of ops) {
          const there = one.some.filter((address) => model.has(name(address, one.topic)));
          if (one.do === 'check') {
            const expected = one.some.flatMap((address, i) =>
              model.has(name(address, null)) || model.has(name(address, one.topic)) ? i : [],
            );
            expect(await list.check(one.some, one.topic)).toEqual(expected);
            continue;
          }
          const changes = one.do === 'add' ? one.some.length - there.length : there.length;
          if (one.do === 'add') expect(await list.add(one.some, one.topic, 'manual')).toBe(changes);
          else expect(await list.remove(one.some, one.topic)).toBe(changes);
          for (const address of one.some)
            if (one.do === 'add') model.add(name(address, one.topic));
            else model.delete(name(address, one.topic));
          const now = await list.standing();
          expect(now.entries).toBe(new Set([...model].map((text) => text.split(' ')[1])).size);
          expect(now.version !== version).toBe(changes > 0);
          version = now.version;
        }
        const kept = new Set<string>();
        for (const address of PEOPLE) for (const item of await list.find(address)) kept.add(name(address, item.topic));
        expect(kept).toEqual(model);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it('keeps the first reason and its day, by the Redis clock', async () => {
    const list = createSuppression(redis);
    await list.add(['a@example.com'], null, 'bounce');
    await list.add(['a@example.com'], 'news', 'unsubscribe');
    expect(await list.add(['a@example.com'], null, 'manual')).toBe(0);
    const today = new Date().toISOString().slice(0, 10);
    const found = (await list.find('A@Example.COM')).map(({ day, ...rest }) => ({ ...rest, since: dateOfDay(day) }));
    expect(found).toEqual([
      { topic: null, why: 'bounce', since: today },
      { topic: 'news', why: 'unsubscribe', since: today },
    ]);
  });

  it('takes addresses for the same that a list of recipients takes for duplicates', async () => {
    const list = createSuppression(redis);
    await list.add(['Jo\u0308rg@example.com'], null, 'manual');
    expect(await list.check(['j\u00f6rg@example.com', 'J\u00d6RG@EXAMPLE.COM', 'jorg@example.com'], null)).toEqual([
      0, 1,
    ]);
  });

  it('goes through more than a batch, and says which', async () => {
    const list = createSuppression(redis);
    const all = Array.from({ length: 5_500 }, (_, i) => `u${i}@example.com`);
    expect(await list.add(all, 'news', 'import')).toBe(5_500);
    const asked = all.flatMap((address) => [`not-${address}`, address]);
    expect(await list.check(asked, 'news')).toEqual(all.map((_, i) => 2 * i + 1));
    expect(await list.check(asked, 'offers')).toEqual([]);
    expect(await list.remove(all, 'news')).toBe(5_500);
    expect((await list.standing()).entries).toBe(0);
    expect((await redis.keys('*bucket*')).length).toBe(0);
  });

  it('keeps no address in Redis, nor a part of one, in any key or value', async () => {
    const list = createSuppression(redis);
    const addresses = ['wilhelmina.secretname@hidden-company.example', 'JÖRG.verborgen@bücherei.example'];
    await list.add(addresses, null, 'manual');
    await list.add(addresses, 'news', 'unsubscribe');
    await list.check(addresses, 'news');
    const dumped: Buffer[] = [];
    for await (const keys of redis.scanBufferStream() as AsyncIterable<Buffer[]>) {
      for (const key of keys) {
        dumped.push(key);
        const type = await redis.type(key);
        expect(type, String(key)).toBe('hash');
        dumped.push(...((await redis.callBuffer('HGETALL', key)) as Buffer[]));
      }
    }
    const all = Buffer.concat(dumped).toString('latin1').toLowerCase();
    expect(all.length).toBeGreaterThan(100);
    for (const part of ['wilhelmina', 'secretname', 'hidden', 'company', 'verborgen', 'cherei', 'example', '@hidden'])
      expect(all).not.toContain(part);
  });

  it('can’t be tested by who lacks its secret: another list has other hashes', async () => {
    const hashes: string[] = [];
    for (let i = 0; i < 2; i++) {
      await redis.flushall();
      const list = createSuppression(redis);
      await list.add(['a@example.com'], null, 'manual');
      for await (const page of list.pages()) for (const { hash } of page) hashes.push(hash.toString('hex'));
    }
    expect(new Set(hashes).size).toBe(2);
  });

  it('never expires, and packs its buckets as long as an address has no more topics than any has', async () => {
    const list = createSuppression(redis);
    for (let i = 0; i < 16; i++) await list.add(['a@example.com'], i === 0 ? null : `topic-${i}`, 'manual');
    const keys = await redis.keys('*');
    expect(keys).toContain(SUPPRESSION_LIST);
    for (const key of keys) expect(await redis.ttl(key), key).toBe(-1);
    const [bucket = ''] = keys.filter((key) => key.includes('bucket'));
    expect(await redis.object('ENCODING', bucket)).toMatch(/listpack|ziplist/);
    expect(await list.find('a@example.com')).toHaveLength(16);
  });

  it('is given out whole, each address with all its topics, from the first bucket to the last', async () => {
    const list = createSuppression(redis);
    const all = Array.from({ length: 3_000 }, (_, i) => `u${i}@example.com`);
    await list.add(all, null, 'import');
    await list.add(all.slice(0, 1_500), 'news', 'unsubscribe');
    const secret = (await list.secret()) ?? '';
    const edges = ['00000000000000000000', 'ffffffffffffffffffff'].map((hex) => Buffer.from(hex, 'hex'));
    await list.addHashes(
      secret,
      edges.map((hash) => ({ hash, why: 'manual', day: 20_000 })),
      'edge',
    );
    expect(edges.map((hash) => placeOf(hash).bucket)).toEqual([0, 524_287]);
    expect(await redis.exists(suppressionBucket(524_287))).toBe(1);
    const seen = new Map<string, number>();
    for await (const page of list.pages()) {
      for (const { hash, items } of page) {
        expect(seen.has(hash.toString('hex'))).toBe(false);
        seen.set(hash.toString('hex'), items.length);
        if (hash.equals(edges[1] ?? hash)) expect(items).toEqual([{ topic: 'edge', why: 'manual', day: 20_000 }]);
      }
    }
    expect(seen.size).toBe(3_002);
    const hashes = [...seen].map(([hex]) => ({ hash: Buffer.from(hex, 'hex'), why: 'manual' as const }));
    expect(await list.addHashes(secret, hashes, null), 'not one of them is new but the two').toBe(2);
    expect([...seen.values()].filter((count) => count === 2)).toHaveLength(1_500);
  });
});

describe('the secret of a suppression list', () => {
  it('is one for all who begin it at once', async () => {
    const lists = Array.from({ length: 8 }, () => createSuppression(server.client()));
    await Promise.all(lists.map((list, i) => list.add([`u${i}@example.com`], null, 'manual')));
    for (const list of lists)
      expect(
        await list.check(
          lists.map((_, i) => `u${i}@example.com`),
          null,
        ),
      ).toHaveLength(8);
  });

  it('can be brought along by an empty list only, and reaches those who knew another one', async () => {
    const [one, other] = [createSuppression(redis), createSuppression(server.client())];
    await one.add(['a@example.com'], null, 'manual');
    expect(await one.adopt('ab'.repeat(32))).toBe(false);
    await other.check(['a@example.com'], null);
    await one.remove(['a@example.com'], null);
    expect(await one.adopt('ab'.repeat(32))).toBe(true);
    expect(await one.adopt('ab'.repeat(32))).toBe(true);
    await one.add(['b@example.com'], null, 'manual');
    expect(await other.check(['a@example.com', 'b@example.com'], null)).toEqual([1]);
    await other.add(['c@example.com'], null, 'manual');
    expect(await one.check(['c@example.com'], null)).toEqual([0]);
  });

  it('stays from the first link that was made with it, though nobody is on the list yet', async () => {
    const [one, other] = [createSuppression(redis), createSuppression(redis)];
    const secret = await one.linkSecret();
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect([await one.linkSecret(), await other.linkSecret(), await other.secret()]).toEqual([secret, secret, secret]);
    expect(await other.adopt('ab'.repeat(32))).toBe(false);
    expect(await other.adopt(secret)).toBe(true);
    expect(await one.secret()).toBe(secret);
    expect((await one.standing()).version).toBe(0);
  });

  it('is the one of an export that was taken before any link was made, for who knew another one, too', async () => {
    const [one, other] = [createSuppression(redis), createSuppression(redis)];
    await one.add(['a@example.com'], null, 'manual');
    await one.remove(['a@example.com'], null);
    await other.adopt('ab'.repeat(32));
    expect(await one.secret()).toBe('ab'.repeat(32));
    expect(await one.linkSecret()).toBe('ab'.repeat(32));
  });

  it('is made anew where Redis lost the list, and nothing is found by the old one', async () => {
    const list = createSuppression(redis);
    await list.add(['a@example.com'], null, 'manual');
    await redis.flushall();
    expect(await list.check(['a@example.com'], null)).toEqual([]);
    await list.add(['b@example.com'], null, 'manual');
    expect(await list.check(['a@example.com', 'b@example.com'], null)).toEqual([1]);
  });
});

describe('a list of another version', () => {
  it('is refused by all who ask, and left as it is', async () => {
    await createSuppression(redis).add(['a@example.com'], null, 'manual');
    await redis.hset(SUPPRESSION_LIST, 'format', '2');
    const list = createSuppression(redis);
    for (const ask of [
      () => list.standing(),
      () => list.check(['a@example.com'], null),
      () => list.add(['b@example.com'], null, 'manual'),
      () => list.remove(['a@example.com'], null),
      () => list.adopt('ab'.repeat(32)),
      () => list.linkSecret(),
      () => list.secret(),
      () => list.find('a@example.com'),
    ])
      await expect(ask()).rejects.toMatchObject({ code: 'LEDGER_FORMAT' });
    expect(await redis.hget(SUPPRESSION_LIST, 'entries')).toBe('1');
  });

  it('is noticed by who knew it before', async () => {
    const list = createSuppression(redis);
    await list.add(['a@example.com'], null, 'manual');
    await redis.hset(SUPPRESSION_LIST, 'format', '2');
    await expect(list.check(['a@example.com'], null)).rejects.toMatchObject({ code: 'LEDGER_FORMAT' });
  });
});

it('takes 4,095 topics, and refuses the next one by name', async () => {
  const list = createSuppression(redis);
  await list.add(['a@example.com'], 'first', 'manual');
  const topics = Array.from({ length: 4_094 }, (_, i) => [`t${i}`, i + 2]).flat();
  await redis.hset('fanmail:{_suppression}:topics', ...topics);
  await expect(list.add(['a@example.com'], 'another', 'manual')).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining('another'),
  });
  expect(await list.add(['a@example.com'], 't4093', 'manual')).toBe(1);
  expect(await list.check(['a@example.com'], 't4093')).toEqual([0]);
  expect(await list.check(['a@example.com'], 'another')).toEqual([]);
});
