import { fileURLToPath } from 'node:url';
import type { Secret } from '../config/secret.js';
import type { RedisTarget } from '../redis/target.js';
import { Children } from '../runtime/children.js';
import type { Session } from './session.js';

/** What a worker takes after its grace to settle, hand back and close, before it is killed. */
const CLOSING_MS = 10_000;

/**
 * Of Node. A process has a core to itself: threads that help to collect garbage would only take from the other processes. And where
 * there is much memory, V8 lets garbage lie until the heap has doubled and more: with half as much it takes no more CPU.
 */
export const WORKER_FLAGS = ['--single-threaded-gc', '--heap-growing-percent=50'];

export interface WorkersOptions {
  readonly processes: number;
  readonly connections: number;
  readonly chunks: number;
  /** Milliseconds. */
  readonly grace: number;
  readonly results: string;
  readonly smtp: Secret | null;
  readonly dkim: Secret | null;
  readonly target: RedisTarget;
  readonly logLevel: string;
  /** Where worker processes log; null: standard error. */
  readonly logFile: string | null;
}

/** Keeps worker processes running: started again when they die, drained when told to stop. */
export function createWorkers(options: WorkersOptions, { env, log }: Session): Children {
  return new Children({
    name: 'workers',
    module: fileURLToPath(new URL('./worker-process.js', import.meta.url)),
    count: options.processes,
    flags: WORKER_FLAGS,
    env: { ...env, ...settingsAsVariables(options) },
    graceMs: options.grace + CLOSING_MS,
    log,
  });
}

/** Settings travel as variables: a command line would show the credentials to everybody. */
function settingsAsVariables(options: WorkersOptions): Record<string, string | undefined> {
  const { target } = options;
  return {
    FANMAIL_CONNECTIONS: String(options.connections),
    FANMAIL_CHUNKS: String(options.chunks),
    FANMAIL_GRACE: `${options.grace}ms`,
    FANMAIL_RESULTS: options.results,
    FANMAIL_LOG_LEVEL: options.logLevel,
    FANMAIL_LOG_FILE: options.logFile ?? undefined,
    SMTP_URL: options.smtp?.reveal(),
    FANMAIL_DKIM: options.dkim?.reveal(),
    REDIS_URL: target.kind === 'socket' ? target.path : target.url,
  };
}
