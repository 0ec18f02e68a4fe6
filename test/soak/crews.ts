import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { Redis } from 'ioredis';
import { childrenOf, signal } from '../faults/field.js';
import { type Place, type Running, until } from '../support/cli.js';
import type { CrewShape } from './world.js';

export interface Crew {
  readonly shape: CrewShape;
  readonly running: Running;
}

const READY_MS = 60_000;

/** The `fanmail worker` commands of a round and the processes that they keep running. */
export class Crews {
  readonly #place: Place;
  readonly #client: Redis;
  readonly #smtp: string;
  readonly #live: Crew[] = [];
  readonly #all: Crew[] = [];
  /** Workers whose command was killed. They end by themselves. */
  readonly #orphans = new Set<number>();

  constructor(place: Place, client: Redis, smtp: string) {
    this.#place = place;
    this.#client = client;
    this.#smtp = smtp;
  }

  get live(): readonly Crew[] {
    return this.#live;
  }

  /** The number counts over those that run. */
  pick(number: number): Crew | undefined {
    return this.#live[number % Math.max(1, this.#live.length)];
  }

  /** Messages that can be on the wire of all workers there are, orphans not counted. */
  wire(): number {
    return this.#live.reduce((all, { shape }) => all + shape.processes * shape.connections, 0);
  }

  /** Resolves when its workers are connected to Redis. */
  async start(shape: CrewShape): Promise<Crew> {
    const { processes, connections, chunks } = shape;
    const args = ['--processes', `${processes}`, '--connections', `${connections}`, '--chunks', `${chunks}`];
    const running = this.#place.start(['worker', ...args, '--grace', '10s'], { SMTP_URL: this.#smtp });
    const crew: Crew = { shape, running };
    this.#live.push(crew);
    this.#all.push(crew);
    await until(async () => ((await this.#ready(crew)) ? true : null), `a crew of ${processes}`, READY_MS);
    return crew;
  }

  async #ready({ running, shape }: Crew): Promise<boolean> {
    const { exitCode, signalCode } = running.child;
    if (exitCode !== null || signalCode !== null)
      throw new Error(`fanmail worker ended with ${exitCode ?? signalCode} and said:\n${running.said()}`);
    const words = await this.#client.hvals('fanmail:workers');
    const pids = new Set(words.map((word) => (JSON.parse(word) as { pid: number }).pid));
    return childrenOf(running.child).filter((pid) => pids.has(pid)).length >= shape.processes;
  }

  /** SIGTERM; resolves with the exit code, null where it was killed. */
  async stop(crew: Crew): Promise<number | null> {
    this.#forget(crew);
    crew.running.child.kill('SIGTERM');
    return (await crew.running.ended).code;
  }

  /** Kills the command alone. */
  async killCommand(crew: Crew): Promise<void> {
    this.#forget(crew);
    for (const pid of childrenOf(crew.running.child)) this.#orphans.add(pid);
    // Its workers hold its standard error open: what counts is that it is gone.
    const gone = once(crew.running.child, 'exit');
    crew.running.child.kill('SIGKILL');
    await gone;
  }

  /** Kills a command and its workers. Stopped first, it can't start others meanwhile. */
  kill(crew: Crew): void {
    this.#forget(crew);
    const pid = crew.running.child.pid ?? 0;
    signal(pid, 'SIGSTOP');
    for (const child of childrenOf(crew.running.child)) signal(child, 'SIGKILL');
    signal(pid, 'SIGKILL');
  }

  killAll(): void {
    for (const crew of [...this.#live]) this.kill(crew);
    for (const pid of this.orphans()) signal(pid, 'SIGKILL');
  }

  /** Workers without a command that still run. */
  orphans(): number[] {
    for (const pid of this.#orphans) if (!isWorker(pid)) this.#orphans.delete(pid);
    return [...this.#orphans];
  }

  /** The standard error of each command there ever was, with that of its workers. */
  said(): readonly string[] {
    return this.#all.map(({ running }) => running.said());
  }

  #forget(crew: Crew): void {
    const at = this.#live.indexOf(crew);
    if (at >= 0) this.#live.splice(at, 1);
  }
}

/** A process id is used again some time: only a worker is one of ours. */
function isWorker(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return execFileSync('ps', ['-o', 'args=', '-p', `${pid}`], { encoding: 'utf8' }).includes('worker-process');
  } catch {
    return false;
  }
}
