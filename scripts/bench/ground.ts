import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { serverPaths } from '../../src/redis/home.js';
import { campaignKeys } from '../../src/redis/keys.js';
import { createPresence } from '../../src/redis/presence.js';
import type { Cleanup } from './cleanup.js';
import { type Running, runCommand, start } from './processes.js';
import { FROM } from './templates.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const POLL_MS = 100;
const UP_MS = 30_000;

export interface Launch {
  readonly id: string;
  readonly list: string;
  /** A template folder. */
  readonly template: string;
  readonly port: number;
  /** What `--dkim` takes; not given: nothing is signed. */
  readonly dkim?: string;
  /** Where not given, fanmail's own choice. */
  readonly chunkSize?: number;
}

/** What the ledger says of a campaign; epoch milliseconds, null for what has not happened. */
export interface Times {
  readonly phase: string;
  readonly nonce: string;
  readonly createdAt: number | null;
  readonly sealedAt: number | null;
  readonly startedAt: number | null;
  readonly closedAt: number | null;
  readonly endedAt: number | null;
}

export interface WorkersOptions {
  readonly processes: number;
  /** Of each process. */
  readonly connections: number;
  readonly port: number;
  /** As in a launch. */
  readonly dkim?: string;
  readonly logFile?: string;
  /** Another way to the embedded Redis. */
  readonly redis?: string;
}

export interface Workers extends Running {
  /** Process ids of those that send. */
  readonly senders: readonly number[];
}

/** A folder with an embedded Redis of its own, in which the built command is run as a user would run it. */
export class Ground {
  readonly cwd: string;
  readonly #cleanup: Cleanup;
  readonly #end: () => Promise<void>;
  #client: Redis | undefined;

  constructor(folder: string, cleanup: Cleanup) {
    this.cwd = mkdtempSync(join(folder, 'ground-'));
    this.#cleanup = cleanup;
    this.#end = cleanup.add(() => this.#clear());
  }

  /** Of the embedded Redis, which a command has to have started. */
  get redis(): Redis {
    if (!this.#client) {
      this.#client = new Redis({ path: this.socket, protocol: 2, maxRetriesPerRequest: 3 });
      this.#client.on('error', () => undefined);
    }
    return this.#client;
  }

  get socket(): string {
    return serverPaths(join(this.cwd, '.fanmail')).socket;
  }

  /** Runs a command; `flags` are Node's. */
  fanmail(args: readonly string[], flags: readonly string[] = []): Promise<string> {
    return runCommand(this.#cleanup, process.execPath, [...flags, MAIN, ...args], this.#options());
  }

  /** Stages and seals; nobody sends before there are workers. */
  async launch(what: Launch, flags: readonly string[] = []): Promise<void> {
    const chunks = what.chunkSize === undefined ? [] : ['--chunk-size', String(what.chunkSize)];
    const to = [
      '--from',
      FROM,
      '--smtp',
      `smtp://127.0.0.1:${what.port}`,
      ...dkimArgs(what),
      '--id',
      what.id,
      ...chunks,
    ];
    await this.fanmail(['launch', what.list, '--template', what.template, ...to, '--detach', '--yes'], flags);
  }

  /** Starts `fanmail worker`; resolves when all its processes have said that they are there. */
  async workers(options: WorkersOptions): Promise<Workers> {
    const { processes, connections, port } = options;
    const counts = ['--processes', String(processes), '--connections', String(connections)];
    const log = options.logFile === undefined ? [] : ['--log-file', options.logFile];
    const redis = options.redis === undefined ? [] : ['--redis', options.redis];
    const args = [
      MAIN,
      'worker',
      ...counts,
      ...log,
      ...redis,
      ...dkimArgs(options),
      '--smtp',
      `smtp://127.0.0.1:${port}`,
    ];
    const running = start(this.#cleanup, process.execPath, args, { ...this.#options() });
    // Nobody reads what it prints.
    running.child.stdout?.resume();
    for (const deadline = Date.now() + UP_MS; Date.now() < deadline; await wait(POLL_MS)) {
      const senders = await this.senders();
      if (senders.length === processes) return { ...running, senders };
      if (running.child.exitCode !== null) break;
    }
    throw new Error(`the workers do not come up: ${running.said()}`);
  }

  async senders(): Promise<number[]> {
    // Asked before a command has started the server, a client would try again in its own time.
    if (!statSync(this.socket, { throwIfNoEntry: false })) return [];
    return (await createPresence(this.redis).present()).map(({ pid }) => pid);
  }

  async times(id: string): Promise<Times> {
    const names = ['createdAt', 'sealedAt', 'startedAt', 'closedAt', 'endedAt'] as const;
    const [phase, nonce, ...times] = await this.redis.hmget(campaignKeys(id).campaign, 'phase', 'nonce', ...names);
    const at = (n: number) => (times[n] == null ? null : Number(times[n]));
    const [createdAt, sealedAt, startedAt, closedAt, endedAt] = [at(0), at(1), at(2), at(3), at(4)] as const;
    return { phase: phase ?? '', nonce: nonce ?? '', createdAt, sealedAt, startedAt, closedAt, endedAt };
  }

  /** Waits for the end, and proves that everybody was sent to. */
  async ended(id: string, messages: number, limitMs: number): Promise<Times> {
    for (const deadline = Date.now() + limitMs; ; await wait(POLL_MS)) {
      const times = await this.times(id);
      if (times.phase === 'completed') {
        const sent = Number(await this.redis.hget(campaignKeys(id).counters, 'sent'));
        if (sent !== messages) throw new Error(`${sent} of ${messages} recipients were sent to`);
        return times;
      }
      if (Date.now() > deadline) throw new Error(`the campaign is ${times.phase} after ${limitMs / 1000} s`);
    }
  }

  /** Ends its Redis and removes the folder. Stop the workers first. */
  stop(): Promise<void> {
    return this.#end();
  }

  async #clear(): Promise<void> {
    const senders = await this.senders().catch(() => []);
    // Only where their parent had to be killed; without Redis they would wait for it for ever.
    for (const pid of senders) killIfThere(pid);
    if (statSync(this.socket, { throwIfNoEntry: false })) await this.redis.shutdown('NOSAVE').catch(() => undefined);
    this.#client?.disconnect();
    rmSync(this.cwd, { recursive: true, force: true, maxRetries: 5 });
  }

  #options(): { cwd: string; env: NodeJS.ProcessEnv } {
    // Settings of the one who measures would measure something else.
    const own = Object.entries(process.env).filter(
      ([name]) => name === 'FANMAIL_REDIS_BIN' || !/^(FANMAIL_|REDIS_URL$|SMTP_URL$|NODE_OPTIONS$)/.test(name),
    );
    return { cwd: this.cwd, env: Object.fromEntries(own) };
  }
}

function dkimArgs({ dkim }: { readonly dkim?: string }): string[] {
  return dkim === undefined ? [] : ['--dkim', dkim];
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone.
  }
}
