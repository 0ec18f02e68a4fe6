import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AttachedFile } from '../../src/domain/attached-file.js';
import { encodedBytes } from '../../src/domain/attached-file.js';
import type { Recipient } from '../../src/domain/recipient.js';
import { encodeFile } from '../../src/message/file-part.js';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import { stage } from '../../src/pipeline/stager.js';
import type { RecipientFiles } from '../../src/pipeline/staging-ports.js';
import { chunkKeys, stagingKeys } from '../../src/redis/keys.js';
import { createCampaigns } from '../../src/redis/ledger/campaigns.js';
import { createStagingStore } from '../../src/redis/ledger/staging.js';
import { createScratch } from '../../src/redis/scratch.js';
import { OPTIONS, recipients, TEMPLATE } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, composer, ScriptedRelay, SENT } from './fixture.js';

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

const fileOf = (text: string, bytes = text.length): AttachedFile => ({
  ...{ name: 'f.txt', type: 'text/plain', bytes, cid: null },
  digest: createHash('sha256').update(text).digest('hex'),
});

/** Each with the file that this text makes; `bytes` is said of it. */
function filesBy(textOf: (recipient: Recipient) => string, bytes?: number): RecipientFiles {
  return {
    needs: [],
    async of(recipient) {
      const text = textOf(recipient);
      const file = fileOf(text, bytes);
      return { files: [file], contents: new Map([[file.digest, encodeFile(Buffer.from(text))]]) };
    },
  };
}

async function staged(files: RecipientFiles, count: number, chunkSize: number | null = null) {
  const [id, nonce] = [`c-${randomUUID()}`, randomUUID()];
  const rows = recipients(count).map((recipient) => ({ kind: 'recipient' as const, recipient }));
  async function* batches() {
    for (let from = 0; from < rows.length; from += 7) yield rows.slice(from, from + 7);
  }
  const { totals, bytes } = await stage({
    ...{
      id,
      nonce,
      salt: 's',
      options: { ...OPTIONS, retryScheduleMs: [1] },
      store: createStagingStore(redis),
      batches: batches(),
      chunkSize,
    },
    ...{ template: { ...TEMPLATE, filesEach: 1 }, contents: new Map(), files, needs: ['name'], check: null },
    ...{ listDigest: () => 'aa', reject: async () => undefined, confirm: async () => undefined },
  });
  const all = [];
  for (let n = 0; n < totals.chunks; n++) all.push(...((await createScratch(redis).recipients(id, nonce, n)) ?? []));
  const contents = stagingKeys(id, nonce).contents;
  return { id, nonce, totals, bytes, all, contents };
}

describe('files of recipients', () => {
  it('lie in Redis once for each content, apart from the recipients, and expire', async () => {
    const { id, nonce, all, contents, bytes } = await staged(
      filesBy(({ line }) => `file ${line % 3}`),
      20,
    );
    expect(all).toHaveLength(20);
    for (const { line, files } of all) expect(files).toEqual([fileOf(`file ${line % 3}`)]);
    const kept = await redis.hgetall(contents);
    expect(Object.keys(kept).sort()).toEqual([0, 1, 2].map((n) => fileOf(`file ${n}`).digest).sort());
    expect(kept[fileOf('file 2').digest]).toBe(`${Buffer.from('file 2').toString('base64')}\r\n`);
    // Longer than any retry of an open campaign, which renews it.
    expect(await redis.pttl(contents)).toBeGreaterThan(86_400_000);
    const rows = await redis.strlen(chunkKeys(id, nonce, 0).rows);
    expect(bytes).toBe(rows + 3 * encodedBytes({ bytes: 6 }));
  });

  it.each([
    ['of 10 MB for itself: two of them are 27 MB', ({ line }: Recipient) => `${line}`, 10, [2, 2, 2, 1]],
    ['in common', () => 'same', 10, [7]],
    ['of two, by turns', ({ line }: Recipient) => `${line % 2}`, 10, [7]],
    ['of two of 16 MB, by turns', ({ line }: Recipient) => `${line % 2}`, 16, [1, 1, 1, 1, 1, 1, 1]],
  ])('bound what a chunk carries: each has one %s', async (_, textOf, megabytes, sizes) => {
    const { id, nonce, totals } = await staged(filesBy(textOf, megabytes * 1024 * 1024), 7);
    const keys = Array.from({ length: totals.chunks }, (_, n) => chunkKeys(id, nonce, n).states);
    expect((await redis.mget(keys)).map((states) => states?.length)).toEqual(sizes);
  });

  it('are refused where Redis has no room for them, and nothing is left', async () => {
    await redis.config(
      'SET',
      'maxmemory',
      String(Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]) + 1e6),
    );
    try {
      const large = filesBy(({ line }) => `${line}`.padEnd(100_000, 'x'));
      await expect(staged(large, 20)).rejects.toMatchObject({
        code: 'ATTACHMENT_INVALID',
        // 0.8 MB of 135 kB each.
        message: expect.stringMatching(/more memory than Redis has for them, 0 MB: those up to line 7 do/),
      });
      expect(await redis.keys('*contents*')).toEqual([]);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
  });
});

