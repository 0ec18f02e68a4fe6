import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Summary } from '../../src/domain/summary.js';
import { type AggregatorPorts, aggregate } from '../../src/pipeline/aggregator.js';
import type { Results } from '../../src/pipeline/ports.js';
import { CHUNKS_QUEUE, jobId, STEPS_QUEUE } from '../../src/queue/jobs.js';
import { createWake } from '../../src/queue/wake.js';
import { QUEUE_PREFIX } from '../../src/redis/keys.js';
import { createSuppression } from '../../src/redis/suppression/store.js';
import { finishChunk, type Staged, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { keptLog } from './fixture.js';

/** The steps around the chunks with a real Redis and a real queue, for a test file of its own. */
export function useSteps() {
  let server: TestRedis;
  let redis: Redis;
  let wake: ReturnType<typeof createWake>;
  beforeAll(async () => {
    server = await freshRedis();
    redis = server.client();
    wake = createWake(redis, QUEUE_PREFIX);
  });
  afterEach(async () => {
    await redis.flushall();
  });
  afterAll(async () => {
    await wake.close();
    await server.stop();
  });

  const ports = (staged: Staged, results: Results = keptResults()): AggregatorPorts => {
    const suppression = createSuppression(redis);
    return { campaigns: staged.campaigns, suppression, results, wake, log: keptLog() };
  };
  return {
    redis: () => redis,
    wake: () => wake,
    ports,
    chunkJob: (staged: Staged, n: number) => redis.exists(jobKey(CHUNKS_QUEUE, jobId.chunk(staged.id, 1, n))),
    endJob: (staged: Staged, generation = 0) =>
      redis.exists(jobKey(STEPS_QUEUE, jobId.aggregate(staged.id, 1, generation))),
    noticeJob: (staged: Staged) => redis.exists(jobKey(STEPS_QUEUE, jobId.notify(staged.id, 1))),
    async ended(notifyTo: string | null): Promise<Staged> {
      const staged = await sending(redis, { notify: notifyTo });
      await finishChunk(staged, 0);
      await finishChunk(staged, 1);
      await aggregate(staged.id, 1, ports(staged));
      return staged;
    },
  };
}

export const jobKey = (queue: string, id: string) => `${QUEUE_PREFIX}:${queue}:${id}`;

/** Results that read everything and keep what the aggregator would write. */
export function keptResults(before: () => Promise<void> = async () => {}): Results & { written: string[] } {
  const written: string[] = [];
  return {
    written,
    async write(campaign, source) {
      let states = '';
      for await (const chunk of source.chunks()) states += chunk.states.toString();
      written.push(states);
      await before();
      const summary = {
        schema: 1,
        campaign: campaign.id,
        states: source.standing.counters,
      } as Partial<Summary> as Summary;
      return { summary, dir: '/results' };
    },
  };
}
