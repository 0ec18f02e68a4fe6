import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Bench } from '../../scripts/bench/bench.js';
import { Cleanup } from '../../scripts/bench/cleanup.js';
import { measureOneWorker } from '../../scripts/bench/rows/one-worker.js';
import { startSink } from '../../scripts/bench/sink.js';

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
