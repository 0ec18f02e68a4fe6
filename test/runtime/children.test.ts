import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Children, type ChildrenOptions, restartDelay } from '../../src/runtime/children.js';

const CHILD = join(import.meta.dirname, 'child.mjs');
let folder: string;
let journal: string;
let children: Children;
let warnings: object[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmail-children-'));
  journal = join(folder, 'journal');
  writeFileSync(journal, '');
  warnings = [];
});
afterEach(async () => {
  await children?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function supervise(options: Partial<ChildrenOptions> & { mode?: string } = {}): Children {
  const quiet = () => {};
  children = new Children({
    name: 'workers',
    module: CHILD,
    count: 3,
    args: [journal, options.mode ?? 'stays'],
    env: { GREETING: 'hello' },
    graceMs: 5_000,
    log: { debug: quiet, info: quiet, warn: (fields) => void warnings.push(fields), error: quiet },
    ...options,
  });
  return children;
}

const notes = () => readFileSync(journal, 'utf8').trim().split('\n').filter(Boolean);
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('every child runs with the arguments and only the environment that were given', async () => {
  await supervise().start();
  await until(() => notes().length === 3);
  expect(children.connected()).toBe(3);
  for (const pid of children.pids()) expect(notes()).toContain(`${pid} started hello alone`);
});

test('every child leads a process group of its own, so that Ctrl-C in the terminal does not reach it', async () => {
  await supervise().start();
  await until(() => notes().length === 3);
  for (const pid of children.pids()) expect(isAlive(-pid)).toBe(true);
});

test('a child that dies is replaced after half a second, and the others are left alone', async () => {
  await supervise().start();
  await until(() => notes().length === 3);
  const [victim = 0, ...rest] = children.pids();
  const diedAt = performance.now();
  process.kill(victim, 'SIGKILL');
  await until(() => children.connected() === 2);
  await until(() => notes().length === 4);
  expect(performance.now() - diedAt).toBeGreaterThan(450);
  expect(children.connected()).toBe(3);
  expect(children.pids()).toEqual(expect.arrayContaining([...rest]));
  expect(isAlive(victim)).toBe(false);
  expect(warnings).toMatchObject([{ child: 1, signal: 'SIGKILL', restartInMs: 500 }]);
});

test('a child that dies again and again is started ever more slowly', async () => {
  await supervise({ mode: 'dies', count: 1 }).start();
  await until(() => warnings.length === 3);
  expect(warnings).toMatchObject([
    { code: 7, restartInMs: 500 },
    { code: 7, restartInMs: 1_000 },
    { code: 7, restartInMs: 2_000 },
  ]);
  await children.stop();
  const before = notes().length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(notes()).toHaveLength(before);
});

test('the delay grows up to 30 s and begins anew after a stable minute', () => {
  const delays: number[] = [];
  while (delays.length < 9) delays.push(restartDelay(delays.at(-1) ?? 0, 10));
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(restartDelay(30_000, 59_999)).toBe(30_000);
  expect(restartDelay(30_000, 60_000)).toBe(500);
});

test('stop asks every child and resolves when the last has ended, twice too; nothing is started again', async () => {
  await supervise().start();
  await until(() => notes().length === 3);
  const pids = children.pids();
  await Promise.all([children.stop(), children.stop()]);
  expect(pids.some(isAlive)).toBe(false);
  for (const pid of pids) expect(notes()).toContain(`${pid} SIGTERM`);
  expect(warnings).toEqual([]);
  await children.start();
  expect(children.pids()).toEqual([]);
});

test('a child that does not end in the time given is killed', async () => {
  await supervise({ mode: 'stubborn', count: 2, graceMs: 200 }).start();
  await until(() => notes().length === 2);
  const pids = children.pids();
  const began = performance.now();
  await children.stop();
  expect(performance.now() - began).toBeGreaterThanOrEqual(195);
  expect(pids.some(isAlive)).toBe(false);
  for (const pid of pids) expect(notes()).toContain(`${pid} SIGTERM`);
});

test('a module that is not there is retried and can be stopped', async () => {
  await supervise({ module: join(folder, 'nothing.mjs'), count: 1 }).start();
  await until(() => warnings.length === 1);
  await children.stop();
  expect(children.connected()).toBe(0);
});

test('a child learns that its parent was killed', async () => {
  const parent = fork(join(import.meta.dirname, 'parent.mjs'), [CHILD, journal]);
  const [{ pid }] = (await once(parent, 'message')) as [{ pid: number }];
  await until(() => notes().length === 1);
  parent.kill('SIGKILL');
  await until(() => !isAlive(pid));
  expect(notes()).toContain(`${pid} disconnect`);
});
