import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import {
  begin,
  bytesOf,
  campaignOf,
  checked,
  claimed,
  keysWithoutExpiry,
  type Staged,
  sealed,
  sendAll,
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

async function ended(how: Parameters<typeof sending>[1] = {}): Promise<Staged> {
  const staged = checked(await sending(redis, how));
  await sendAll(staged);
  expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 'a')).toBe('ok');
  expect(await staged.campaigns.mark(await campaignOf(staged), 'a', '{}')).toBe('ok');
  return staged;
}

describe('closing and marking', () => {
  it('is refused while a chunk is open, which is among the unfinished', async () => {
    const staged = checked(await sending(redis, { chunks: 10, perChunk: 1 }));
    for (const n of [0, 7, 8]) {
      const chunk = await claimed(staged, n);
      await begin(staged.ledger, chunk, [0]);
      await settle(staged.ledger, chunk, [{ index: 0, verdict: verdict('sent') }]);
      await staged.ledger.finish(chunk);
    }
    expect(await staged.campaigns.unfinished(await campaignOf(staged))).toEqual([1, 2, 3, 4, 5, 6, 9]);
    expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 'a')).toBe('open');
    expect((await campaignOf(staged)).phase).toBe('sending');
  });

  it('belongs to the latest aggregator, and happens once', async () => {
    const staged = checked(await sending(redis));
    await sendAll(staged);
    expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 'a')).toBe('ok');
    const { closedAt } = await campaignOf(staged);
    expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 'b')).toBe('ok');
    const campaign = await campaignOf(staged);
    expect(campaign.closedAt).toBe(closedAt);
    expect(await staged.campaigns.mark(campaign, 'a', '{"by":"a"}')).toBe('fenced');
    expect(await staged.campaigns.summary(staged.id)).toBeNull();
    expect(await staged.campaigns.mark({ ...campaign, round: 2 }, 'b', '{}')).toBe('round');
    expect(await staged.campaigns.mark(campaign, 'b', '{"by":"b"}')).toBe('ok');
    expect(await staged.campaigns.mark(campaign, 'b', '{"by":"late"}')).toBe('ended');
    expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 'c')).toBe('ended');
    expect(await staged.campaigns.summary(staged.id)).toBe('{"by":"b"}');
    expect((await campaignOf(staged)).phase).toBe('completed');
  });

  it('lets nobody claim, begin, lose or change a byte afterwards', async () => {
    const staged = checked(await sending(redis, { chunks: 1, perChunk: 2 }));
    const former = await claimed(staged);
    await begin(staged.ledger, former, [0, 1]);
    await staged.ledger.finish(await claimed(staged));
    await staged.campaigns.close(staged.id, staged.nonce, 1, 'a');
    const late = [
      { index: 0, verdict: verdict('sent') },
      { index: 1, verdict: verdict('failed') },
    ];
    expect(await settle(staged.ledger, former, late)).toBe('closed');
    expect(await begin(staged.ledger, former, [0])).toEqual({ kind: 'stopped', why: 'phase' });
    expect(await staged.ledger.claim(former, staged.nonce)).toEqual({ kind: 'refused', why: 'phase' });
    await staged.ledger.lose(former, 'data-lost');
    await staged.campaigns.mark(await campaignOf(staged), 'a', '{}');
    expect(await settle(staged.ledger, former, late)).toBe('closed');
    expect(await bytesOf(staged)).toBe('UU');
    expect(await staged.campaigns.control(staged.id, 'pause', 'me', '')).toEqual({ kind: 'refused', why: 'ended' });
  });

  it('ends a cancelled campaign as cancelled', async () => {
    const staged = checked(await sending(redis, { chunks: 1, perChunk: 1 }));
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    const chunk = await claimed(staged);
    expect(await staged.ledger.finish(chunk)).toEqual({ kind: 'finished' });
    await staged.campaigns.close(staged.id, staged.nonce, 1, 'a');
    await staged.campaigns.mark(await campaignOf(staged), 'a', '{}');
    expect((await campaignOf(staged)).phase).toBe('cancelled');
  });
});

describe('the notice', () => {
  it('is never sent twice: another who comes in the middle is in doubt, and the doubt is final', async () => {
    const staged = await ended();
    expect(await staged.campaigns.notice(staged.id, 1, 'a', null)).toBe('send');
    expect(await staged.campaigns.notice(staged.id, 1, 'a', null)).toBe('send');
    expect(await staged.campaigns.notice(staged.id, 1, 'b', null)).toBe('doubt');
    expect(await staged.campaigns.notice(staged.id, 1, 'b', 'unknown')).toBe('done');
    expect(await staged.campaigns.notice(staged.id, 1, 'c', null)).toBe('done');
    expect((await campaignOf(staged)).notice).toBe('unknown');
  });

  it('keeps its outcome', async () => {
    const staged = await ended();
    await staged.campaigns.notice(staged.id, 1, 'a', null);
    expect(await staged.campaigns.notice(staged.id, 1, 'a', 'sent')).toBe('done');
    expect(await staged.campaigns.notice(staged.id, 1, 'a', 'failed')).toBe('done');
    expect((await campaignOf(staged)).notice).toBe('sent');
  });

  it('waits for the end', async () => {
    const staged = checked(await sending(redis));
    expect(await staged.campaigns.notice(staged.id, 1, 'a', null)).toBe('phase');
  });
});

describe('the keys of a campaign', () => {
  it('expire while it is staged, queued and claimed', async () => {
    const staged = await sealed(redis);
    expect(await keysWithoutExpiry(staged)).toEqual([]);
    await staged.campaigns.start(staged.id, 1);
    await claimed(staged);
    expect(await keysWithoutExpiry(staged)).toEqual([]);
  });

  it('expire after the end, the addresses kept and the notice sent', async () => {
    const staged = await ended();
    const campaign = await campaignOf(staged);
    for await (const { chunk, addresses } of staged.campaigns.results(campaign)) {
      await staged.campaigns.keepAddresses(campaign, chunk, addresses ?? []);
    }
    await staged.campaigns.notice(staged.id, 1, 'a', null);
    await staged.campaigns.notice(staged.id, 1, 'a', 'sent');
    expect(await keysWithoutExpiry(staged)).toEqual([]);
  });

  it('expire after the end where the addresses were lost, and where a late word came', async () => {
    const staged = checked(await sending(redis, { chunks: 1, perChunk: 2 }));
    const former = await claimed(staged);
    await begin(staged.ledger, former, [0]);
    const owner = await claimed(staged);
    await staged.ledger.lose(owner, 'data-lost');
    await staged.ledger.finish(owner);
    await staged.campaigns.close(staged.id, staged.nonce, 1, 'a');
    await staged.campaigns.mark(await campaignOf(staged), 'a', '{}');
    await settle(staged.ledger, former, [{ index: 0, verdict: verdict('sent') }]);
    expect(await staged.campaigns.late(staged.id)).toHaveLength(1);
    expect(await keysWithoutExpiry(staged)).toEqual([]);
  });

  it('are renewed together when half of the scratch time has gone', async () => {
    const staged = checked(await sending(redis));
    const keys = (await redis.keys('fanmail:*')).filter((key) => key.includes(`{${staged.id}}`));
    for (const key of keys) await redis.pexpire(key, 60_000);
    await staged.campaigns.renew(await campaignOf(staged));
    for (const key of keys) expect(await redis.pttl(key), key).toBeGreaterThan(6 * 86_400_000);
  });
});
