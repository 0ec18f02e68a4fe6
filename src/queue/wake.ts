import { FlowProducer, Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Campaign } from '../domain/campaign.js';
import type { Wake } from '../pipeline/ports.js';
import { CHUNKS_QUEUE, JOB_OPTIONS, jobId, payload, STEPS_QUEUE } from './jobs.js';

/** Priorities lie below 2^21; a set orders by priority times 2^32. */
const MAX_PRIORITY = 2_097_151;
const PRIORITY_SCALE = 2 ** 32;
const BATCH = 500;

/** Adding and finding jobs. Everything may be repeated: a job that is there is not added again. */
export function createWake(redis: Redis, prefix: string): Wake & { close(): Promise<void> } {
  const connection = redis;
  const chunksQueue = new Queue(CHUNKS_QUEUE, { connection, prefix });
  const steps = new Queue(STEPS_QUEUE, { connection, prefix });
  const flows = new FlowProducer({ connection, prefix });

  /**
   * The first waiting chunk of anybody goes first; a new campaign lines up right behind it, chunk by chunk beside the
   * others, so that a small one doesn't queue behind a large one, and none starves.
   */
  async function basePriority(): Promise<number> {
    const [, score] = await redis.zrange(chunksQueue.toKey('prioritized'), '0', '0', 'WITHSCORES');
    return score === undefined ? 0 : Math.floor(Number(score) / PRIORITY_SCALE);
  }

  function child(campaign: Campaign, chunk: number, base: number) {
    const opts = {
      ...JOB_OPTIONS,
      jobId: jobId.chunk(campaign.id, campaign.round, chunk),
      priority: Math.min(MAX_PRIORITY, base + chunk + 1),
      // A child that fails for good must not leave the aggregator waiting for ever: it looks at the ledger itself.
      ignoreDependencyOnFailure: true,
    };
    return { name: 'chunk', queueName: CHUNKS_QUEUE, prefix, data: payload(campaign.id, campaign.round, chunk), opts };
  }

  return {
    async coordinator({ id, round }): Promise<void> {
      await steps.add('coordinate', payload(id, round), { ...JOB_OPTIONS, jobId: jobId.coordinate(id, round) });
    },

    async flow(campaign: Campaign, chunks: readonly number[]): Promise<void> {
      const base = await basePriority();
      await flows.add({
        name: 'aggregate',
        queueName: STEPS_QUEUE,
        prefix,
        data: payload(campaign.id, campaign.round),
        opts: { ...JOB_OPTIONS, jobId: jobId.aggregate(campaign.id, campaign.round, campaign.generation) },
        children: chunks.map((chunk) => child(campaign, chunk, base)),
      });
    },

    async notifier({ id, round }): Promise<void> {
      await steps.add('notify', payload(id, round), { ...JOB_OPTIONS, jobId: jobId.notify(id, round) });
    },

    async present(campaign: Campaign, chunks: readonly number[]): Promise<boolean> {
      const { id, round, generation } = campaign;
      const keys = chunks.map((chunk) => chunksQueue.toKey(jobId.chunk(id, round, chunk)));
      keys.push(steps.toKey(jobId.aggregate(id, round, generation)));
      for (let from = 0; from < keys.length; from += BATCH) {
        const some = keys.slice(from, from + BATCH);
        if ((await redis.exists(...some)) < some.length) return false;
      }
      return true;
    },

    async promote({ id, round }: Campaign): Promise<void> {
      const ours = `${id}.r${round}.c`;
      const delayed = (await redis.zrange(chunksQueue.toKey('delayed'), '0', '-1')).filter((job) =>
        job.startsWith(ours),
      );
      for (let from = 0; from < delayed.length; from += BATCH) {
        await Promise.all(delayed.slice(from, from + BATCH).map((job) => promoteOne(chunksQueue, job)));
      }
    },

    async close(): Promise<void> {
      await Promise.all([chunksQueue.close(), steps.close(), flows.close()]);
    },
  };
}

/** A job that is not delayed any more needs no promotion. */
async function promoteOne(queue: Queue, id: string): Promise<void> {
  const job = await Job.fromId(queue, id);
  await job?.promote().catch(async (error: unknown) => {
    if (await job.isDelayed()) throw error;
  });
}
