import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { FanmailError } from '../domain/errors.js';

/** Bytes that the path of a socket may have everywhere: 108 with the final NUL on Linux, 104 on macOS. */
const SOCKET_PATH_BYTES = 100;

/** Where an embedded server keeps its things. */
export interface ServerPaths {
  /** The private folder (0700) of data, log and lock. */
  readonly folder: string;
  readonly socket: string;
  readonly log: string;
  readonly lock: string;
  readonly pidFile: string;
}

export interface HomeOptions {
  readonly cwd: string;
  readonly home?: string | undefined;
}

/**
 * The folder of fanmail's own things: the one that is named (`FANMAIL_HOME`), else the nearest `.fanmail/` here or in a
 * parent folder, else a new one here. A `.fanmail/` of another user is passed over: whoever owns it owns the Redis in it.
 */
export function findHome(options: HomeOptions): string {
  if (options.home) return createHome(resolve(options.cwd, options.home));
  const nearest = nearestHome(options.cwd);
  if (nearest !== null) return nearest;
  const here = join(resolve(options.cwd), '.fanmail');
  if (existsSync(here)) throw unusable(here, 'belongs to another user');
  return createHome(here);
}

/** Whether such a folder is there and an embedded server was ever started in it; makes nothing. */
export function hasServer(options: HomeOptions): boolean {
  const home = options.home ? resolve(options.cwd, options.home) : nearestHome(options.cwd);
  return home !== null && existsSync(join(home, 'redis', 'redis.log'));
}

function nearestHome(cwd: string): string | null {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const candidate = join(folder, '.fanmail');
    const stats = lstatSync(candidate, { throwIfNoEntry: false });
    if (stats?.isDirectory() && isOurs(stats)) return candidate;
    if (folder === dirname(folder)) return null;
  }
}

function createHome(home: string): string {
  if (existsSync(home)) {
    if (!statSync(home).isDirectory()) throw unusable(home, 'is not a folder');
    return home;
  }
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, '.gitignore'), '*\n');
  return home;
}

/** The paths of the server of a home; creates its private folder, and checks owner and mode of one that exists. */
export function serverPaths(home: string): ServerPaths {
  const folder = join(resolve(home), 'redis');
  privateFolder(folder);
  return {
    folder,
    socket: socketPath(folder),
    log: join(folder, 'redis.log'),
    lock: join(folder, 'start.lock'),
    pidFile: join(folder, 'redis.pid'),
  };
}

/** Beside the data where the path is short enough, else in a folder under the temporary one, named by a hash. */
function socketPath(folder: string): string {
  const beside = join(folder, 'redis.sock');
  if (Buffer.byteLength(beside) < SOCKET_PATH_BYTES) return beside;
  const name = `fanmail-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  const roots = [tmpdir(), '/tmp'].map((root) => join(root, name));
  const short = roots.find((root) => Buffer.byteLength(join(root, 'redis.sock')) < SOCKET_PATH_BYTES);
  if (!short) throw unusable(folder, `gives a socket path of over ${SOCKET_PATH_BYTES} bytes`);
  privateFolder(short);
  return join(short, 'redis.sock');
}

function privateFolder(folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) throw unusable(folder, 'is not a folder');
  if (!isOurs(stats)) throw unusable(folder, 'belongs to another user');
  if ((stats.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

function isOurs(stats: Stats): boolean {
  const { uid } = userInfo();
  return uid < 0 || stats.uid === uid;
}

function unusable(path: string, why: string): FanmailError {
  return new FanmailError('REDIS_UNSUITABLE', `${path} can't hold the embedded Redis: it ${why}.`, {
    hint: 'Set FANMAIL_HOME to a folder of your own with a short path, or set REDIS_URL.',
  });
}
