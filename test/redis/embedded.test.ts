import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureServer, serverStatus, stopServer } from '../../src/redis/embedded.js';
import { findHome, serverPaths } from '../../src/redis/home.js';
import { isAlive } from '../../src/redis/start-lock.js';
import { serverBinary } from '../support/redis.js';

let home: string;
const homes: string[] = [];

beforeEach(() => {
  home = newHome();
});
afterEach(async () => {
  for (const each of homes.splice(0)) {
    await stopServer(each);
    rmSync(each, { recursive: true, force: true });
  }
});

function newHome(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanmail-home-'));
  homes.push(folder);
  return folder;
}

const ensure = (folder = home) => ensureServer({ home: folder, bin: serverBinary });

async function withClient<T>(path: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ path });
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

async function waitGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('the embedded server', () => {
  test('runs without TCP, with an append-only file synced at every write and without eviction', async () => {
    const server = await ensure();
    expect(server.started).toBe(true);
    const settings = await withClient(server.path, (redis) =>
      redis.config('GET', 'port', 'appendonly', 'appendfsync', 'maxmemory-policy', 'save', 'unixsocketperm'),
    );
    expect(Object.fromEntries(pairs(settings as string[]))).toEqual({
      port: '0',
      appendonly: 'yes',
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
      save: '',
      unixsocketperm: '700',
    });
    expect(statSync(join(home, 'redis')).mode & 0o777).toBe(0o700);
  });

  test('is found by the next command, which starts nothing', async () => {
    const first = await ensure();
    expect(await ensure()).toEqual({ ...first, started: false });
  });

  test('is started once by eight processes that come at the same time', async () => {
    const module = join(import.meta.dirname, 'ensure-child.ts');
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const child = fork(module, [home, serverBinary()], { execArgv: ['--import', 'tsx'] });
        const [answer] = (await once(child, 'message')) as [{ pid: number; started: boolean }];
        await once(child, 'exit');
        return answer;
      }),
    );
    expect(answers.filter((answer) => answer.started)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.pid)).size).toBe(1);
    // It survives all of them, the one that started it too.
    expect(await serverStatus(home)).toMatchObject({ state: 'running', pid: answers[0]?.pid });
  });

  test('keeps what it acknowledged when it is killed, and comes back over its stale socket', async () => {
    const first = await ensure();
    await withClient(first.path, (redis) => redis.set('kept', 'yes'));
    process.kill(first.pid, 'SIGKILL');
    await waitGone(first.pid);
    expect(existsSync(first.path)).toBe(true);
    const second = await ensure();
    expect(second).toMatchObject({ started: true, path: first.path });
    expect(second.pid).not.toBe(first.pid);
    expect(await withClient(second.path, (redis) => redis.get('kept'))).toBe('yes');
  });

  test('is ended before another starts where it lost its socket', async () => {
    const first = await ensure();
    await withClient(first.path, (redis) => redis.set('kept', 'yes'));
    rmSync(first.path);
    const second = await ensure();
    expect(isAlive(first.pid)).toBe(false);
    expect(await withClient(second.path, (redis) => redis.get('kept'))).toBe('yes');
  });

  test('takes over the lock of a starter that died', async () => {
    const { lock } = serverPaths(home);
    const child = fork(join(import.meta.dirname, 'ensure-child.ts'), ['exit'], { execArgv: ['--import', 'tsx'] });
    await once(child, 'exit');
    writeFileSync(lock, `${child.pid} ${Date.now()}`);
    expect((await ensure()).started).toBe(true);
    expect(existsSync(lock)).toBe(false);
  });

  test('stops at once and says that it is stopped, twice too', async () => {
    const { pid, path } = await ensure();
    expect(await stopServer(home)).toBe(true);
    expect(isAlive(pid)).toBe(false);
    expect(await stopServer(home)).toBe(false);
    expect(await serverStatus(home)).toEqual({ path, state: 'stopped' });
  });

  test('has a short socket elsewhere, in a private folder, where the path of the home is long', async () => {
    const long = join(newHome(), 'x'.repeat(120));
    mkdirSync(long);
    const server = await ensure(long);
    expect(Buffer.byteLength(server.path)).toBeLessThan(100);
    expect(statSync(join(server.path, '..')).mode & 0o777).toBe(0o700);
    expect(await ensure(long)).toMatchObject({ pid: server.pid, started: false });
    await stopServer(long);
    rmSync(join(server.path, '..'), { recursive: true });
  });

  test('says what the server said where it does not come up', async () => {
    const { folder } = serverPaths(home);
    mkdirSync(join(folder, 'appendonlydir'));
    writeFileSync(join(folder, 'appendonlydir', 'appendonly.aof.manifest'), 'nonsense\n');
    await expect(ensure()).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      message: expect.stringMatching(/ended with code 1[\s\S]*manifest/),
    });
    expect(existsSync(serverPaths(home).lock)).toBe(false);
  });

  test('says which binary can not be run', async () => {
    await expect(ensureServer({ home, bin: () => '/nowhere/redis-server' })).rejects.toMatchObject({
      code: 'REDIS_NO_SERVER',
      message: expect.stringContaining('/nowhere/redis-server'),
    });
  });
});

describe('the home', () => {
  test('is the named one, created where it is missing', () => {
    const named = join(home, 'deep', 'home');
    expect(findHome({ cwd: '/', home: named })).toBe(named);
    expect(readFileSync(join(named, '.gitignore'), 'utf8')).toBe('*\n');
    expect(statSync(named).mode & 0o777).toBe(0o700);
  });

  test('is the nearest .fanmail of this or a parent folder, else a new one here', () => {
    const deep = join(home, 'a', 'b');
    mkdirSync(deep, { recursive: true });
    const here = findHome({ cwd: join(home, 'a') });
    expect(here).toBe(join(home, 'a', '.fanmail'));
    expect(readFileSync(join(here, '.gitignore'), 'utf8')).toBe('*\n');
    expect(findHome({ cwd: deep })).toBe(here);
  });

  test('keeps others out of its redis folder, also where that was open before', () => {
    mkdirSync(join(home, 'redis'));
    chmodSync(join(home, 'redis'), 0o755);
    expect(statSync(serverPaths(home).folder).mode & 0o777).toBe(0o700);
  });

  test.runIf(process.getuid?.() === 0)('passes over a .fanmail that belongs to somebody else', () => {
    const inner = join(home, 'inner');
    mkdirSync(inner);
    mkdirSync(join(home, '.fanmail'));
    chownSync(join(home, '.fanmail'), 65534, 65534);
    expect(findHome({ cwd: inner })).toBe(join(inner, '.fanmail'));
    expect(() => findHome({ cwd: home })).toThrow(/belongs to another user/);
  });
});

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ''] as [string, string]] : []));
}
