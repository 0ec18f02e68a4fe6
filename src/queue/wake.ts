import type { Queue as BullQueue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Campaign } from '../domain/campaign.js';
import type { Wake } from '../pipeline/ports.js';
import { FlowProducer, Job, Queue } from './bullmq.js';
import { CHUNKS_QUEUE, JOB_OPTIONS, jobId, payload, STEPS_QUEUE } from './jobs.js';

/** Priorities lie below 2^21; a set orders by priority times 2^32. */
const MAX_PRIORITY = 2_097_151;
const PRIORITY_SCALE = 2 ** 32;
const BATCH = 500;
/** Where BullMQ keeps the ids of jobs that are to be done, beside the lists `active` and `wait`. */
const SETS = ['prioritized', 'delayed', 'waiting-children'] as const;
/** A job's keys: its hash, and a parent's sets. */
const PARTS = ['', ':dependencies', ':processed', ':failed', ':unsuccessful'] as const;

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

  /** The jobs that a sending campaign needs. */
  function lookups({ id, round, generation }: Campaign, chunks: readonly number[]) {
    return [
      { queue: chunksQueue, ids: chunks.map((chunk) => jobId.chunk(id, round, chunk)) },
      { queue: steps, ids: [jobId.aggregate(id, round, generation)] },
    ];
  }

  /**
   * Whether the aggregator waits for a child that is not there any more: its chunk may be finished in the ledger, but its
   * job could not say so. A job that ends in order leaves the parent's set in the same step, so who is still in it is lost.
   */
  async function waitsForNobody({ id, round, generation }: Campaign): Promise<boolean> {
    const set = steps.toKey(`${jobId.aggregate(id, round, generation)}:dependencies`);
    const start = chunksQueue.toKey('').length;
    const children = (await redis.smembers(set)).map((key) => key.slice(start));
    for (const child of await unplaced(redis, chunksQueue, children)) {
      if ((await redis.sismember(set, chunksQueue.toKey(child))) === 1) return true;
    }
    return false;
  }

  async function removeAggregator({ id, round, generation }: Campaign): Promise<void> {
    const parent = jobId.aggregate(id, round, generation);
    await redis.zrem(steps.toKey('waiting-children'), parent);
    await redis.del(...PARTS.map((part) => steps.toKey(parent) + part));
  }

  return {
    async coordinator({ id, round }): Promise<void> {
      await steps.add('coordinate', payload(id, round), { ...JOB_OPTIONS, jobId: jobId.coordinate(id, round) });
    },

    async flow(campaign: Campaign, chunks: readonly number[]): Promise<void> {
      if (await waitsForNobody(campaign)) await removeAggregator(campaign);
      // A hash that no list or set names is a job that nobody will ever take, and would keep a new one out.
      for (const { queue, ids } of lookups(campaign, chunks)) {
        for (const id of await unplaced(redis, queue, ids))
          await redis.del(...PARTS.map((part) => queue.toKey(id) + part));
      }
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
      const lost = await Promise.all(lookups(campaign, chunks).map(({ queue, ids }) => unplaced(redis, queue, ids)));
      return lost.flat().length === 0 && !(await waitsForNobody(campaign));
    },

    async promote({ id, round }: Campaign): Promise<void> {
      const ours = `${id}.r${round}.c`;
      const delayed = (await redis.zrange(chunksQueue.toKey('delayed'), '0', '-1')).filter((job) =>
        job.startsWith(ours),
      );
      for (let from = 0; from < delayed.length; from += BATCH) {
        await Promise.all(delayed.slice(from, from + BATCH).map((job) => promoteOne(chunksQueue, job)));
      }
      await promoteOne(steps, jobId.coordinate(id, round));
    },

    async close(): Promise<void> {
      await Promise.all([chunksQueue.close(), steps.close(), flows.close()]);
    },
  };
}

/** Of these jobs, those that are not there: no hash, or none of BullMQ's lists and sets names them. */
async function unplaced(redis: Redis, queue: BullQueue, ids: readonly string[]): Promise<string[]> {
  const lost: string[] = [];
  for (let from = 0; from < ids.length; from += BATCH) {
    const some = ids.slice(from, from + BATCH);
    // One transaction: BullMQ moves a job in one step, so it is always somewhere.
    const reads = redis.multi().lrange(queue.toKey('active'), 0, -1).lrange(queue.toKey('wait'), 0, -1);
    for (const id of some) {
      reads.exists(queue.toKey(id));
      for (const set of SETS) reads.zscore(queue.toKey(set), id);
    }
    const [active, wait, ...rest] = ((await reads.exec()) ?? []).map(([, reply]) => reply);
    const listed = new Set([active, wait].flatMap((list) => (Array.isArray(list) ? list : [])));
    const each = SETS.length + 1;
    some.forEach((id, i) => {
      const [exists, ...scores] = rest.slice(i * each, (i + 1) * each);
      const placed = listed.has(id) || scores.some((score) => score !== null);
      if (exists !== 1 || !placed) lost.push(id);
    });
  }
  return lost;
}

/** A job that is not there, or not delayed any more, needs no promotion. */
async function promoteOne(queue: BullQueue, id: string): Promise<void> {
  const job = await Job.fromId(queue, id);
  await job?.promote().catch(async (error: unknown) => {
    if (await job.isDelayed()) throw error;
  });
}
