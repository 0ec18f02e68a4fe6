import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChunkEnd, runChunk } from '../../src/pipeline/chunk-worker.js';
import { createBreaker } from '../../src/redis/breaker/store.js';
import { campaignKeys, chunkKeys } from '../../src/redis/keys.js';
import { assertBalanced, bytesOf, campaignOf, recordOf, type Staged, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, DROPPED, refOf, refusedWith, ScriptedRelay, SENT, UNANSWERED } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

/** A relay of its own for each campaign, or their breakers would meet. */
let port = 3_000;
const open = (how: Parameters<typeof sending>[1] = {}) => {
  const relay = { host: '127.0.0.1', port: port++, security: 'plain' as const, user: null };
  return sending(redis, { chunks: 1, perChunk: 6, relay, retryScheduleMs: [5], ...how });
};
const byteOf = async (staged: Staged, index: number) => (await bytesOf(staged))[index];

/** Runs the chunk again and again, as the queue does, until it is done. */
async function untilDone(run: () => Promise<ChunkEnd>): Promise<ChunkEnd[]> {
  const ends: ChunkEnd[] = [];
  for (;;) {
    const end = await run();
    ends.push(end);
    if (end.kind === 'done' || ends.length > 20) return ends;
    if (end.kind === 'later') await new Promise((resolve) => setTimeout(resolve, Math.min(end.delayMs, 50)));
  }
}

describe('a chunk', () => {
  it('is sent, each recipient once, and its job is done on the word of finish', async () => {
    const staged = await open();
    const relay = new ScriptedRelay();
    const { ports, signals } = bench(redis, relay);
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSSSSS');
    expect([...relay.handed].sort()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `r${n}@example.org`));
    expect(relay.taken).toBe(0);
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(relay.handed).toHaveLength(6);
    await assertBalanced(staged);
  });

  it('hands nothing over before its intent is in Redis', async () => {
    const staged = await open();
    const seen: (string | undefined)[] = [];
    const relay = new ScriptedRelay(async ({ to }) => {
      seen.push(await byteOf(staged, Number(/\d+/.exec(to)?.[0])));
      return SENT;
    });
    const { ports, signals } = bench(redis, relay);
    await runChunk(refOf(staged), ports, signals);
    expect(seen).toEqual(Array(6).fill('I'));
  });

  it('tries a transient refusal again when it is due, and not before', async () => {
    const staged = await open({ retryScheduleMs: [60_000] });
    const relay = new ScriptedRelay((message, count) =>
      message.to === 'r2@example.org' && count === 1 ? refusedWith(451) : SENT,
    );
    const { ports, signals } = bench(redis, relay);
    const end = await runChunk(refOf(staged), ports, signals);
    expect(end).toMatchObject({ kind: 'later' });
    expect(end.kind === 'later' && end.delayMs).toBeGreaterThan(40_000);
    await runChunk(refOf(staged), ports, signals);
    expect(relay.handed).toHaveLength(6);
    const records = chunkKeys(staged.id, staged.nonce, 0).records;
    await redis.setrange(records, 2 * 16 + 12, '\0\0\0\x01');
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSSSSS');
    expect(await recordOf(staged, 2)).toMatchObject({ attempts: 2, code: 250 });
  });

  it('uses an attempt of a recipient only when the connection drops under it a second time', async () => {
    const staged = await open({ perChunk: 1, attempts: 2 });
    const relay = new ScriptedRelay(() => DROPPED);
    const { ports, signals } = bench(redis, relay);
    await runChunk(refOf(staged), ports, signals);
    expect(relay.handed).toHaveLength(2);
    expect(await recordOf(staged, 0)).toMatchObject({ attempts: 1, reason: 'dropped' });
    await untilDone(() => runChunk(refOf(staged), ports, signals));
    expect(relay.handed).toHaveLength(3);
    expect(await bytesOf(staged)).toBe('F');
  });

  it('holds an unanswered recipient as unknown, or tries it again under resend', async () => {
    for (const [onUnknown, bytes, copies] of [
      ['hold', 'U', 1],
      ['resend', 'S', 2],
    ] as const) {
      const staged = await open({ perChunk: 1, onUnknown });
      const relay = new ScriptedRelay((_message, count) => (count === 1 ? UNANSWERED : SENT));
      const { ports, signals } = bench(redis, relay);
      await untilDone(() => runChunk(refOf(staged), ports, signals));
      expect(await bytesOf(staged)).toBe(bytes);
      expect(relay.handed).toHaveLength(copies);
    }
  });

  it('fails a recipient whose message can not be composed, and sends the others', async () => {
    const staged = await open();
    const relay = new ScriptedRelay();
    const { composer } = await import('./fixture.js');
    const { ports, signals } = bench(redis, relay, {
      composer: () => ({
        compose(recipient) {
          if (recipient.address.startsWith('r3')) throw new Error('no such helper');
          return composer.compose(recipient);
        },
      }),
    });
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSSFSS');
    expect(await recordOf(staged, 3)).toMatchObject({ reason: 'render' });
    expect(relay.taken).toBe(0);
  });
});

