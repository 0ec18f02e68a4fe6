import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import { createSuppression } from '../../src/redis/suppression/store.js';
import { bytesOf, type Staged, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, composer, refOf, ScriptedRelay, SENT } from './fixture.js';

const UNSUBSCRIBE = { url: 'https://news.example.com/u', mailto: null };

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const relay = (port: number) => ({ host: '127.0.0.1', port, security: 'plain' as const, user: null });

/** Runs the chunk, and says which secrets its composer was made with. */
async function run(staged: Staged, linkSecret: () => Promise<string>) {
  const made: (string | null)[] = [];
  const { ports, signals } = bench(redis, new ScriptedRelay(() => SENT), {
    links: { linkSecret },
    composer: (_campaign, _template, secret) => {
      made.push(secret);
      return composer;
    },
  });
  return { end: await runChunk(refOf(staged), ports, signals), made };
}

describe('the secret of links to unsubscribe', () => {
  it('is asked for by a chunk of a campaign that has such links, and by no other', async () => {
    const { linkSecret } = createSuppression(redis);
    const linked = await sending(redis, { chunks: 1, relay: relay(4_001), unsubscribe: UNSUBSCRIBE });
    expect(await run(linked, linkSecret)).toEqual({ end: { kind: 'done' }, made: [await linkSecret()] });
    const plain = await sending(redis, { chunks: 1, relay: relay(4_002) });
    const never = () => Promise.reject(new Error('nobody asked for it'));
    expect(await run(plain, never)).toEqual({ end: { kind: 'done' }, made: [null] });
  });

  it('may be out of reach for as long as it likes: nobody is sent a link that leads nowhere, and nobody is failed', async () => {
    const staged = await sending(redis, { chunks: 1, perChunk: 3, relay: relay(4_003), unsubscribe: UNSUBSCRIBE });
    const gone = () => Promise.reject(new Error('another version'));
    // More often than a chunk may be claimed without progress.
    for (let i = 0; i < 25; i++) await expect(run(staged, gone)).rejects.toThrow('another version');
    expect(await bytesOf(staged)).toBe('PPP');
    expect((await run(staged, createSuppression(redis).linkSecret)).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSS');
  });
});