describe('a chunk of recipients with files', () => {
  async function run(spoil: (contents: string, digest: string) => Promise<unknown>) {
    const { id, nonce, contents } = await staged(
      filesBy(({ line }) => `file ${line}`),
      4,
    );
    await createCampaigns(redis).start(id, 1);
    await spoil(contents, fileOf('file 3').digest);
    const carried: string[] = [];
    const relay = new ScriptedRelay();
    const { ports, signals } = bench(redis, relay, {
      composer: () => ({
        compose(recipient, own) {
          carried.push(...(recipient.files ?? []).map(({ digest }) => own?.get(digest)?.toString() ?? 'none'));
          return composer.compose(recipient);
        },
      }),
    });
    expect(await runChunk({ campaign: id, round: 1, chunk: 0 }, ports, signals)).toEqual({ kind: 'done' });
    return { states: await redis.get(chunkKeys(id, nonce, 0).states), carried, handed: relay.handed };
  }

  it('needs those of whom it still has to send to alone', async () => {
    const refused = { kind: 'refused', stage: 'rcpt', reply: { code: 451, text: 'later' }, latencyMs: 1 } as const;
    const { id, nonce, contents } = await staged(
      filesBy(({ line }) => `file ${line}`),
      4,
    );
    await createCampaigns(redis).start(id, 1);
    const relay = new ScriptedRelay(({ to }, count) => (to.startsWith('r1@') && count === 1 ? refused : SENT));
    const { ports, signals } = bench(redis, relay);
    const ref = { campaign: id, round: 1, chunk: 0 };
    expect(await runChunk(ref, ports, signals)).toMatchObject({ kind: 'later' });
    const others = [2, 4, 5].map((line) => fileOf(`file ${line}`).digest);
    expect(await redis.hdel(contents, ...others)).toBe(3);
    while ((await runChunk(ref, ports, signals)).kind !== 'done') await delay(5);
    expect(await redis.get(chunkKeys(id, nonce, 0).states)).toBe('SSSS');
  });

  it('is known to lack them by a retry', async () => {
    const { id, nonce, contents } = await staged(
      filesBy(() => 'file'),
      1,
    );
    const has = () => createScratch(redis).hasContents(id, nonce, { ...TEMPLATE, filesEach: 1 });
    expect(await has()).toBe(true);
    await redis.del(contents);
    expect(await has()).toBe(false);
  });

  it('composes each with its own', async () => {
    const { states, carried } = await run(async () => undefined);
    const texts = [2, 3, 4, 5].map((line) => `${Buffer.from(`file ${line}`).toString('base64')}\r\n`);
    expect([states, carried.sort()]).toEqual(['SSSS', texts.sort()]);
  });

  it.each([
    ['all', (contents: string) => redis.del(contents)],
    ['one', (contents: string, digest: string) => redis.hdel(contents, digest)],
  ])('is failed as lost where %s of them are gone: nobody gets a message without', async (_, spoil) => {
    expect(await run(spoil)).toEqual({ states: 'FFFF', carried: [], handed: [] });
  });
});