describe('a process that sends for weeks', () => {
  it('keeps nothing of a chunk that was sent, however long its signals live', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const staged = await open({ chunks: 3 });
    const { ports, signals } = bench(redis, new ScriptedRelay());
    const kept: WeakRef<object>[] = [];
    const scratch = {
      ...ports.scratch,
      async recipients(...of: Parameters<typeof ports.scratch.recipients>) {
        const found = await ports.scratch.recipients(...of);
        if (found) kept.push(new WeakRef(found));
        return found;
      },
    };
    for (const chunk of [0, 1, 2])
      expect(await runChunk(refOf(staged, chunk), { ...ports, scratch }, signals)).toEqual({ kind: 'done' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    collect();
    // What ran last may still be on a stack somewhere.
    expect(kept.map((ref) => ref.deref() !== undefined).slice(0, 2)).toEqual([false, false]);
  });
});

describe('a relay that can not be had', () => {
  it('opens the breaker and uses nobody up; the chunk waits as long as the breaker', async () => {
    const staged = await open();
    const relay = new ScriptedRelay();
    relay.fault = { cause: 'unreachable', why: 'refused', misconfigured: false };
    const { ports, signals } = bench(redis, relay);
    const end = await runChunk(refOf(staged), ports, signals);
    expect(end).toMatchObject({ kind: 'later', why: 'refused' });
    expect(await bytesOf(staged)).toBe('PPPPPP');
    const state = await createBreaker(redis).state(staged.options.relay);
    expect(state).toMatchObject({ failures: 1, cause: 'unreachable', why: 'refused' });
    relay.fault = null;
    expect(await runChunk(refOf(staged), ports, signals)).toMatchObject({ kind: 'later' });
    expect(relay.handed).toEqual([]);
    await ports.breaker.clear(staged.options.relay);
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
  });

  it('is closed again for all once it answers', async () => {
    const staged = await open();
    const relay = new ScriptedRelay();
    const { ports, signals } = bench(redis, relay);
    await ports.breaker.fault(staged.options.relay, { cause: 'tls', why: 'expired', misconfigured: false });
    await redis.hset(`fanmail:relay:127.0.0.1:${staged.options.relay.port}:`, 'until', 1);
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await ports.breaker.state(staged.options.relay)).toBeNull();
  });

  it('and refuses the login pauses the campaign with the reason', async () => {
    const staged = await open();
    const relay = new ScriptedRelay();
    relay.fault = { cause: 'login', why: '535 no', misconfigured: true };
    const { ports, signals } = bench(redis, relay);
    expect(await runChunk(refOf(staged), ports, signals)).toMatchObject({
      kind: 'later',
      why: 'the campaign is paused',
    });
    expect((await campaignOf(staged)).flags.paused).toMatchObject({ by: 'relay', reason: '535 no' });
    expect(await bytesOf(staged)).toBe('PPPPPP');
  });

  it('for the lack of credentials does not keep a cancelled campaign from its end', async () => {
    const staged = await open();
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    const { ports, signals } = bench(redis, 'this worker has no password for the relay');
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('KKKKKK');
  });

  it('for the lack of credentials does not keep a campaign open after its give-up', async () => {
    const staged = await open();
    await redis.hset(campaignKeys(staged.id).campaign, 'giveUpAt', '1');
    const { ports, signals } = bench(redis, 'this worker has no password for the relay');
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('FFFFFF');
  });

  it('and drops every connection opens the breaker, although each recipient keeps its attempts but one', async () => {
    const staged = await open({ perChunk: 40, attempts: 3 });
    const { ports, signals } = bench(redis, new ScriptedRelay(() => DROPPED, 1));
    const end = await runChunk(refOf(staged), ports, signals);
    expect(end).toMatchObject({ kind: 'later', why: 'the relay drops its connections' });
    expect(await ports.breaker.state(staged.options.relay)).not.toBeNull();
    expect(await bytesOf(staged)).toBe('P'.repeat(40));
  });
});
