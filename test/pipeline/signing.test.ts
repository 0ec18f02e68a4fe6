import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import type { Composer, Message } from '../../src/pipeline/relay-ports.js';
import { assertBalanced, bytesOf, recordOf, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, composer, refOf, ScriptedRelay, SENT } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

let port = 3_900;
const open = () => {
  const relay = { host: '127.0.0.1', port: port++, security: 'plain' as const, user: null };
  return sending(redis, { chunks: 1, perChunk: 6, relay, retryScheduleMs: [5] });
};

/** Messages whose signatures come when the test says so. */
function signedLater() {
  const waiting: { readonly to: string; readonly settle: (error?: Error) => void }[] = [];
  const signing: Composer = {
    compose(recipient): Message {
      const message = composer.compose(recipient);
      const signed = new Promise<void>((resolve, reject) => {
        waiting.push({ to: message.to, settle: (error) => (error ? reject(error) : resolve()) });
      });
      signed.catch(() => undefined);
      return { ...message, signed };
    },
  };
  return { waiting, signing };
}

async function reached(there: () => boolean): Promise<void> {
  while (!there()) await new Promise(setImmediate);
}

describe('a message that is to be signed', () => {
  it('is handed over when it is signed, and not before, though its intent is recorded', async () => {
    const staged = await open();
    const relay = new ScriptedRelay(() => SENT, 2);
    const { waiting, signing } = signedLater();
    const { ports, signals } = bench(redis, relay, { composer: () => signing });
    const run = runChunk(refOf(staged), ports, signals);
    await reached(() => waiting.length === 2);
    while ((await bytesOf(staged)) !== 'IIPPPP') await new Promise(setImmediate);
    expect(relay.handed).toEqual([]);

    waiting[1]?.settle();
    await relay.reached(1);
    expect(relay.handed).toEqual(['r1@example.org']);
    const signedAll = () => {
      for (const { settle } of waiting) settle();
      return relay.handed.length === 6;
    };
    await reached(signedAll);
    expect(await run).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSSSSS');
    await assertBalanced(staged);
  });

  it('is not sent where it can’t be, and its recipient waits for another run, no attempt used', async () => {
    const staged = await open();
    const relay = new ScriptedRelay(() => SENT, 2);
    const { waiting, signing } = signedLater();
    const { ports, signals } = bench(redis, relay, { composer: () => signing });
    const run = runChunk(refOf(staged), ports, signals);
    run.catch(() => undefined);
    await reached(() => waiting.length === 2);
    waiting[0]?.settle(new Error('the key is broken'));
    waiting[1]?.settle();
    await reached(() => relay.taken === 0);
    for (const { settle } of waiting) settle();
    await expect(run).rejects.toThrow('the key is broken');
    expect(relay.handed).not.toContain('r0@example.org');
    expect((await bytesOf(staged))[0]).toBe('P');
    expect(await recordOf(staged, 0)).toMatchObject({ attempts: 0 });
    await assertBalanced(staged);

    const again = bench(redis, relay);
    expect(await runChunk(refOf(staged), again.ports, again.signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSSSSS');
  });

  it('is not handed over where it took so long that its intent may be somebody else’s by now', async () => {
    const staged = await open();
    const relay = new ScriptedRelay(() => SENT, 1);
    const { waiting, signing } = signedLater();
    const { ports, signals, quiet } = bench(redis, relay, { composer: () => signing });
    const run = runChunk(refOf(staged), ports, signals);
    while ((await bytesOf(staged)) !== 'IPPPPP') await new Promise(setImmediate);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 10_001);
    quiet.abort();
    waiting[0]?.settle();
    expect(await run).toEqual({ kind: 'hand-back' });
    vi.restoreAllMocks();
    expect(relay.handed).toEqual([]);
    expect(await bytesOf(staged)).toBe('PPPPPP');
  });
});
