import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaignKeys, chunkKeys, stagingKeys } from '../../../src/redis/keys.js';
import { createChunkLedger } from '../../../src/redis/ledger/chunks.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import {
  assertBalanced,
  begin,
  bytesOf,
  campaignOf,
  claimed,
  countersOf,
  finishChunk,
  keysWithoutExpiry,
  recordOf,
  type Staged,
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

const statesKey = (staged: Staged, chunk: number) => chunkKeys(staged.id, staged.nonce, chunk).states;
const ref = ({ id }: Staged, chunk: number) => ({ campaign: id, round: 1, chunk });

describe('a ledger that lost keys', () => {
  it('makes unknown whose states are gone, balances, and lets the chunk be finished', async () => {
    const staged = await sending(redis, { chunks: 3, perChunk: 4 });
    await finishChunk(staged, 0);
    const chunk = await claimed(staged, 1);
    await begin(staged.ledger, chunk, [0, 1]);
    await settle(staged.ledger, chunk, [{ index: 0, verdict: verdict('deferred') }]);
    await redis.del(statesKey(staged, 1));
    expect(await staged.ledger.claim(ref(staged, 1), staged.nonce)).toEqual({ kind: 'refused', why: 'lost' });
    expect(await staged.campaigns.recover(await campaignOf(staged))).toBe(1);
    await assertBalanced(staged);
    expect(await bytesOf(staged)).toBe('SSSSUUUUPPPP');
    expect(await recordOf(staged, 0, 1)).toMatchObject({ reason: 'data-lost', attempts: 1, code: 451, due: 0 });
    expect(await recordOf(staged, 3, 1)).toMatchObject({ reason: 'data-lost', attempts: 0, code: 0 });
    expect(await staged.ledger.finish(await claimed(staged, 1))).toEqual({ kind: 'finished' });
    expect(await keysWithoutExpiry(staged)).toEqual([]);
  });

  it('does so for chunks that were finished, too, once it is closed', async () => {
    const staged = await sending(redis, { chunks: 2, perChunk: 2 });
    await sendAll(staged);
    expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 'a')).toBe('ok');
    await redis.del(statesKey(staged, 0), campaignKeys(staged.id).counters);
    expect(await staged.campaigns.recover(await campaignOf(staged))).toBe(1);
    expect(await countersOf(staged)).toMatchObject({ sent: 2, unknown: 2, pending: 0 });
    await assertBalanced(staged);
  });

  it('counts anew where its counters are gone, in part or all', async () => {
    const staged = await sending(redis, { chunks: 2, perChunk: 2 });
    await finishChunk(staged, 0);
    await redis.del(campaignKeys(staged.id).counters);
    await finishChunk(staged, 1);
    expect(await staged.campaigns.recover(await campaignOf(staged))).toBe(0);
    expect(await countersOf(staged)).toMatchObject({ sent: 4, pending: 0, inflight: 0 });
    expect(await keysWithoutExpiry(staged)).toEqual([]);
  });

  it('stays as it is where nothing is gone, or where even the size of a chunk is', async () => {
    const staged = await sending(redis, { chunks: 2, perChunk: 2 });
    await finishChunk(staged, 0);
    const before = await countersOf(staged);
    expect(await staged.campaigns.recover(await campaignOf(staged))).toBe(0);
    await redis.del(statesKey(staged, 1), chunkKeys(staged.id, staged.nonce, 1).chunk);
    expect(await staged.campaigns.recover(await campaignOf(staged))).toBeNull();
    expect(await countersOf(staged)).toEqual(before);
    expect(await bytesOf(staged)).toBe('SS');
  });
});

/** What Redis holds of a campaign, to put it back later: as a restart from an older file does. */
async function backup(staged: Staged): Promise<() => Promise<void>> {
  const keys = [campaignKeys(staged.id).campaign, campaignKeys(staged.id).counters];
  keys.push(stagingKeys(staged.id, staged.nonce).done);
  for (let n = 0; n < staged.chunks; n++) {
    const { chunk, states, records } = chunkKeys(staged.id, staged.nonce, n);
    keys.push(chunk, states, records);
  }
  const kept = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return async () => {
    await redis.del(keys);
    for (const [i, key] of keys.entries()) {
      const value = kept[i];
      if (value) await redis.restore(key, 86_400_000, value);
    }
  };
}

async function sendOne(staged: Staged, chunk: Awaited<ReturnType<typeof claimed>>, index: number): Promise<void> {
  await begin(staged.ledger, chunk, [index]);
  await settle(staged.ledger, chunk, [{ index, verdict: verdict('sent') }]);
}

describe('a ledger that went back to an older state', () => {
  it('is noticed at the next intent: nothing is begun, the campaign pauses and says how much was forgotten', async () => {
    const staged = await sending(redis, { chunks: 1, perChunk: 6 });
    const chunk = await claimed(staged);
    await sendOne(staged, chunk, 0);
    const goBack = await backup(staged);
    await sendOne(staged, chunk, 1);
    await sendOne(staged, chunk, 2);
    await goBack();
    expect(await bytesOf(staged)).toBe('SPPPPP');
    expect(await begin(staged.ledger, chunk, [1, 3])).toEqual({ kind: 'stopped', why: 'paused' });
    const { flags, forgotten } = await campaignOf(staged);
    expect(forgotten).toBe(2);
    expect(flags.paused).toMatchObject({ by: 'fanmail', reason: expect.stringContaining('at least 2 outcomes') });
    await assertBalanced(staged);
  });

  it('is noticed at the next claim, and goes on when the operator says so, without being noticed again', async () => {
    const staged = await sending(redis, { chunks: 2, perChunk: 2 });
    const goBack = await backup(staged);
    await finishChunk(staged, 0);
    await goBack();
    expect(await staged.ledger.claim(ref(staged, 1), staged.nonce)).toEqual({ kind: 'refused', why: 'paused' });
    expect(await staged.campaigns.control(staged.id, 'resume', 'me', '')).toMatchObject({ kind: 'ok' });
    await finishChunk(staged, 1);
    await finishChunk(staged, 0);
    expect(await bytesOf(staged)).toBe('SSSS');
    expect((await campaignOf(staged)).forgotten).toBe(2);
  });

  it('counts what the one who saw most knows of, and can’t be noticed by who has seen nothing', async () => {
    const staged = await sending(redis, { chunks: 1, perChunk: 6 });
    const other = createChunkLedger(redis);
    const goBack = await backup(staged);
    const chunk = await claimed(staged);
    await sendOne(staged, chunk, 0);
    await other.claim(ref(staged, 0), staged.nonce);
    await sendOne({ ...staged, ledger: other }, await claimed({ ...staged, ledger: other }), 1);
    await goBack();
    expect((await createChunkLedger(redis).claim(ref(staged, 0), staged.nonce)).kind).toBe('claimed');
    expect(await staged.ledger.claim(ref(staged, 0), staged.nonce)).toEqual({ kind: 'refused', why: 'paused' });
    expect((await campaignOf(staged)).forgotten).toBe(1);
    expect(await other.claim(ref(staged, 0), staged.nonce)).toEqual({ kind: 'refused', why: 'paused' });
    expect((await campaignOf(staged)).forgotten).toBe(2);
  });
});
