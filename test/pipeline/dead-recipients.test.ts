import { describe, expect, it } from 'vitest';
import { aggregate } from '../../src/pipeline/aggregator.js';
import { createSuppression } from '../../src/redis/suppression/store.js';
import {
  begin,
  campaignOf,
  claimed,
  finishChunk,
  GONE,
  type Staged,
  sending,
  settle,
  verdict,
} from '../redis/ledger/fixture.js';
import { keptLog } from './fixture.js';
import { keptResults, useSteps } from './steps-fixture.js';

const { redis, ports } = useSteps();
const to = (...numbers: number[]) => numbers.map((n) => `r${n}@example.org`);

/** Settled by a worker that died before it came to the suppression list. */
async function withRefused(how: Parameters<typeof sending>[1]): Promise<Staged> {
  const staged = await sending(redis(), { chunks: 2, perChunk: 4, onDead: 'suppress', ...how });
  const chunk = await claimed(staged, 0);
  await begin(staged.ledger, chunk, [0, 1, 2, 3]);
  const banned = { ...GONE, enhanced: [7, 1] as const };
  await settle(staged.ledger, chunk, [
    { index: 0, verdict: verdict('sent') },
    { index: 1, verdict: verdict('failed') },
    { index: 2, verdict: verdict('failed', { reply: banned }) },
    { index: 3, verdict: verdict('failed', { reply: null, reason: 'render' }) },
  ]);
  await staged.ledger.finish(chunk);
  await finishChunk(staged, 1);
  return staged;
}

describe('the end of a campaign', () => {
  it('suppresses whom the relay called dead, where the worker did not come to it', async () => {
    const staged = await withRefused({});
    await aggregate(staged.id, 1, ports(staged));
    expect((await campaignOf(staged)).phase).toBe('completed');
    const list = createSuppression(redis());
    expect(await list.check(to(0, 1, 2, 3, 4, 5, 6, 7), null)).toEqual([1]);
    expect(await list.find('r1@example.org')).toMatchObject([{ topic: null, why: 'bounce' }]);
  });

  it('leaves them alone where the campaign keeps them', async () => {
    const staged = await withRefused({ onDead: 'keep' });
    await aggregate(staged.id, 1, ports(staged));
    expect((await createSuppression(redis()).standing()).entries).toBe(0);
  });

  it('comes all the same where the list can’t be changed', async () => {
    const staged = await withRefused({});
    const log = keptLog();
    const broken = { ...createSuppression(redis()), add: async () => Promise.reject(new Error('OOM')) };
    const results = keptResults();
    await aggregate(staged.id, 1, { ...ports(staged, results), suppression: broken, log });
    expect((await campaignOf(staged)).phase).toBe('completed');
    expect(results.written).toEqual(['SFFFSSSS']);
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});
