import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.js';
import { Ground, type Times } from '../ground.js';
import { writeList } from '../lists.js';
import { cpuMicroseconds } from '../processes.js';
import { startSink } from '../sink.js';
import { type TemplateParts, writeTemplate } from '../templates.js';
import { delayed } from './delay.js';

/** What is sent, and how. */
export interface Point {
  /** Of all campaigns together. */
  readonly messages: number;
  readonly parts: TemplateParts;
  readonly processes: number;
  /** Of each process. */
  readonly connections: number;
  /** Null: fanmail's own choice. */
  readonly chunkSize: number | null;
  /** Side by side, with equal shares of the messages. */
  readonly campaigns: number;
  /** Milliseconds that a round trip takes more, to the relay and to Redis. */
  readonly relayMs: number;
  readonly redisMs: number;
}

/** What it took. CPU includes what the worker processes take to start. */
export interface Cost {
  readonly perSecond: number;
  /** Microseconds of CPU a message: all worker processes, Redis, the relay. */
  readonly workers: number;
  readonly redis: number;
  readonly relay: number;
  /** Scripts a message. */
  readonly calls: number;
  /** Bytes a message between workers and Redis, both ways. */
  readonly redisBytes: number;
}

const LIMIT_MS = 600_000;

/** Stages all campaigns, then starts the workers, and measures from the first chunk to the last. */
export async function send(bench: Bench, point: Point): Promise<Cost> {
  const { messages, campaigns, processes, connections } = point;
  const ground = new Ground(bench.folder, bench.cleanup);
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
  const port = point.relayMs > 0 ? await delayed(bench.cleanup, point.relayMs, String(sink.port)) : sink.port;
  const each = Math.round(messages / campaigns);
  const list = await writeList(bench.folder, each);
  const template = writeTemplate(mkdtempSync(join(bench.folder, 'template-')), point.parts);
  const ids = Array.from({ length: campaigns }, (_, n) => `c${n}`);
  const chunks = point.chunkSize === null ? {} : { chunkSize: point.chunkSize };
  for (const id of ids) await ground.launch({ id, list, template, port, ...chunks });
  const before = await redisUse(ground);
  const redis =
    point.redisMs > 0 ? `redis://127.0.0.1:${await delayed(bench.cleanup, point.redisMs, ground.socket)}` : undefined;
  const workers = await ground.workers({ processes, connections, port, ...(redis ? { redis } : {}) });
  const times: Times[] = [];
  for (const id of ids) times.push(await ground.ended(id, each, LIMIT_MS));
  const cpu = workers.senders.map((pid) => cpuMicroseconds(pid) ?? Number.NaN);
  const after = await redisUse(ground);
  const relayCpu = cpuMicroseconds(sink.pid) ?? Number.NaN;
  await workers.stop();
  await sink.expect(each * campaigns);
  await sink.stop();
  await ground.stop();
  const from = Math.min(...times.map(({ startedAt }) => startedAt ?? Number.NaN));
  const to = Math.max(...times.map(({ closedAt }) => closedAt ?? Number.NaN));
  const sent = each * campaigns;
  return {
    perSecond: sent / ((to - from) / 1000),
    workers: cpu.reduce((sum, one) => sum + one, 0) / sent,
    redis: (after.cpu - before.cpu) / sent,
    relay: relayCpu / sent,
    calls: (after.calls - before.calls) / sent,
    redisBytes: (after.bytes - before.bytes) / sent,
  };
}

async function redisUse({ redis }: Ground): Promise<{ cpu: number; calls: number; bytes: number }> {
  const info = (await redis.info()) + (await redis.info('commandstats'));
  const all = (pattern: RegExp) => [...info.matchAll(pattern)].reduce((sum, found) => sum + Number(found[1]), 0);
  return {
    cpu: all(/^used_cpu_(?:user|sys):([\d.]+)/gm) * 1e6,
    calls: all(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm),
    bytes: all(/^total_net_(?:in|out)put_bytes:(\d+)/gm),
  };
}
