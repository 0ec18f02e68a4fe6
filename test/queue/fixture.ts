import type { Redis } from 'ioredis';
import type { Campaign } from '../../src/domain/campaign.js';
import type { ChunkSignals } from '../../src/pipeline/chunk-ports.js';
import type { ChunkEnd } from '../../src/pipeline/chunk-worker.js';
import type { ChunkRef, Log } from '../../src/pipeline/ports.js';
import { type Actors, startConsumer } from '../../src/queue/consumer.js';
import { OPTIONS, totalsOf } from '../redis/ledger/fixture.js';

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export function campaignNamed(id: string, chunks: number, more: Partial<Campaign> = {}): Campaign {
  const times = {
    createdAt: 1,
    sealedAt: 1,
    openedAt: 1,
    opening: null,
    rounds: [],
    giveUpAt: null,
    startedAt: 1,
    closedAt: null,
    endedAt: null,
  };
  const rest = {
    flags: { paused: null, cancelling: false },
    ...{ heardAt: 0, cancelled: null, opensAt: null, closesAt: null, canary: null, canaryFound: null },
    round: 1,
    generation: 0,
    nonce: 'n',
    salt: 's',
    retries: 0,
    forgotten: 0,
  };
  return {
    id,
    phase: 'sending',
    options: OPTIONS,
    totals: totalsOf(chunks, 1),
    notice: null,
    ...times,
    ...rest,
    ...more,
  };
}

export const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

export interface Consumed {
  /** `<campaign> <chunk>`, `<campaign> end` and so on, in the order in which they ran. */
  readonly ran: string[];
  readonly consumer: ReturnType<typeof startConsumer>;
  /** Resolves when `name` ran for the `count`th time. */
  until(name: string, count?: number): Promise<void>;
  stop(): Promise<void>;
}

type OnChunk = (ref: ChunkRef, signals: ChunkSignals) => Promise<ChunkEnd> | ChunkEnd;

/** A consumer that writes down what it is woken for. */
export async function consume(
  redis: Redis,
  prefix: string,
  {
    chunks = 1,
    onChunk = () => ({ kind: 'done' }),
    ...actors
  }: Partial<Actors> & { chunks?: number; onChunk?: OnChunk } = {},
): Promise<Consumed> {
  const ran: string[] = [];
  const waiting = new Set<() => void>();
  const note = (what: string) => {
    ran.push(what);
    for (const look of waiting) look();
  };
  const consumer = startConsumer(
    redis,
    {
      async chunk(ref, signals) {
        note(`${ref.campaign} ${ref.chunk}`);
        return onChunk(ref, signals);
      },
      async coordinate(campaign) {
        note(`${campaign} start`);
        return { kind: 'done' };
      },
      aggregate: async (campaign) => note(`${campaign} end`),
      async notify(campaign) {
        note(`${campaign} notice`);
        return { kind: 'done' };
      },
      ...actors,
    },
    { prefix, chunks, log: silent },
  );
  await consumer.ready();
  return {
    ran,
    consumer,
    until: (name, count = 1) =>
      new Promise((resolve) => {
        const look = () => {
          if (ran.filter((what) => what === name).length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      consumer.quiet();
      await consumer.close();
    },
  };
}
