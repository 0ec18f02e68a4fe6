import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import type { Bench } from '../../scripts/bench/bench.js';
import { Cleanup } from '../../scripts/bench/cleanup.js';
import { measureDkim } from '../../scripts/bench/rows/dkim.js';
import { measureOneWorker } from '../../scripts/bench/rows/one-worker.js';
import { startSink } from '../../scripts/bench/sink.js';

// Programs that start take a second or more each where the machine is busy.
vi.setConfig({ testTimeout: 120_000 });

const OWN_SINK = { sink: null, source: null, env: process.env };

it('measures a row with real processes, against its own sink, and leaves nothing behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmail-bench-test-'));
  const cleanup = new Cleanup();
  const bench: Bench = { full: false, rounds: null, minutes: 1, folder, postfix: OWN_SINK, cleanup, say() {} };
  try {
    const { figures, contenders } = await measureOneWorker(bench, {
      connections: [5],
      ours: 200,
      theirs: 100,
      warming: { ours: 50, theirs: 20 },
      rounds: 1,
    });
    expect(figures).toHaveLength(1);
    expect(figures[0]?.samples[0]).toBeGreaterThan(0);
    expect(contenders.map(({ unit }) => unit)).toContain('messages/s');
    expect(readdirSync(folder).filter((name) => name.startsWith('ground-'))).toEqual([]);
  } finally {
    await cleanup.run();
    rmSync(folder, { recursive: true, force: true });
  }
});

it('measures the row of DKIM, with keys of its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmail-bench-test-'));
  const cleanup = new Cleanup();
  const bench: Bench = { full: false, rounds: null, minutes: 1, folder, postfix: OWN_SINK, cleanup, say() {} };
  try {
    const { figures, contenders } = await measureDkim(bench, {
      connections: 4,
      ours: 100,
      theirs: 50,
      warming: { ours: 50, theirs: 20 },
      rounds: 1,
    });
    expect(figures.map(({ bar, samples }) => [bar?.value, samples.length])).toEqual([
      [2, 1],
      [2, 1],
    ]);
    expect(contenders.filter(({ unit }) => unit === 'messages/s')).toHaveLength(3);
  } finally {
    await cleanup.run();
    rmSync(folder, { recursive: true, force: true });
  }
});

it('notices a message that did not arrive', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmail-bench-test-'));
  const cleanup = new Cleanup();
  try {
    const sink = await startSink(OWN_SINK, folder, cleanup);
    await sink.expect(0);
    await expect(sink.expect(1)).rejects.toThrow('0 messages arrived at the relay, 1 were sent');
  } finally {
    await cleanup.run();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Command lines of processes that name a folder; none where there is no /proc. */
function processesIn(folder: string): string[] {
  const pids = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return pids.flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(folder) ? [line] : [];
    } catch {
      return [];
    }
  });
}

it('ends on Ctrl-C, although it is heard twice, without a process or a folder left', async () => {
  const tmp = mkdtempSync(join(tmpdir(), 'fb-'));
  const main = fileURLToPath(new URL('../../scripts/bench/main.ts', import.meta.url));
  const args = ['--import', import.meta.resolve('tsx'), main, '--only', 'ten', '--rounds', '99'];
  const { SMTP_SINK: _sink, ...env } = process.env;
  const child = spawn(process.execPath, args, { env: { ...env, TMPDIR: tmp }, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    let said = '';
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 80_000 }).toContain('ten: round 2');
    if (process.platform === 'linux') expect(processesIn(tmp).join('\n')).toContain('redis');
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect((await exited)[0]).toBe(130);
    // Measured in part is not measured.
    expect(printed).toBe('');
    expect(readdirSync(tmp).filter((name) => name.startsWith('fanmail'))).toEqual([]);
    expect(processesIn(tmp)).toEqual([]);
  } finally {
    child.kill('SIGKILL');
    rmSync(tmp, { recursive: true, force: true });
  }
});
