import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.js';
import { CannotMeasure } from './bench.js';
import type { LoopResult } from './nodemailer-main.js';
import { nodeArgs, runCommand } from './processes.js';
import { startSink } from './sink.js';

/** Others than fanmail: each sends so many messages to a relay of its own and proves that all of them arrived there. */

const LOOP = fileURLToPath(new URL('nodemailer-main.ts', import.meta.url));

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
  await sink.expect(result.all);
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
