import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RehearsalRelayOptions } from './relay.js';

const MODULE = fileURLToPath(new URL('./relay-process.js', import.meta.url));

/** The relay in a process of its own. */
export interface RelayProcess {
  readonly port: number;
  readonly pid: number;
  /** Hears of every change how many messages it took. */
  onTaken(listener: (taken: number) => void): void;
  /** Aborts where the process ends by itself. */
  readonly died: AbortSignal;
  /** Ends it; its record is whole then. May be called again. */
  stop(): Promise<void>;
}

/** What the process says: its port once, then how many messages it took. */
type Word = { readonly port: number } | { readonly taken: number };

/**
 * Starts the relay as a process of its own, in a session of its own, so that Ctrl-C in a terminal leaves it until what is
 * on the wire was answered. Its environment is empty: it needs nothing, and credentials are none of its business.
 */
export async function startRelayProcess(options: RehearsalRelayOptions): Promise<RelayProcess> {
  const child = fork(MODULE, [], { detached: true, env: {}, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  const died = new AbortController();
  let stopping = false;
  let listener: (taken: number) => void = () => undefined;
  const port = new Promise<number>((resolve) => {
    child.on('message', (word: Word) => {
      if ('port' in word) resolve(word.port);
      else listener(word.taken);
    });
  });
  child.send(options);
  const started = await Promise.race([port, ended.then(() => null)]);
  if (started === null || child.pid === undefined) throw new Error('the relay of the rehearsal did not start');
  void ended.then(() => {
    if (!stopping) died.abort();
  });
  return {
    port: started,
    pid: child.pid,
    onTaken(heard) {
      listener = heard;
    },
    died: died.signal,
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      await ended;
    },
  };
}
