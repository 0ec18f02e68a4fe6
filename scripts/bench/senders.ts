import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.js';
import { CannotMeasure } from './bench.js';
import type { Ground } from './ground.js';
import type { LoopResult } from './nodemailer-main.js';
import { cpuMicroseconds, nodeArgs, residentBytes, runCommand } from './processes.js';
import { startSink } from './sink.js';

/** Each sends so many messages to a relay of its own and proves that all of them arrived there. */

const LOOP = fileURLToPath(new URL('nodemailer-main.ts', import.meta.url));
/** A machine that sends slower than this has something else to do. */
const LEAST_PER_SECOND = 20;
const START_MS = 60_000;

export interface Job {
  readonly list: string;
  readonly template: string;
  readonly messages: number;
  /** Of all processes together. */
  readonly connections: number;
}

export interface Sent {
  readonly perSecond: number;
  /** Microseconds of CPU a message of all sending processes; null where it can't be told. */
  readonly cpuEach: number | null;
}

export interface SentByFanmail extends Sent {
  /** Resident memory of the largest sending process at the end, in bytes; null where it can't be told. */
  readonly resident: number | null;
}

/** Staged first; then the time from the first chunk to the last, as the campaign says it. */
export async function byFanmail(
  bench: Bench,
  ground: Ground,
  job: Job & { readonly processes: number; readonly id: string; readonly delayMs?: number; readonly dkim?: string },
): Promise<SentByFanmail> {
  const { id, list, template, processes, messages } = job;
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup, { delayMs: job.delayMs ?? 0 });
  const { port } = sink;
  const signing = job.dkim === undefined ? {} : { dkim: job.dkim };
  await ground.launch({ id, list, template, port, ...signing });
  const workers = await ground.workers({ processes, connections: job.connections / processes, port, ...signing });
  const { startedAt, closedAt } = await ground.ended(id, messages, START_MS + (messages / LEAST_PER_SECOND) * 1000);
  // What a process took to start is in it; it is little beside so many messages.
  const cpu = workers.senders.map(cpuMicroseconds);
  const resident = workers.senders.map(residentBytes);
  await workers.stop();
  await sink.expect(messages);
  await sink.stop();
  if (startedAt === null || closedAt === null) throw new Error('the campaign has no times');
  return {
    perSecond: messages / ((closedAt - startedAt) / 1000),
    cpuEach: cpu.every((one) => one !== null) ? cpu.reduce((sum, one) => sum + one, 0) / messages : null,
    resident: resident.every((one) => one !== null) ? Math.max(...resident) : null,
  };
}

/** `rsaKey`: the file of a key to sign with; `file`: what is attached. */
export async function byNodemailer(
  bench: Bench,
  job: Job & { readonly rsaKey?: string; readonly file?: string },
): Promise<Sent> {
  const { list, template, connections, messages } = job;
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
  const args = nodeArgs(
    LOOP,
    String(sink.port),
    list,
    template,
    String(connections),
    String(messages),
    job.rsaKey ?? '',
    job.file ?? '',
  );
  const result = JSON.parse(await runCommand(bench.cleanup, process.execPath, args)) as LoopResult;
  await sink.expect(messages);
  await sink.stop();
  return { perSecond: result.messages / result.seconds, cpuEach: result.cpuMicroseconds / result.messages };
}

/** `bytes` a message, always the same one: it composes nothing and counts nothing. */
export async function bySmtpSource(
  bench: Bench,
  job: Pick<Job, 'connections' | 'messages'> & { readonly bytes: number },
) {
  const { source, env } = bench.postfix;
  if (source === null) throw new CannotMeasure('no smtp-source: name it in $SMTP_SOURCE');
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
  const counts = ['-s', String(job.connections), '-m', String(job.messages), '-l', String(job.bytes)];
  const envelope = ['-f', 'news@example.com', '-t', 'reader@example.com'];
  const from = performance.now();
  await runCommand(bench.cleanup, source, ['-d', ...counts, ...envelope, `inet:127.0.0.1:${sink.port}`], { env });
  const seconds = (performance.now() - from) / 1000;
  await sink.expect(job.messages);
  await sink.stop();
  return { perSecond: job.messages / seconds };
}
