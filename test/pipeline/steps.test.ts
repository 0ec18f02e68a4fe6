import { describe, expect, it } from 'vitest';
import { aggregate } from '../../src/pipeline/aggregator.js';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import { coordinate } from '../../src/pipeline/coordinator.js';
import { chunkKeys, QUEUE_PREFIX } from '../../src/redis/keys.js';
import { consume } from '../queue/fixture.js';
import { campaignOf, claimed, finishChunk, sealed, sending } from '../redis/ledger/fixture.js';
import { bench, ScriptedRelay } from './fixture.js';
import { keptResults, useSteps } from './steps-fixture.js';

const steps = useSteps();
const { ports, chunkJob, endJob, noticeJob, ended } = steps;

describe('coordinating', () => {
  it('fans a sealed campaign out, and again what is not finished', async () => {
    const staged = await sealed(steps.redis());
    await coordinate(staged.id, 1, ports(staged));
    expect((await campaignOf(staged)).phase).toBe('sending');
    expect([await chunkJob(staged, 0), await chunkJob(staged, 1), await endJob(staged)]).toEqual([1, 1, 1]);
    await finishChunk(staged, 0);
    await steps.redis().del(...(await steps.redis().keys(`${QUEUE_PREFIX}:*`)));
    await coordinate(staged.id, 1, ports(staged));
    expect([await chunkJob(staged, 0), await chunkJob(staged, 1), await endJob(staged)]).toEqual([0, 1, 1]);
  });

  it('does nothing for another round or a campaign that is gone', async () => {
    const staged = await sealed(steps.redis());
    await coordinate(staged.id, 2, ports(staged));
    await coordinate('gone', 1, ports(staged));
    expect((await campaignOf(staged)).phase).toBe('queued');
    expect(await steps.redis().keys(`${QUEUE_PREFIX}:*.*`)).toEqual([]);
  });
});

describe('aggregating', () => {
  it('closes, reads, marks, and leaves the campaign; repeated, it changes nothing', async () => {
    const staged = await sending(steps.redis());
    await finishChunk(staged, 0);
    await finishChunk(staged, 1);
    const results = keptResults();
    await aggregate(staged.id, 1, ports(staged, results));
    expect(results.written).toEqual(['SSSSSS']);
    const summary = await staged.campaigns.summary(staged.id);
    expect(JSON.parse(summary ?? '')).toMatchObject({ states: { sent: 6 }, resultsDir: '/results' });
    expect((await campaignOf(staged)).phase).toBe('completed');
    expect(await staged.campaigns.open()).toEqual([]);
    await aggregate(staged.id, 1, ports(staged, results));
    expect(results.written).toHaveLength(1);
    expect(await staged.campaigns.summary(staged.id)).toBe(summary);
  });

  it('adds the flow again as a new generation where a chunk is open', async () => {
    const staged = await sending(steps.redis());
    await finishChunk(staged, 1);
    await aggregate(staged.id, 1, ports(staged));
    expect((await campaignOf(staged)).generation).toBe(1);
    expect([await chunkJob(staged, 0), await chunkJob(staged, 1), await endJob(staged, 1)]).toEqual([1, 0, 1]);
  });

  it('by a thawed process is fenced by a newer one, which has the only word', async () => {
    const staged = await sending(steps.redis());
    await finishChunk(staged, 0);
    await finishChunk(staged, 1);
    const newer = keptResults();
    const thawed = keptResults(async () => {
      await aggregate(staged.id, 1, ports(staged, newer));
      await steps.redis().hset(`fanmail:{${staged.id}}:campaign`, 'phase', 'aggregating');
    });
    await aggregate(staged.id, 1, ports(staged, thawed));
    expect(newer.written).toHaveLength(1);
    expect((await campaignOf(staged)).phase).toBe('aggregating');
  });

  it('after a crash in the middle is done by the next run', async () => {
    const staged = await sending(steps.redis());
    await finishChunk(staged, 0);
    await finishChunk(staged, 1);
    const crashing = keptResults(() => Promise.reject(new Error('the disk is full')));
    await expect(aggregate(staged.id, 1, ports(staged, crashing))).rejects.toThrow('the disk is full');
    expect((await campaignOf(staged)).phase).toBe('aggregating');
    await aggregate(staged.id, 1, ports(staged));
    expect((await campaignOf(staged)).phase).toBe('completed');
  });

  it('ends a campaign although the recipients of a chunk can not be read', async () => {
    const staged = await sending(steps.redis());
    await steps.redis().set(chunkKeys(staged.id, staged.nonce, 0).rows, 'rubbish');
    const chunk = await claimed(staged, 0);
    await staged.ledger.lose(chunk, 'data-lost');
    await staged.ledger.finish(chunk);
    await finishChunk(staged, 1);
    const results = keptResults();
    await aggregate(staged.id, 1, ports(staged, results));
    expect(results.written).toEqual(['FFFSSS']);
    expect((await campaignOf(staged)).phase).toBe('completed');
  });

  it('does not go round and round where the ledger lost the states of a chunk', async () => {
    const staged = await sealed(steps.redis(), { chunks: 1 });
    await steps.redis().del(chunkKeys(staged.id, staged.nonce, 0).states);
    const { ports: workerPorts } = bench(steps.redis(), new ScriptedRelay());
    let ends = 0;
    const consumer = await consume(steps.redis(), QUEUE_PREFIX, {
      onChunk: (ref, signals) => runChunk(ref, workerPorts, signals),
      async aggregate(id, round) {
        ends++;
        await aggregate(id, round, ports(staged)).catch(() => {});
      },
    });
    await coordinate(staged.id, 1, ports(staged));
    await consumer.until(`${staged.id} 0`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await consumer.stop();
    expect(ends).toBeLessThan(5);
  });

  it('wakes the notifier where a notice is wanted', async () => {
    const staged = await ended('boss@example.org');
    expect(await noticeJob(staged)).toBe(1);
    expect(await staged.campaigns.open()).toEqual([staged.id]);
  });
});
