import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import { chunkKeys, stagingKeys } from '../../src/redis/keys.js';
import { createChunkLedger } from '../../src/redis/ledger/chunks.js';
import { createScratch } from '../../src/redis/scratch.js';
import { assertBalanced, bytesOf, campaignOf, claimed, recordOf, sending, TEMPLATE } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, refOf, refusedWith, ScriptedRelay, SENT } from './fixture.js';

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

describe('in the middle of a chunk', () => {
  it('a reply that speaks of the sender pauses the campaign and burns nobody', async () => {
    const staged = await open();
    const relay = new ScriptedRelay((_m, _c) => (relay.handed.length >= 3 ? refusedWith(550, [7, 26]) : SENT), 1);
    const { ports, signals } = bench(redis, relay);
    expect(await runChunk(refOf(staged), ports, signals)).toMatchObject({
      kind: 'later',
      why: 'the campaign is paused',
    });
    expect(await bytesOf(staged)).toBe('SSPPPP');
    expect(await recordOf(staged, 2)).toMatchObject({ attempts: 0 });
    expect((await campaignOf(staged)).flags.paused?.reason).toContain('550 5.7.26');
  });

  it.each([
    ['pause', { kind: 'later', why: 'the campaign is paused' }, 'SSPPPP'],
    ['cancel', { kind: 'done' }, 'SSKKKK'],
  ] as const)('%s stops beginning and settles what is on the wire', async (action, end, bytes) => {
    const staged = await open();
    const relay = new ScriptedRelay(async () => {
      if (relay.handed.length === 2) await staged.campaigns.control(staged.id, action, 'me', '');
      return SENT;
    }, 1);
    const { ports, signals } = bench(redis, relay);
    expect(await runChunk(refOf(staged), ports, signals)).toMatchObject(end);
    expect(await bytesOf(staged)).toBe(bytes);
    await assertBalanced(staged);
  });

  it('a resume that comes while it drains is not slept through', async () => {
    const staged = await open();
    const ledger = createChunkLedger(redis);
    const relay = new ScriptedRelay(async () => {
      if (relay.handed.length === 2) await staged.campaigns.control(staged.id, 'pause', 'me', '');
      return SENT;
    }, 1);
    const finish: typeof ledger.finish = async (chunk) => {
      await staged.campaigns.control(staged.id, 'resume', 'me', '');
      return ledger.finish(chunk);
    };
    const { ports, signals } = bench(redis, relay, { ledger: { ...ledger, finish } });
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'hand-back' });
    expect(await bytesOf(staged)).toBe('SSPPPP');
  });

  it('quiet drains the wire and hands the rest back at once, with nothing in flight', async () => {
    const staged = await open({ perChunk: 20 });
    let answer: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const relay = new ScriptedRelay(async () => gate.then(() => SENT), 4);
    const { ports, signals, quiet } = bench(redis, relay);
    const running = runChunk(refOf(staged), ports, signals);
    await relay.reached(4);
    quiet.abort();
    expect(await bytesOf(staged)).toBe(`IIII${'P'.repeat(16)}`);
    answer();
    expect(await running).toEqual({ kind: 'hand-back' });
    expect(await bytesOf(staged)).toBe(`SSSS${'P'.repeat(16)}`);
    expect(relay.handed).toHaveLength(4);
  });

  it('another claim fences it off: it begins nothing more, and what was on the wire counts as sent', async () => {
    const staged = await open();
    const relay = new ScriptedRelay(async () => {
      if (relay.handed.length === 2) await claimed(staged);
      return SENT;
    }, 1);
    const { ports, signals } = bench(redis, relay);
    expect(await runChunk(refOf(staged), ports, signals)).toMatchObject({ kind: 'later', why: 'fenced' });
    expect(await bytesOf(staged)).toBe('SSPPPP');
    expect(relay.handed).toHaveLength(2);
  });

  it('a Redis that refuses to write sends nothing, and the chunk goes on when it writes again', async () => {
    const staged = await open();
    const relay = new ScriptedRelay(async () => SENT, 2);
    const ledger = createChunkLedger(redis);
    const full = {
      ...ledger,
      async turn(...args: Parameters<typeof ledger.turn>) {
        await redis.config('SET', 'maxmemory', '1');
        return ledger.turn(...args);
      },
    };
    const { ports, signals } = bench(redis, relay, { ledger: full });
    try {
      const running = runChunk(refOf(staged), ports, signals);
      await expect(running.catch((error: unknown) => error)).resolves.toBeDefined();
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
    expect(relay.handed).toEqual([]);
    expect(relay.taken).toBe(0);
    expect(await bytesOf(staged)).toBe('PPPPPP');
    const again = bench(redis, relay);
    expect(await runChunk(refOf(staged), again.ports, again.signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSSSSS');
  });

  it('a full Redis loses no outcome: it is settled when Redis writes again', async () => {
    const staged = await open({ perChunk: 2 });
    const relay = new ScriptedRelay(async ({ to }) => {
      await redis.config('SET', 'maxmemory', '1');
      return to.startsWith('r0') ? SENT : refusedWith(550, [1, 1]);
    });
    const { ports, signals } = bench(redis, relay);
    const running = runChunk(refOf(staged), ports, signals);
    while (!ports.log.lines.some((line) => line.message.includes('could not be settled'))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await redis.config('SET', 'maxmemory', '0');
    expect(await running).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SF');
  });

  it('a full Redis that can not note the pause drains the wire all the same, and nothing goes unheard', async () => {
    const staged = await open({ perChunk: 4 });
    const unheard: unknown[] = [];
    const hear = (error: unknown) => void unheard.push(error);
    process.on('unhandledRejection', hear);
    let answer: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    // The first is refused for the sender's sake while Redis is full; the others are answered later.
    const relay = new ScriptedRelay(async ({ to }) => {
      if (!to.startsWith('r0')) return gate.then(() => SENT);
      await redis.config('SET', 'maxmemory', '1');
      return refusedWith(550, [7, 26]);
    }, 3);
    const { ports, signals } = bench(redis, relay);
    let over = false;
    const running = runChunk(refOf(staged), ports, signals)
      .catch((error: unknown) => error)
      .finally(() => {
        over = true;
      });
    await relay.reached(3);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const leftTheWire = over;
    await redis.config('SET', 'maxmemory', '0');
    answer();
    await running;
    await new Promise((resolve) => setTimeout(resolve, 700));
    process.off('unhandledRejection', hear);
    expect(unheard).toEqual([]);
    expect(leftTheWire, 'it left with messages on the wire').toBe(false);
    expect(await bytesOf(staged)).not.toContain('I');
  });
});

describe('a breaker that can not be opened', () => {
  it('does not make the chunk leave what is on the wire', async () => {
    const staged = await open({ perChunk: 4 });
    let answer: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const relay = new ScriptedRelay(async ({ to }) => {
      if (!to.startsWith('r0')) return gate.then(() => SENT);
      await redis.config('SET', 'maxmemory', '1');
      relay.fault = { cause: 'unreachable', why: 'gone', misconfigured: false };
      return SENT;
    }, 2);
    const { ports, signals } = bench(redis, relay);
    let left = false;
    const running = runChunk(refOf(staged), ports, signals)
      .catch((error: unknown) => error)
      .finally(() => {
        left = true;
      });
    await relay.reached(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const leftTheWire = left;
    await redis.config('SET', 'maxmemory', '0');
    answer();
    await running;
    expect(leftTheWire, 'it left with a message on the wire').toBe(false);
    expect(await bytesOf(staged)).toBe('SSPP');
  });
});

describe('recipients', () => {
  it.each(['rows', 'template'])('are failed as lost where the %s are gone', async (what) => {
    const staged = await open();
    await redis.del(
      what === 'rows'
        ? chunkKeys(staged.id, staged.nonce, 0).rows
        : stagingKeys(staged.id, staged.nonce).template(TEMPLATE.digest),
    );
    const relay = new ScriptedRelay();
    const { ports, signals } = bench(redis, relay);
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('FFFFFF');
    expect(await recordOf(staged, 5)).toMatchObject({ reason: 'data-lost' });
    expect(relay.handed).toEqual([]);
  });

  it('are failed as lost where their bytes are no chunk', async () => {
    const staged = await open();
    await redis.set(chunkKeys(staged.id, staged.nonce, 0).rows, 'rubbish');
    const { ports, signals } = bench(redis, new ScriptedRelay());
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('FFFFFF');
  });

  it('are not failed because Redis refuses once to read them', async () => {
    const staged = await open();
    await redis.call('ACL', 'SETUSER', 'blind', 'on', '>x', '~*template', '+@all');
    const blind = server.client({ username: 'blind', password: 'x' });
    const { ports, signals } = bench(redis, new ScriptedRelay(), { scratch: createScratch(blind) });
    await runChunk(refOf(staged), ports, signals).catch(() => {});
    expect(await bytesOf(staged)).toBe('PPPPPP');
  });
});

describe('a job of a campaign that', () => {
  it('is not there, or in another round, is done', async () => {
    const staged = await open();
    const { ports, signals } = bench(redis, new ScriptedRelay());
    expect(await runChunk({ ...refOf(staged), campaign: 'gone' }, ports, signals)).toEqual({ kind: 'done' });
    expect(await runChunk({ ...refOf(staged), round: 2 }, ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('PPPPPP');
  });

  it('is paused waits, and is cancelled ends without a relay that answers', async () => {
    const staged = await open();
    const relay = new ScriptedRelay();
    const { ports, signals } = bench(redis, relay);
    await staged.campaigns.control(staged.id, 'pause', 'me', '');
    expect(await runChunk(refOf(staged), ports, signals)).toMatchObject({ kind: 'later', delayMs: 30_000 });
    await ports.breaker.fault(staged.options.relay, { cause: 'unreachable', why: 'gone', misconfigured: false });
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('KKKKKK');
    expect(relay.handed).toEqual([]);
  });
});
