import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FanmailError } from '../domain/errors.js';

/** Where a server may be looked for; the caller read these from the environment. */
export interface ServerPlaces {
  /** A binary that the user names (`FANMAIL_REDIS_BIN`). */
  readonly bin?: string | undefined;
  /** The folders of `PATH`, as there. */
  readonly path?: string | undefined;
  /** The folder of the private copy: `cacheFolder(…)`. */
  readonly cache?: string | undefined;
}

export interface ServerBinary {
  readonly bin: string;
  readonly from: 'FANMAIL_REDIS_BIN' | 'PATH' | 'cache';
}

const NAMES = ['valkey-server', 'redis-server'] as const;

/** How to get a server, one command a way; set-up prints the same. */
export const INSTALL_HINT = [
  'Debian or Ubuntu:  apt-get install -y redis-server',
  'macOS:             brew install redis',
  'Docker:            docker compose up -d redis, then REDIS_URL=redis://127.0.0.1:6379',
  'or name a binary:  FANMAIL_REDIS_BIN=/path/to/redis-server',
].join('\n');

/** The folder of the private copy that set-up makes: `$XDG_CACHE_HOME/fanmail/redis`, else under `~/.cache`. */
export function cacheFolder(env: {
  readonly XDG_CACHE_HOME?: string | undefined;
  readonly HOME?: string | undefined;
}): string | undefined {
  // The XDG base directory specification: a relative or empty value is to be ignored.
  if (env.XDG_CACHE_HOME?.startsWith('/')) return join(env.XDG_CACHE_HOME, 'fanmail', 'redis');
  return env.HOME ? join(env.HOME, '.cache', 'fanmail', 'redis') : undefined;
}

/**
 * Finds a redis-server or valkey-server: the one that is named, else on the PATH, else the private copy.
 * @throws FanmailError OPTION_INVALID where the named one can't be run, REDIS_NO_SERVER where there is none.
 */
export function findServerBinary(places: ServerPlaces): ServerBinary {
  if (places.bin) {
    if (isExecutable(places.bin)) return { bin: places.bin, from: 'FANMAIL_REDIS_BIN' };
    throw new FanmailError('OPTION_INVALID', `FANMAIL_REDIS_BIN=${places.bin} is not a file that can be run.`, {
      hint: 'Give the path of a redis-server or valkey-server binary, or unset FANMAIL_REDIS_BIN to search the PATH.',
    });
  }
  for (const name of NAMES) {
    for (const folder of (places.path ?? '').split(delimiter)) {
      // An empty or relative entry means the current folder, from which nothing should be started by accident.
      if (folder.startsWith('/') && isExecutable(join(folder, name))) return { bin: join(folder, name), from: 'PATH' };
    }
  }
  if (places.cache) {
    const bin = join(places.cache, 'redis-server');
    if (isExecutable(bin)) return { bin, from: 'cache' };
  }
  throw new FanmailError('REDIS_NO_SERVER', 'No redis-server or valkey-server was found on the PATH or in the cache.', {
    hint: `Run "npm run setup" in the clone, set REDIS_URL, or install one:\n${INSTALL_HINT}`,
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
