import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { aborted } from '../../src/runtime/signals.js';

let child: ChildProcess;
let lines: AsyncIterator<string>;
// Killed again where a test started none.
afterEach(() => void child.kill('SIGKILL'));

async function start(ipc = false): Promise<void> {
  const stdio = ipc ? (['ignore', 'pipe', 'inherit', 'ipc'] as const) : (['ignore', 'pipe', 'inherit'] as const);
  child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'signals-child.ts')], {
    stdio: [...stdio],
  });
  if (!child.stdout) throw new Error('no output');
  lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect(await line()).toBe('ready');
}

const line = async () => (await lines.next()).value as string;

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s asks for quiet, and a second one for a stop',
  async (signal) => {
    await start();
    child.kill(signal);
    expect(await line()).toBe(`quiet ${signal}`);
    // Longer than what counts as the same wish.
    await wait(300);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await line()).toBe('stop SIGTERM');
    expect(await exit).toEqual([0, null]);
  },
);

test('a signal that comes twice at once, by the terminal and by npm, is one wish', async () => {
  await start();
  child.kill('SIGINT');
  expect(await line()).toBe('quiet SIGINT');
  child.kill('SIGINT');
  await wait(400);
  child.kill('SIGTERM');
  expect(await line()).toBe('stop SIGTERM');
});

test('a child whose parent is gone is asked for quiet', async () => {
  await start(true);
  child.disconnect();
  expect(await line()).toBe('quiet disconnect');
});

test('who waits for a wish hears of one that came before', async () => {
  const early = new AbortController();
  early.abort();
  await aborted(early.signal);
  const late = new AbortController();
  const heard = aborted(late.signal);
  late.abort();
  await heard;
});
