import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ChunkSignals } from '../pipeline/chunk-ports.js';
import type { ChunkEnd } from '../pipeline/chunk-worker.js';
import type { CoordinatorEnd } from '../pipeline/coordinator.js';
import type { NoticeEnd } from '../pipeline/notifier.js';
import type { ChunkRef, Log } from '../pipeline/ports.js';
import { DelayedError, Worker } from './bullmq.js';
import { CHUNKS_QUEUE, cappedBackoff, type Payload, parsePayload, STEPS_QUEUE, type StepName } from './jobs.js';
import { Places } from './places.js';

/** What the jobs do; the queue only wakes them up. */
export interface Actors {
  chunk(ref: ChunkRef, signals: ChunkSignals): Promise<ChunkEnd>;
  coordinate(campaign: string, round: number): Promise<CoordinatorEnd>;
  aggregate(campaign: string, round: number): Promise<void>;
  notify(campaign: string, round: number, quiet: AbortSignal): Promise<NoticeEnd>;
}

export interface ConsumerOptions {
  readonly prefix: string;
  /** Chunks that this process sends at a time. */
  readonly chunks: number;
  readonly log: Log;
}

/**
 * A lock, renewed at half its time, and two looks for stalled jobs are together below the 20 s within which a dead worker’s
 * chunks go on: the first look only takes note of a job.
 */
const TIMING = { lockDuration: 12_000, stalledInterval: 3_000 };
/** The ledger counts fruitless claims; BullMQ's count would drop a job without asking it. */
const MAX_STALLS = 1_000_000;
/** Each waits for somebody else, a notice up to ten minutes for its relay: some that hang must not keep the others. */
const STEPS_AT_A_TIME = 20;
/** Chunks of a process that wait for their pace, beside those that it sends. */
const ASIDE = 8;
const ELSEWHERE_MS = 5_000;
const UNKNOWN_FORMAT_MS = 15_000;

type Next =
  | { readonly kind: 'later'; readonly delayMs: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'hand-back' };

/** Takes jobs, one piece of work at a time, and completes each only when its actor is done with it. */
export function startConsumer(redis: Redis, actors: Actors, options: ConsumerOptions) {
  const { prefix, log } = options;
  const quiet = new AbortController();
  const running = new Set<string>();
  const places = new Places(ASIDE, makeRoom);
  const common = {
    connection: redis,
    prefix,
    ...TIMING,
    maxStalledCount: MAX_STALLS,
    // As the jobs say themselves; a job whose hash was lost says nothing, and must go away, too.
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    settings: { backoffStrategy: cappedBackoff },
  };

  async function runChunkJob({ campaign, round, chunk }: Payload, cancelled: AbortSignal | undefined): Promise<Next> {
    if (chunk === undefined) return { kind: 'done' };
    const name = `${campaign} ${round} ${chunk}`;
    // A second run of a chunk that this process still sends would fence off the first for nothing.
    if (running.has(name)) return { kind: 'later', delayMs: ELSEWHERE_MS };
    running.add(name);
    const lost = new AbortController();
    cancelled?.addEventListener('abort', () => lost.abort(), { once: true });
    try {
      const signals = { quiet: quiet.signal, lost: lost.signal, aside: places.take.bind(places) };
      const end = await actors.chunk({ campaign, round, chunk }, signals);
      if (end.kind === 'later') log.debug({ campaign, chunk, delayMs: end.delayMs, why: end.why }, 'chunk waits');
      return end;
    } finally {
      running.delete(name);
    }
  }

  /** So many chunks wait for their pace: that many more are taken. */
  function makeRoom(aside: number): void {
    const more = options.chunks + aside > chunks.concurrency;
    chunks.concurrency = options.chunks + aside;
    // A worker that is busy looks for jobs again only when one has ended, or when it goes on after a pause.
    if (more)
      void chunks.pause(true).then(() => {
        if (!quiet.signal.aborted) chunks.resume();
      });
  }

  async function runStep(step: StepName, { campaign, round }: Payload): Promise<Next> {
    switch (step) {
      case 'coordinate':
        return actors.coordinate(campaign, round);
      case 'aggregate':
        await actors.aggregate(campaign, round);
        return { kind: 'done' };
      case 'notify':
        return actors.notify(campaign, round, quiet.signal);
      default:
        return step satisfies never;
    }
  }

  function worker(
    queue: string,
    concurrency: number,
    run: (job: Job, data: Payload, signal?: AbortSignal) => Promise<Next>,
  ) {
    const w = new Worker(
      queue,
      async (job, token, signal) => {
        // After close() a job may still start.
        if (quiet.signal.aborted) return giveBack(job, token, { kind: 'hand-back' });
        const data = parsePayload(job.data);
        if (data === 'other') return giveBack(job, token, { kind: 'later', delayMs: UNKNOWN_FORMAT_MS });
        // Completed, it goes away; the sweep adds what is missing then.
        if (data === 'broken') return;
        return giveBack(job, token, await run(job, data, signal));
      },
      { ...common, concurrency },
    );
    w.on('error', (error) => log.warn({ err: error }, 'the queue reports an error'));
    w.on('failed', (job, error) => log.error({ err: error, job: job?.id }, 'a job threw and will be tried again'));
    w.on('stalled', (id) => log.warn({ job: id }, 'a job was taken over from a worker that went silent'));
    // BullMQ lets the run go on after its lock is lost; the run has to be told.
    w.on('lockRenewalFailed', (ids) => {
      for (const id of ids) w.cancelJob(id, 'lock lost');
    });
    return w;
  }

  const chunks = worker(CHUNKS_QUEUE, options.chunks, (_job, data, signal) => runChunkJob(data, signal));
  const workers = [chunks, worker(STEPS_QUEUE, STEPS_AT_A_TIME, (job, data) => runStep(stepName(job.name), data))];

  return {
    /** Takes no new work; what runs stops beginning. */
    quiet(): void {
      quiet.abort();
      for (const w of workers) void w.pause(true);
    },
    /** Resolves when nothing runs any more. Call `quiet` first. */
    async close(): Promise<void> {
      await Promise.all(workers.map((w) => w.close()));
    },
    ready: () => Promise.all(workers.map((w) => w.waitUntilReady())),
  };
}

async function giveBack(job: Job, token: string | undefined, end: Next): Promise<void> {
  if (end.kind === 'done') return;
  // BullMQ's moveToWait wakes nobody up for a job with a priority; a delay of a moment does.
  const delayMs = end.kind === 'hand-back' ? 1 : Math.max(1, end.delayMs);
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}

function stepName(name: string): StepName {
  if (name === 'coordinate' || name === 'aggregate' || name === 'notify') return name;
  throw new TypeError(`a job names an unknown step "${name}"`);
}
