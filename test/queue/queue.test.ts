import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FORMAT } from '../../src/domain/campaign.js';
import {
  CHUNKS_QUEUE,
  cappedBackoff,
  JOB_OPTIONS,
  jobId,
  parsePayload,
  payload,
  STEPS_QUEUE,
} from '../../src/queue/jobs.js';
import { createWake } from '../../src/queue/wake.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { type Consumed, campaignNamed, consume, numbers } from './fixture.js';

let server: TestRedis;
let redis: Redis;
let wake: ReturnType<typeof createWake>;
let chunksQueue: Queue;
let steps: Queue;
let prefix = '';
let test = 0;
const consumers: Consumed[] = [];

beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
beforeEach(() => {
  prefix = `test:{q${test++}}`;
  wake = createWake(redis, prefix);
  chunksQueue = new Queue(CHUNKS_QUEUE, { connection: redis, prefix });
  steps = new Queue(STEPS_QUEUE, { connection: redis, prefix });
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
  await Promise.all([wake.close(), chunksQueue.close(), steps.close()]);
});
afterAll(() => server.stop());

async function started(how: Parameters<typeof consume>[2] = {}): Promise<Consumed> {
  const consumer = await consume(redis, prefix, how);
  consumers.push(consumer);
  return consumer;
}

const later = (delayMs: number) => ({ kind: 'later' as const, delayMs, why: 'test' });
const childOf = (campaign: string, n: number) => chunksQueue.toKey(jobId.chunk(campaign, 1, n));
const endOf = (campaign: string, generation = 0) => jobId.aggregate(campaign, 1, generation);

