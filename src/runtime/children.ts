import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Log } from '../pipeline/ports.js';
import type { Part } from './lifecycle.js';

const FIRST_RESTART_MS = 500;
const RESTART_CAP_MS = 30_000;
const STABLE_MS = 60_000;

export interface ChildrenOptions {
  readonly name: string;
  /** The module that each child runs. */
  readonly module: string;
  readonly count: number;
  readonly args?: readonly string[];
  /** Of Node, beside this process's own. */
  readonly flags?: readonly string[];
  /** The whole environment of the children; the way for credentials, which a command line would show to everybody. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds that `stop` waits for children before it kills them. */
  readonly graceMs: number;
  readonly log: Log;
}

interface Slot {
  readonly number: number;
  child: ChildProcess | undefined;
  startedAt: number;
  delayMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** The wait before a restart: 0.5 s, doubled up to 30 s, from the start again after a stable minute. */
export function restartDelay(previousMs: number, ranMs: number): number {
  if (previousMs === 0 || ranMs >= STABLE_MS) return FIRST_RESTART_MS;
  return Math.min(RESTART_CAP_MS, previousMs * 2);
}

/**
 * Keeps N child processes running until told to stop. A child is in a session of its own, so that Ctrl-C in the terminal
 * reaches the parent only, and learns of a lost parent by `disconnect` on its IPC channel (see signals.ts).
 */
export class Children implements Part {
  readonly name: string;
  readonly #options: ChildrenOptions;
  readonly #slots: readonly Slot[];
  #stopping: Promise<void> | undefined;

  constructor(options: ChildrenOptions) {
    this.name = options.name;
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, (_, i) => ({
      number: i + 1,
      child: undefined,
      startedAt: 0,
      delayMs: 0,
      timer: undefined,
    }));
  }

  /** Starts every child; says nothing of how they fare. */
  async start(): Promise<void> {
    if (this.#stopping) return;
    for (const slot of this.#slots) if (!slot.child && !slot.timer) this.#launch(slot);
  }

  /** Children that run and whose channel is open. */
  connected(): number {
    return this.#slots.filter((slot) => slot.child?.connected).length;
  }

  pids(): readonly number[] {
    return this.#slots.flatMap((slot) => slot.child?.pid ?? []);
  }

  /** SIGTERM, then SIGKILL for those that are there after the grace; resolves when all have ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** Passes on that there is no time: the second signal to every child. */
  hurry(): void {
    for (const { child } of this.#slots) child?.kill('SIGTERM');
  }

  #launch(slot: Slot): void {
    const { module, args, flags, env, log } = this.#options;
    slot.timer = undefined;
    slot.startedAt = performance.now();
    const child = fork(module, [...(args ?? [])], {
      env: { ...env },
      execArgv: [...process.execArgv, ...(flags ?? [])],
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    slot.child = child;
    child.once('exit', (code, signal) => this.#onExit(slot, code, signal));
    child.on('error', (err) => {
      log.error({ err, child: slot.number }, 'a child process can not be started or told something');
      // One that never ran has no exit.
      if (child.pid === undefined) this.#onExit(slot, null, null);
    });
  }

  #onExit(slot: Slot, code: number | null, signal: NodeJS.Signals | null): void {
    slot.child = undefined;
    if (this.#stopping) return;
    const ranMs = Math.round(performance.now() - slot.startedAt);
    slot.delayMs = restartDelay(slot.delayMs, ranMs);
    const fields = { child: slot.number, code, signal, ranMs, restartInMs: slot.delayMs };
    this.#options.log.warn(fields, 'a child process ended by itself; it is started again');
    slot.timer = setTimeout(() => this.#launch(slot), slot.delayMs);
  }

  async #stopAll(): Promise<void> {
    const ends = this.#slots.flatMap((slot) => {
      clearTimeout(slot.timer);
      const { child } = slot;
      if (!child || child.exitCode !== null || child.signalCode !== null) return [];
      const end = once(child, 'exit');
      child.kill('SIGTERM');
      return [end];
    });
    const deadline = setTimeout(() => {
      this.#options.log.warn({ children: this.connected() }, 'the time to stop is over; what still runs is killed');
      for (const { child } of this.#slots) child?.kill('SIGKILL');
    }, this.#options.graceMs);
    await Promise.all(ends);
    clearTimeout(deadline);
  }
}
