import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaignKeys, chunkKeys } from '../../../src/redis/keys.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import {
  begin,
  bytesOf,
  checked,
  claimed,
  countersOf,
  keysWithoutExpiry,
  recordOf,
  type Staged,
  sending,
  settle,
  verdict,
} from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const open = async (how: Parameters<typeof sending>[1] = {}) => checked(await sending(redis, how));
const ref = (staged: Staged, chunk = 0) => ({ campaign: staged.id, round: 1, chunk });
const one = (index: number, ...args: Parameters<typeof verdict>) => [{ index, verdict: verdict(...args) }];

describe('settling', () => {
  it('fails a deferral that was the last attempt, and says so', async () => {
    const staged = await open({ perChunk: 1, chunks: 1, attempts: 1 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0]);
    await settle(staged.ledger, chunk, one(0, 'deferred'));
    expect(await bytesOf(staged)).toBe('F');
    const record = await recordOf(staged, 0);
    expect(record).toMatchObject({ reason: 'attempts-used', attempts: 1, code: 451, enhanced: [3, 0] });
    expect((await staged.campaigns.words(staged.id)).get(record.words)).toBe('come back');
  });

  it('tries an unanswered one again under resend while attempts are left', async () => {
    const staged = await open({ perChunk: 1, chunks: 1, onUnknown: 'resend' });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0]);
    await settle(staged.ledger, chunk, one(0, 'unknown'));
    expect(await bytesOf(staged)).toBe('D');
    await begin(staged.ledger, chunk, [0]);
    await settle(staged.ledger, chunk, one(0, 'unknown'));
    expect(await bytesOf(staged)).toBe('U');
  });

  it('takes a batch larger than one call holds', async () => {
    const staged = await open({ perChunk: 600, chunks: 1 });
    const chunk = await claimed(staged);
    const all = Array.from({ length: 600 }, (_, n) => n);
    await begin(staged.ledger, chunk, all);
    const words = (n: number) => ({ code: 550, text: `no ${n}` });
    const settlements = all.map((n) => ({ index: n, verdict: verdict('failed', { reply: words(n) }) }));
    expect(await settle(staged.ledger, chunk, settlements)).toBe('ok');
    expect((await countersOf(staged)).failed).toBe(600);
    const known = await staged.campaigns.words(staged.id);
    for (const n of [0, 249, 250, 599]) expect(known.get((await recordOf(staged, n)).words)).toBe(`no ${n}`);
  });

  it('counts no recipient as done that it only puts back', async () => {
    const staged = await open({ perChunk: 2, chunks: 1 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1]);
    await settle(staged.ledger, chunk, [...one(0, 'untouched'), ...one(1, 'sent')]);
    const ticks = Object.values(await redis.hgetall(campaignKeys(staged.id).ticks));
    expect(ticks.map(Number)).toEqual([1]);
  });

  it('makes no key where the states of a chunk are gone, and does not fail for ever', async () => {
    const staged = await sending(redis, { perChunk: 2, chunks: 1 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [1]);
    const keys = chunkKeys(staged.id, staged.nonce, 0);
    await redis.del(keys.states);
    await expect(settle(staged.ledger, chunk, one(1, 'sent'))).resolves.toBeDefined();
    expect(await redis.exists(keys.states)).toBe(0);
  });
});

describe('a campaign of many weeks', () => {
  it('keeps the time of the next attempt right until the longest give-up', async () => {
    const staged = await open({ perChunk: 1, chunks: 1, giveUpMs: 45 * 86_400_000 });
    const key = campaignKeys(staged.id).campaign;
    await redis.hincrby(key, 'sealedAt', -44 * 86_400_000);
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0]);
    await settle(staged.ledger, chunk, one(0, 'deferred', { delayMs: 60_000 }));
    const finish = await staged.ledger.finish(chunk);
    expect(finish.kind === 'open' && finish.waitMs).toBeGreaterThan(50_000);
  });
});

describe('finishing', () => {
  it('is refused while something is open, and says when the earliest may be tried', async () => {
    const staged = await open({ chunks: 1, perChunk: 2 });
    const chunk = await claimed(staged);
    expect(await staged.ledger.finish(chunk)).toEqual({ kind: 'open', waitMs: 0 });
    await begin(staged.ledger, chunk, [0, 1]);
    expect(await staged.ledger.finish(chunk)).toEqual({ kind: 'open', waitMs: 0 });
    await settle(staged.ledger, chunk, [...one(0, 'sent'), ...one(1, 'deferred', { delayMs: 60_000 })]);
    const finish = await staged.ledger.finish(chunk);
    expect(finish.kind).toBe('open');
    expect(finish.kind === 'open' && finish.waitMs).toBeGreaterThan(59_000);
    expect(finish.kind === 'open' && finish.waitMs).toBeLessThanOrEqual(60_000);
    const standing = await staged.campaigns.standing(staged.id);
    expect((standing?.nextDueAt ?? 0) - (standing?.now ?? 0)).toBeGreaterThan(59_000);
    await claimed(staged);
    expect((await staged.campaigns.standing(staged.id))?.nextDueAt).toBeNull();
  });
});

