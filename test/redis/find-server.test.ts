import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheFolder, findServerBinary } from '../../src/redis/find-server.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fanmail-find-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function program(folder: string, name: string, mode = 0o755): string {
  mkdirSync(join(root, folder), { recursive: true });
  const path = join(root, folder, name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, mode);
  return path;
}

test('the named binary comes first, then the PATH, then the private copy', () => {
  const named = program('named', 'my-redis');
  const onPath = program('bin', 'redis-server');
  const cached = program('cache', 'redis-server');
  const path = join(root, 'bin');
  const cache = join(root, 'cache');
  expect(findServerBinary({ bin: named, path, cache })).toEqual({ bin: named, from: 'FANMAIL_REDIS_BIN' });
  expect(findServerBinary({ path, cache })).toEqual({ bin: onPath, from: 'PATH' });
  expect(findServerBinary({ path: '/nowhere', cache })).toEqual({ bin: cached, from: 'cache' });
});

test('a valkey-server is taken before a redis-server, wherever it is on the PATH', () => {
  program('one', 'redis-server');
  const valkey = program('two', 'valkey-server');
  expect(findServerBinary({ path: `${join(root, 'one')}:${join(root, 'two')}` }).bin).toBe(valkey);
});

test('what can not be run, and entries of the PATH that mean the current folder, are passed over', () => {
  program('one', 'redis-server', 0o644);
  mkdirSync(join(root, 'two', 'redis-server'), { recursive: true });
  program('here', 'redis-server');
  const before = process.cwd();
  process.chdir(join(root, 'here'));
  try {
    expect(() => findServerBinary({ path: `:.:${join(root, 'one')}:${join(root, 'two')}` })).toThrow(/No redis-server/);
  } finally {
    process.chdir(before);
  }
});

test('a named binary that is none is an error and not a reason to look elsewhere', () => {
  const onPath = program('bin', 'redis-server');
  expect(() => findServerBinary({ bin: '/no/such', path: join(onPath, '..') })).toThrow(/FANMAIL_REDIS_BIN=\/no\/such/);
});

test('where there is none, the error has the command for apt, brew and docker', () => {
  try {
    findServerBinary({ path: '/nowhere' });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: 'REDIS_NO_SERVER' });
    const { hint } = error as { hint: string };
    for (const command of ['apt-get install -y redis-server', 'brew install redis', 'docker compose up -d redis']) {
      expect(hint).toContain(command);
    }
  }
});

test('the private copy is under XDG_CACHE_HOME where that is absolute, else under ~/.cache', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/c', HOME: '/h' })).toBe('/c/fanmail/redis');
  expect(cacheFolder({ XDG_CACHE_HOME: 'c', HOME: '/h' })).toBe('/h/.cache/fanmail/redis');
  expect(cacheFolder({})).toBeUndefined();
});
