import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { FanmailError } from '../domain/errors.js';
import type { Log } from '../pipeline/ports.js';
import { type ServerPaths, serverPaths } from './home.js';
import { askServer, type ServerInfo, tellShutdown } from './server-info.js';
import { isAlive, tryLock } from './start-lock.js';

/** A log of many gigabytes loads at about 100 MB/s or more. */
const LOAD_MS = 600_000;
const ANSWER_MS = 30_000;
const POLL_MS = 25;

export interface EnsureOptions {
  readonly home: string;
  /** The server binary, asked for only where one has to be started. */
  readonly bin: () => string;
  readonly log?: Log;
}

/** A server that answers commands now. */
export interface RunningServer {
  /** The unix socket. */
  readonly path: string;
  readonly pid: number;
  /** True where this call started it. */
  readonly started: boolean;
}

/**
 * Finds the embedded server of a home, or starts it; resolves when it takes commands. It outlives the caller. Of any
 * number of callers at once, one starts it and the others wait.
 * @throws FanmailError REDIS_UNSUITABLE (the folder), REDIS_NO_SERVER (the binary), REDIS_UNREACHABLE (it doesn't come up).
 */
export async function ensureServer(options: EnsureOptions): Promise<RunningServer> {
  const paths = serverPaths(options.home);
  const deadline = Date.now() + LOAD_MS;
  let started = false;
  let told = false;
  let answeredAt = Date.now();
  while (Date.now() < deadline) {
    const info = await askServer(paths.socket);
    if (info !== 'silent') answeredAt = Date.now();
    else if (Date.now() - answeredAt > ANSWER_MS) throw unreachable(paths, `gives no answer for ${ANSWER_MS / 1000} s`);
    if (typeof info === 'object') {
      if (!info.loading) return { path: paths.socket, pid: info.pid, started };
      if (!told) options.log?.info({ pid: info.pid }, 'the embedded Redis is reading its data back');
      told = true;
    } else if (info !== 'silent') {
      const release = tryLock(paths.lock);
      if (release) {
        try {
          started = (await startLocked(paths, options)) || started;
        } finally {
          release();
        }
        continue;
      }
    }
    await wait(POLL_MS);
  }
  throw unreachable(paths, `gave no answer within ${LOAD_MS / 60_000} minutes`);
}

/** Under the lock: looks again, ends a server that lost its socket, then starts one and waits for its first answer. */
async function startLocked(paths: ServerPaths, options: EnsureOptions): Promise<boolean> {
  const info = await askServer(paths.socket);
  if (typeof info === 'object' || info === 'silent') return false;
  await endLostServer(paths, options.log);
  const child = launch(options.bin(), paths);
  const failed = failure(child, paths);
  const deadline = Date.now() + ANSWER_MS;
  try {
    while (Date.now() < deadline) {
      const answer = await Promise.race([failed.promise, askServer(paths.socket)]);
      if (typeof answer === 'object') {
        writeFileSync(paths.pidFile, String(answer.pid), { mode: 0o600 });
        options.log?.info({ pid: answer.pid, socket: paths.socket }, 'started the embedded Redis');
        return true;
      }
      await Promise.race([failed.promise, wait(POLL_MS)]);
    }
  } finally {
    failed.ignore();
    child.unref();
  }
  child.kill('SIGKILL');
  throw unreachable(paths, `gave no answer within ${ANSWER_MS / 1000} s`);
}

function launch(bin: string, paths: ServerPaths): ChildProcess {
  const out = openSync(paths.log, 'a', 0o600);
  try {
    return spawn(bin, serverArguments(paths), {
      cwd: paths.folder,
      // A session of its own, so that Ctrl-C in the terminal is not for it; and nobody's credentials in its environment.
      detached: true,
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', out, out],
    });
  } finally {
    closeSync(out);
  }
}

function serverArguments(paths: ServerPaths): string[] {
  const settings: Record<string, string> = {
    port: '0',
    unixsocket: paths.socket,
    unixsocketperm: '700',
    dir: paths.folder,
    appendonly: 'yes',
    appendfsync: 'always',
    'maxmemory-policy': 'noeviction',
    // Snapshots would add nothing to the append-only file.
    save: '',
    daemonize: 'no',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Rejects where the child can't be run or ends, until told to ignore it. */
function failure(child: ChildProcess, paths: ServerPaths): { promise: Promise<never>; ignore: () => void } {
  const promise = new Promise<never>((_, reject) => {
    child.once('error', (cause) =>
      reject(new FanmailError('REDIS_NO_SERVER', `${child.spawnfile} can't be run: ${cause.message}`, { cause })),
    );
    child.once('exit', (code, signal) => reject(unreachable(paths, `ended with ${signal ?? `code ${code}`}`)));
  });
  // It may fail between two looks at it.
  promise.catch(() => {});
  return { promise, ignore: () => child.removeAllListeners('exit') };
}

/**
 * Two servers on one append-only file would spoil it. A server can live without its socket, where something swept the
 * temporary folder: nobody can reach that one any more, so end it before the next one starts.
 */
async function endLostServer(paths: ServerPaths, log?: Log): Promise<boolean> {
  const pid = recordedPid(paths);
  if (pid === undefined || !isServerOf(pid, paths)) return false;
  log?.warn({ pid }, 'the embedded Redis lost its socket; it is ended');
  process.kill(pid, 'SIGTERM');
  await untilGone(pid, ANSWER_MS, paths);
  return true;
}

function recordedPid(paths: ServerPaths): number | undefined {
  try {
    const pid = Number(readFileSync(paths.pidFile, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A pid may have been given to another program since. Where /proc can't tell, the record isn't trusted. */
function isServerOf(pid: number, paths: ServerPaths): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(paths.folder);
  } catch {
    return false;
  }
}

async function untilGone(pid: number, ms: number, paths: ServerPaths): Promise<void> {
  const deadline = Date.now() + ms;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw unreachable(paths, `(pid ${pid}) did not end within ${ms / 1000} s`);
    await wait(POLL_MS);
  }
}

/** Ends the server of a home and resolves when it is gone; false where none ran. */
export async function stopServer(home: string): Promise<boolean> {
  const paths = serverPaths(home);
  const info = await askServer(paths.socket);
  if (info === 'silent') throw unreachable(paths, 'gives no answer');
  if (typeof info !== 'object') return endLostServer(paths);
  await tellShutdown(paths.socket);
  await untilGone(info.pid, ANSWER_MS, paths);
  rmSync(paths.pidFile, { force: true });
  return true;
}

export type ServerStatus = { readonly path: string } & (
  | { readonly state: 'stopped' | 'silent' }
  | ({ readonly state: 'running' | 'loading' } & Omit<ServerInfo, 'loading'>)
);

/** What the server of a home is doing; starts nothing. */
export async function serverStatus(home: string): Promise<ServerStatus> {
  const { socket: path } = serverPaths(home);
  const info = await askServer(path);
  if (typeof info !== 'object') return { path, state: info === 'silent' ? 'silent' : 'stopped' };
  const { loading, ...rest } = info;
  return { path, state: loading ? 'loading' : 'running', ...rest };
}

function unreachable(paths: ServerPaths, why: string): FanmailError {
  return new FanmailError('REDIS_UNREACHABLE', `The embedded Redis ${why}. Its last words:\n${lastWords(paths)}`, {
    hint: `See ${paths.log}; a damaged file in ${paths.folder}/appendonlydir is mended with redis-check-aof --fix.`,
  });
}

function lastWords(paths: ServerPaths): string {
  try {
    return readFileSync(paths.log, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  } catch {
    return '(no log)';
  }
}
