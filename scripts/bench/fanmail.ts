import type { Bench } from './bench.js';
import { Ground, type Workers } from './ground.js';
import { cpuMicroseconds, residentBytes } from './processes.js';
import type { Sent } from './senders.js';
import { type Sink, startSink } from './sink.js';

/** A machine that sends slower than this has something else to do. */
const LEAST_PER_SECOND = 20;
const START_MS = 60_000;

export interface FanmailOptions {
  readonly processes: number;
  /** Of all processes together. */
  readonly connections: number;
  /** What the relay takes for each message. */
  readonly delayMs?: number;
  /** What `--dkim` takes; not given: nothing is signed. */
  readonly dkim?: string;
}

/** A campaign. */
export interface Sending {
  readonly list: string;
  readonly template: string;
  /** As many as the list has. */
  readonly messages: number;
}

export interface SentByFanmail extends Sent {
  /** Resident memory of the largest sending process at the end, in bytes; null where it can't be told. */
  readonly resident: number | null;
  /** How long the relay held a message on average, in milliseconds; 0 for one that does not take its time. */
  readonly heldMs: number;
}

/** `fanmail worker` with a Redis and a relay of its own, which stays for one campaign after the other. */
export class Fanmail {
  readonly #ground: Ground;
  readonly #sink: Sink;
  readonly #workers: Workers;
  readonly #signing: { readonly dkim?: string };
  #campaigns = 0;
  #messages = 0;

  private constructor(ground: Ground, sink: Sink, workers: Workers, signing: { readonly dkim?: string }) {
    this.#ground = ground;
    this.#sink = sink;
    this.#workers = workers;
    this.#signing = signing;
  }

  /** Resolves when the workers are there, and have sent a campaign that warms them up. */
  static async start(bench: Bench, options: FanmailOptions, warming: Sending): Promise<Fanmail> {
    const { processes, connections, delayMs = 0, dkim } = options;
    const ground = new Ground(bench.folder, bench.cleanup);
    const sink = await startSink(bench.postfix, bench.folder, bench.cleanup, { delayMs });
    const signing = dkim === undefined ? {} : { dkim };
    await ground.fanmail(['redis', 'start']);
    const workers = await ground.workers({
      ...{ processes, connections: connections / processes, port: sink.port },
      ...signing,
    });
    const fanmail = new Fanmail(ground, sink, workers, signing);
    await fanmail.send(warming);
    return fanmail;
  }

  /** Stages and sends; takes the time from the first chunk to the last, as the campaign says it, and proves that all arrived. */
  async send({ list, template, messages }: Sending): Promise<SentByFanmail> {
    const id = `c${this.#campaigns++}`;
    const { senders } = this.#workers;
    const before = senders.map(cpuMicroseconds);
    const heldBefore = this.#sink.heldMs();
    await this.#ground.launch({ id, list, template, port: this.#sink.port, ...this.#signing });
    const limitMs = START_MS + (messages / LEAST_PER_SECOND) * 1000;
    const { startedAt, closedAt } = await this.#ground.ended(id, messages, limitMs);
    const cpu = senders.map((pid, n) => difference(cpuMicroseconds(pid), before[n] ?? null));
    const resident = senders.map(residentBytes);
    this.#messages += messages;
    await this.#sink.expect(this.#messages);
    if (startedAt === null || closedAt === null) throw new Error('the campaign has no times');
    return {
      perSecond: messages / ((closedAt - startedAt) / 1000),
      cpuEach: cpu.every((one) => one !== null) ? cpu.reduce((sum, one) => sum + one, 0) / messages : null,
      heldMs: (this.#sink.heldMs() - heldBefore) / messages,
      resident: resident.every((one) => one !== null) ? Math.max(...resident) : null,
    };
  }

  async stop(): Promise<void> {
    await this.#workers.stop();
    await this.#sink.stop();
    await this.#ground.stop();
  }
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}