describe('a poisonous chunk', () => {
  it('is lost after 20 claims without progress: open ones fail, what was in flight is unknown', async () => {
    const staged = await open({ chunks: 1, perChunk: 3 });
    let last = await claimed(staged);
    for (let n = 1; n < 20; n++) last = await claimed(staged);
    expect(await bytesOf(staged)).toBe('PPP');
    await begin(staged.ledger, last, [1]);
    const lost = await claimed(staged);
    expect(lost.states.toString()).toBe('FUF');
    expect(await recordOf(staged, 0)).toMatchObject({ reason: 'chunk-lost' });
    expect(await staged.ledger.finish(lost)).toEqual({ kind: 'finished' });
  });

  it('is not lost by owners that leave in order, nor by owners that settle something', async () => {
    const staged = await open({ chunks: 1, perChunk: 40, attempts: 50 });
    for (let n = 0; n < 25; n++) await staged.ledger.finish(await claimed(staged));
    for (let n = 0; n < 25; n++) {
      const chunk = await claimed(staged);
      await begin(staged.ledger, chunk, [n]);
      await settle(staged.ledger, chunk, one(n, 'sent'));
    }
    expect(await countersOf(staged)).toMatchObject({ sent: 25, pending: 15, failed: 0 });
  });
});

describe('giving up', () => {
  it('begins nothing and fails what is open as expired, in a paused campaign too', async () => {
    const staged = await open({ chunks: 1, perChunk: 3, giveUpMs: 50 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [1]);
    await redis.hset(campaignKeys(staged.id).campaign, 'giveUpAt', '1');
    expect(await begin(staged.ledger, chunk, [0])).toEqual({ kind: 'stopped', why: 'expired' });
    await staged.campaigns.control(staged.id, 'pause', 'me', '');
    const owner = await claimed(staged);
    expect(owner.states.toString()).toBe('FUF');
    expect(await recordOf(staged, 0)).toMatchObject({ reason: 'expired' });
    expect(await staged.ledger.finish(owner)).toEqual({ kind: 'finished' });
  });
});

describe('cancelling', () => {
  it('skips what is open at the next claim, and leaves unknown what may be out', async () => {
    const staged = await open({ chunks: 1, perChunk: 4, attempts: 3, onUnknown: 'resend' });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1]);
    await settle(staged.ledger, chunk, one(0, 'deferred'));
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    const owner = await claimed(staged);
    expect(owner.states.toString()).toBe('KUKK');
    await claimed(staged);
    expect(await bytesOf(staged)).toBe('KUKK');
    expect(await staged.ledger.finish(owner)).toEqual({ kind: 'refused', why: 'fenced' });
  });

  it('skips by settle what would be tried again, and grants nothing', async () => {
    const staged = await open({ chunks: 1, perChunk: 6, attempts: 3 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1, 2, 3, 4]);
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    expect(await begin(staged.ledger, chunk, [5])).toEqual({ kind: 'stopped', why: 'cancelling' });
    const verbs = ['sent', 'failed', 'deferred', 'untouched', 'unknown'] as const;
    await settle(
      staged.ledger,
      chunk,
      verbs.flatMap((verb, index) => one(index, verb)),
    );
    expect(await bytesOf(staged)).toBe('SFKKUP');
    expect(await staged.ledger.finish(chunk)).toEqual({ kind: 'open', waitMs: 0 });
  });

  it('leaves an unanswered one unknown under resend, too', async () => {
    const staged = await open({ chunks: 1, perChunk: 1, attempts: 3, onUnknown: 'resend' });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0]);
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    await settle(staged.ledger, chunk, one(0, 'unknown'));
    expect(await bytesOf(staged)).toBe('U');
  });

  it('goes before a pause', async () => {
    const staged = await open({ chunks: 1, perChunk: 2 });
    await staged.campaigns.control(staged.id, 'pause', 'me', '');
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    expect((await claimed(staged)).states.toString()).toBe('KK');
  });
});

describe('a pause', () => {
  it('refuses begin and claim, lets outcomes in, and ends with resume', async () => {
    const staged = await open({ chunks: 1, perChunk: 2 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0]);
    await staged.campaigns.control(staged.id, 'pause', 'relay', '535 no');
    expect(await begin(staged.ledger, chunk, [1])).toEqual({ kind: 'stopped', why: 'paused' });
    expect(await staged.ledger.claim(ref(staged), staged.nonce)).toEqual({ kind: 'refused', why: 'paused' });
    expect(await settle(staged.ledger, chunk, one(0, 'sent'))).toBe('ok');
    const first = (await staged.campaigns.get(staged.id))?.flags.paused;
    expect(first).toMatchObject({ by: 'relay', reason: '535 no' });
    await staged.campaigns.control(staged.id, 'pause', 'me', 'later');
    expect((await staged.campaigns.get(staged.id))?.flags.paused).toEqual(first);
    await staged.campaigns.control(staged.id, 'resume', 'me', '');
    expect(await begin(staged.ledger, chunk, [1])).toEqual({ kind: 'granted', indices: [1] });
  });
});

describe('recipients that can not be read any more', () => {
  it('fail, without touching what is in flight or final', async () => {
    const staged = await open({ chunks: 1, perChunk: 4, attempts: 3 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1, 2]);
    await settle(staged.ledger, chunk, [...one(0, 'sent'), ...one(1, 'deferred')]);
    await staged.ledger.lose(chunk, 'data-lost');
    await staged.ledger.lose(chunk, 'data-lost');
    expect(await bytesOf(staged)).toBe('SFIF');
    expect(await recordOf(staged, 3)).toMatchObject({ reason: 'data-lost' });
  });
});

describe('the keys of a campaign', () => {
  it('all expire by themselves while it is sending', async () => {
    const staged = await open({ chunks: 2, perChunk: 3, attempts: 3 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1, 2]);
    await settle(staged.ledger, chunk, [...one(0, 'sent'), ...one(1, 'deferred'), ...one(2, 'failed')]);
    await staged.ledger.finish(chunk);
    expect(await keysWithoutExpiry(staged)).toEqual([]);
  });
});
