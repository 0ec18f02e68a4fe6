import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { cacheFolder, findServerBinary } from '../../src/redis/find-server.js';
import { askServer } from '../../src/redis/server-info.js';
import type { HeldClock } from './clock.js';

/** A redis-server of a test file's own, so that flushing, pausing and killing it disturbs nobody. */
export interface TestRedis {
  /** The unix socket. */
  readonly path: string;
  readonly pid: number;
  /** A new connection; `stop` closes it. */
  client(options?: Omit<RedisOptions, 'replyMapping'>): Redis;
  /** Ends the server by a signal and resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same socket, with its data only where it was `persist`ed. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function serverBinary(): string {
  const { FANMAIL_REDIS_BIN: bin, PATH: path, XDG_CACHE_HOME, HOME } = process.env;
  return findServerBinary({ bin, path, cache: cacheFolder({ XDG_CACHE_HOME, HOME }) }).bin;
}

/** Starts a server (20 ms) in a temporary folder. `settings` are lines of redis.conf, such as `{ maxmemory: '1mb' }`. */
export async function freshRedis(
  options: {
    readonly persist?: boolean;
    readonly settings?: Readonly<Record<string, string>>;
    /** The clock that the server has. */
    readonly clock?: HeldClock;
  } = {},
): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'fanmail-test-'));
  const path = join(folder, 's');
  const clients: Redis[] = [];
  let child: ChildProcess | undefined;
  const settings: Record<string, string> = {
    port: '0',
    unixsocket: path,
    dir: folder,
    save: '',
    appendonly: options.persist ? 'yes' : 'no',
    appendfsync: 'always',
    ...options.settings,
  };
  const redis: TestRedis = {
    path,
    get pid() {
      return child?.pid ?? 0;
    },
    client(more = {}) {
      const client = new Redis({ maxRetriesPerRequest: null, retryStrategy: () => 50, protocol: 2, ...more, path });
      client.on('error', () => {});
      clients.push(client);
      return client;
    },
    async kill(signal = 'SIGKILL') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
    async start() {
      const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
      child = spawn(serverBinary(), args, { stdio: 'ignore', env: { ...process.env, ...options.clock?.env } });
      for (let tries = 0; tries < 1_000; tries++) {
        const info = await askServer(path);
        if (typeof info === 'object' && !info.loading) return;
        if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
        await wait(10);
      }
      throw new Error('redis-server gave no answer');
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await redis.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await redis.start();
  return redis;
}