/** Resolves when `ask` is true: for what Redis does not tell of. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await delay(10);
}

describe('a flow', () => {
  it('runs every chunk once and the aggregator last, and leaves nothing behind', async () => {
    const campaign = campaignNamed('whole', 20);
    await wake.flow(campaign, numbers(20));
    expect(await wake.present(campaign, numbers(20))).toBe(true);
    const consumer = await started({ chunks: 4 });
    await consumer.until('whole end');
    expect(consumer.ran.at(-1)).toBe('whole end');
    expect([...consumer.ran].sort()).toEqual([...numbers(20).map((n) => `whole ${n}`), 'whole end'].sort());
    await until(async () => !(await steps.getJob(endOf('whole'))));
    expect(await redis.keys(`${prefix}:*whole.r1*`)).toEqual([]);
  });

  it('without chunks runs the aggregator', async () => {
    await wake.flow(campaignNamed('done', 2), []);
    await (await started()).until('done end');
  });

  it('added again beside itself changes nothing', async () => {
    const campaign = campaignNamed('twice', 5);
    for (let n = 0; n < 3; n++) await wake.flow(campaign, numbers(5));
    const consumer = await started();
    await consumer.until('twice end');
    expect(consumer.ran).toHaveLength(6);
  });

  it.each(['waiting', 'delayed'])(
    'is repaired by adding it again while its chunks are %s: whatever was lost',
    async (state) => {
      const damages: Record<string, (id: string) => Promise<unknown>> = {
        everything: async () => redis.del(...(await redis.keys(`${prefix}:*`))),
        'a child, in order': async (id) => (await Job.fromId(chunksQueue, jobId.chunk(id, 1, 1)))?.remove(),
        'a child, its key only': (id) => redis.del(childOf(id, 1)),
        'the parent, in order': async (id) => (await Job.fromId(steps, endOf(id)))?.remove({ removeChildren: false }),
        'the parent, its key only': (id) => redis.del(steps.toKey(endOf(id))),
        "the parent's dependencies": (id) => redis.del(`${steps.toKey(endOf(id))}:dependencies`),
      };
      for (const [name, damage] of Object.entries(damages)) {
        const id = `${state}-${name.replaceAll(/[^a-z]+/g, '-')}`;
        const campaign = campaignNamed(id, 3);
        await wake.flow(campaign, numbers(3));
        if (state === 'delayed') {
          const first = await started({ chunks: 3, onChunk: () => later(60_000) });
          await until(async () => (await redis.zcard(chunksQueue.toKey('delayed'))) === 3);
          await first.stop();
          consumers.splice(consumers.indexOf(first), 1);
        }
        await damage(id);
        await wake.flow(campaign, numbers(3));
        expect(await wake.present(campaign, numbers(3)), name).toBe(true);
        await wake.promote(campaign);
        const consumer = await started({ chunks: 3 });
        const ended = await Promise.race([
          consumer.until(`${id} end`).then(() => true),
          delay(3_000).then(() => false),
        ]);
        expect(ended, `${name}: the aggregator never ran; ran: ${consumer.ran}`).toBe(true);
        const chunks = consumer.ran.filter((what) => what !== `${id} end`);
        expect(new Set(chunks), name).toEqual(new Set(numbers(3).map((n) => `${id} ${n}`)));
        expect(consumer.ran.at(-1), name).toBe(`${id} end`);
        await consumer.stop();
        consumers.splice(consumers.indexOf(consumer), 1);
        await redis.del(...(await redis.keys(`${prefix}:*`)));
      }
    },
  );

  it('of a new generation takes over chunks whose old parent is gone', async () => {
    const campaign = campaignNamed('next', 3);
    await wake.flow(campaign, numbers(3));
    await (await Job.fromId(steps, endOf('next')))?.remove({ removeChildren: false });
    await wake.flow({ ...campaign, generation: 1 }, numbers(3));
    const consumer = await started();
    await consumer.until('next end');
    expect(consumer.ran).toHaveLength(4);
    expect(consumer.ran.at(-1)).toBe('next end');
  });

  it('of a new generation, added by the old aggregator while it runs, ends with the new aggregator', async () => {
    const campaign = campaignNamed('lost', 2);
    await wake.flow(campaign, numbers(2));
    let ends = 0;
    const consumer = await started({
      async aggregate(id) {
        consumer.ran.push(`${id} end`);
        if (++ends === 1) await wake.flow({ ...campaign, generation: 1 }, numbers(2));
      },
    });
    await until(async () => ends === 2);
    expect(consumer.ran.slice(2)).toEqual(['lost end', 'lost 0', 'lost 1', 'lost end']);
  });
});

describe('a job', () => {
  it('carries ids only, under 300 bytes with the longest id and the largest numbers', async () => {
    const id = 'x'.repeat(64);
    await wake.flow(campaignNamed(id, 1, { round: 1_000_000, generation: 1_000_000 }), [999_999]);
    await wake.coordinator(campaignNamed(id, 1));
    await wake.notifier(campaignNamed(id, 1));
    const jobs = (await redis.keys(`${prefix}:*${id}*`)).filter((key) => !key.endsWith(':dependencies'));
    expect(jobs).toHaveLength(4);
    for (const key of jobs) {
      const data = (await redis.hget(key, 'data')) ?? '';
      expect(Object.keys(JSON.parse(data)).every((name) => ['v', 'campaign', 'round', 'chunk'].includes(name))).toBe(
        true,
      );
      expect(Buffer.byteLength(data)).toBeLessThan(300);
      expect(Buffer.byteLength(data)).toBeGreaterThan(64);
    }
  });

  it('of another format, newer or older, is left for others', async () => {
    await chunksQueue.add(
      'chunk',
      { ...payload('newer', 1, 0), v: FORMAT + 1 },
      { ...JOB_OPTIONS, jobId: 'newer.r1.c0', priority: 1 },
    );
    await steps.add('aggregate', { v: FORMAT - 1, campaign: 'newer' }, { ...JOB_OPTIONS, jobId: 'newer.r1.g0.end' });
    await wake.flow(campaignNamed('known', 1), [0]);
    const consumer = await started();
    await consumer.until('known end');
    await until(async () => (await chunksQueue.getDelayedCount()) === 1 && (await steps.getDelayedCount()) === 1);
    expect(consumer.ran).toEqual(['known 0', 'known end']);
  });

  it.each([
    null,
    'text',
    {},
    { v: FORMAT },
    { v: FORMAT, campaign: 2, round: 1 },
    { v: FORMAT, campaign: 'a', round: 1, chunk: '0' },
    { v: String(FORMAT) },
  ])('of %j is nobody’s, and goes away', (data) => {
    expect(parsePayload(data)).toBe('broken');
  });

  it('that throws is tried again after a capped wait', async () => {
    for (let n = 1; n < 40; n++) {
      expect(cappedBackoff(n)).toBeLessThanOrEqual(36_000);
      expect(cappedBackoff(n)).toBeGreaterThanOrEqual(200);
    }
    let runs = 0;
    await wake.flow(campaignNamed('throws', 1), [0]);
    const consumer = await started({
      onChunk: () => {
        if (++runs === 1) throw new Error('once');
        return { kind: 'done' };
      },
    });
    await consumer.until('throws end');
    expect(consumer.ran).toEqual(['throws 0', 'throws 0', 'throws end']);
  });
});

describe('a chunk that has to wait', () => {
  it('is delayed and holds no worker meanwhile', async () => {
    await wake.flow(campaignNamed('waits', 2), numbers(2));
    const from = performance.now();
    const consumer = await started({
      onChunk: ({ chunk }) => (chunk === 0 && consumer.ran.length < 2 ? later(400) : { kind: 'done' }),
    });
    await consumer.until('waits end');
    expect(consumer.ran).toEqual(['waits 0', 'waits 1', 'waits 0', 'waits end']);
    expect(performance.now() - from).toBeGreaterThan(390);
  });

  it('runs at once when it is promoted, and that of another campaign does not', async () => {
    await wake.flow(campaignNamed('mine', 2), numbers(2));
    await wake.flow(campaignNamed('theirs', 1), numbers(1));
    const consumer = await started({
      chunks: 3,
      onChunk: () => (consumer.ran.length <= 3 ? later(60_000) : { kind: 'done' }),
    });
    await until(async () => (await chunksQueue.getDelayedCount()) === 3);
    await wake.promote(campaignNamed('mine', 2));
    await consumer.until('mine end');
    expect(consumer.ran.filter((what) => what === 'theirs 0')).toHaveLength(1);
    await wake.promote(campaignNamed('mine', 2));
  });
});

describe('a worker that is told to be quiet', () => {
  it('hands its chunk back, and another takes it at once', async () => {
    await wake.flow(campaignNamed('moves', 1), [0]);
    const first = await started({
      onChunk: async (_ref, { quiet }) => {
        await once(quiet, 'abort');
        return { kind: 'hand-back' };
      },
    });
    await first.until('moves 0');
    const second = await started();
    await delay(300);
    const from = performance.now();
    await first.stop();
    await second.until('moves 0');
    expect(performance.now() - from).toBeLessThan(1_500);
    await second.until('moves end');
  });

  it('starts nothing more, and closes', async () => {
    await wake.flow(campaignNamed('many', 50), numbers(50));
    const consumer = await started({ chunks: 2, onChunk: () => delay(20, { kind: 'done' as const }) });
    await consumer.until('many 3');
    consumer.consumer.quiet();
    const ran = consumer.ran.length;
    await delay(300);
    await consumer.consumer.close();
    expect(consumer.ran).toHaveLength(ran);
    const left = await redis.zrange(chunksQueue.toKey('prioritized'), '0', '-1');
    expect(left.length).toBeGreaterThanOrEqual(50 - ran);
    const starts = await Promise.all(
      left.map(async (id) => Number((await redis.hget(chunksQueue.toKey(id), 'ats')) ?? 0)),
    );
    expect(Math.max(...starts), 'a quiet worker takes a job and puts it back over and over').toBeLessThan(10);
    const next = await started({ chunks: 10 });
    await next.until('many end');
  });
});

describe('a second run of a chunk that this process still sends', () => {
  it('is sent away without reaching the chunk', async () => {
    await wake.flow(campaignNamed('again', 1), [0]);
    let end: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      end = resolve;
    });
    const consumer = await started({ chunks: 2, onChunk: () => gate.then(() => ({ kind: 'done' as const })) });
    await consumer.until('again 0');
    const job = await Job.fromId(chunksQueue, jobId.chunk('again', 1, 0));
    // As BullMQ does with a job whose lock was lost.
    await job?.moveToWait('0');
    await redis.del(`${childOf('again', 0)}:lock`);
    await until(async () => (await job?.isDelayed()) === true);
    expect(consumer.ran).toEqual(['again 0']);
    end();
    await delay(50);
    expect(await job?.isDelayed()).toBe(true);
    await wake.promote(campaignNamed('again', 1));
    await consumer.until('again end');
    expect(consumer.ran).toEqual(['again 0', 'again 0', 'again end']);
  });
});

describe('fairness', () => {
  it('a small campaign added behind a large one is served beside it, and the large one goes on', async () => {
    await wake.flow(campaignNamed('large', 60), numbers(60));
    const consumer = await started({
      async onChunk({ campaign, chunk }) {
        if (campaign === 'large' && chunk === 20) await wake.flow(campaignNamed('small', 5), numbers(5));
        return { kind: 'done' };
      },
    });
    await consumer.until('large end');
    const order = consumer.ran.filter((what) => !what.endsWith('end'));
    const at = (what: string) => order.indexOf(what);
    expect(at('small 4')).toBeLessThan(at('large 30'));
    expect(at('small 0')).toBeLessThan(at('small 4'));
    expect(order.slice(at('small 0'), at('small 4')).some((what) => what.startsWith('large'))).toBe(true);
  });
});

describe('a worker that is lost', () => {
  it('by SIGKILL loses its chunk to another within 20 s', async () => {
    await wake.flow(campaignNamed('killed', 1), [0]);
    const script = new URL('./fixtures/stalling-consumer.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', script, server.path, prefix], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(said.toString()).toBe('taken 0\n');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const from = performance.now();
    const consumer = await started();
    await consumer.until('killed end');
    expect(consumer.ran).toEqual(['killed 0', 'killed end']);
    expect(performance.now() - from).toBeLessThan(21_000);
  }, 40_000);

  it('to the queue alone is told so: its chunk stops', async () => {
    await wake.flow(campaignNamed('unlocked', 1), [0]);
    let told = false;
    const consumer = await started({
      onChunk: async (_ref, { lost }) => {
        if (!told) await once(lost, 'abort');
        told = true;
        return later(10);
      },
    });
    await consumer.until('unlocked 0');
    await redis.set(`${childOf('unlocked', 0)}:lock`, 'somebody else', 'PX', 60_000);
    await until(async () => told);
    expect(told).toBe(true);
  }, 30_000);
});
