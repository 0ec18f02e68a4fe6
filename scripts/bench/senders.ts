import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.js';
import { CannotMeasure } from './bench.js';
import type { LoopResult } from './nodemailer-main.js';
import { nodeArgs, type Running, runCommand, start } from './processes.js';
import { type Sink, startSink } from './sink.js';

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

export interface LoopJob {
  readonly list: string;
  readonly template: string;
  readonly connections: number;
  /** The file of a key to sign with. */
  readonly rsaKey?: string;
  /** What is attached. */
  readonly file?: string;
}

/** A loop over Nodemailer's pool, in a process that stays for one sending after the other, as workers do. */
export class NodemailerLoop {
  readonly #running: Running;
  readonly #results: AsyncIterator<string>;
  readonly #sink: Sink;
  #messages = 0;

  private constructor(running: Running, sink: Sink) {
    this.#running = running;
    // Where it is gone, its results end, and what it said tells why.
    running.child.stdin?.on('error', () => undefined);
    this.#results = createInterface(running.child.stdout as Readable)[Symbol.asyncIterator]();
    this.#sink = sink;
  }

  /** Resolves when it has sent so many messages that warm it up. */
  static async start(bench: Bench, job: LoopJob, warming: number): Promise<NodemailerLoop> {
    const { list, template, connections, rsaKey = '', file = '' } = job;
    const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
    const args = nodeArgs(LOOP, String(sink.port), list, template, String(connections), rsaKey, file);
    const loop = new NodemailerLoop(start(bench.cleanup, process.execPath, args, { asks: true }), sink);
    await loop.send(warming);
    return loop;
  }

  /** Sends to the first so many of the list, and proves that all arrived. */
  async send(messages: number): Promise<Sent> {
    this.#running.child.stdin?.write(`${messages}\n`);
    const { done, value } = await this.#results.next();
    if (done) throw new Error(`Nodemailer's loop ended: ${this.#running.said()}`);
    const { seconds, cpuMicroseconds } = JSON.parse(value) as LoopResult;
    this.#messages += messages;
    await this.#sink.expect(this.#messages);
    return { perSecond: messages / seconds, cpuEach: cpuMicroseconds / messages };
  }

  async stop(): Promise<void> {
    await this.#running.stop();
    await this.#sink.stop();
  }
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
