import { watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../support/cli.js';
import { childrenOf, type Field, newField, signal } from './field.js';

const folderOf = (field: Field, id: string) => join(field.place.folder, 'fanmail-results', id);

/** Resolves as soon as a file of that name is there. */
async function appears(folder: string, name: RegExp): Promise<void> {
  await mkdir(folder, { recursive: true });
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, (_event, file) => {
      if (!name.test(file ?? '')) return;
      watcher.close();
      resolve();
    });
  });
}

/**
 * Kills the aggregator when its results are there and its mark has not reached Redis; true where that was so. Redis is
 * frozen when the ledger has been read, and loses what was sent to it since.
 */
async function killBeforeTheMark(): Promise<boolean> {
  const field = await newField();
  try {
    await field.launch('marking', 200);
    const folder = folderOf(field, 'marking');
    const [read, written] = [appears(folder, /^summary\.txt\..*\.partial$/), appears(folder, /^summary\.json$/)];
    const running = await field.workers({ processes: 1 });
    await read;
    signal(field.redis.pid, 'SIGSTOP');
    await written;
    for (const pid of childrenOf(running.child)) signal(pid, 'SIGKILL');
    await field.redis.kill();
    await field.redis.start();
    const hit = (await field.phase('marking')) === 'aggregating';
    await field.ended('marking');
    await field.audit('marking', 200);
    return hit;
  } finally {
    await field.clear();
  }
}

describe.concurrent('the steps around the sending', () => {
  it('the coordinator is killed while it fans out: the sweep adds what is missing', async () => {
    const field = await newField();
    try {
      // A job for each recipient, so that it takes its time.
      const args = field.arguments('fanout', 2_000, '--detach');
      const tiny = args.map((arg, i) => (args[i - 1] === '--chunk-size' ? '1' : arg));
      expect((await field.place.run(tiny)).code).toBe(0);
      const running = await field.workers({ processes: 1 });
      const started = async () => ((await field.phase('fanout')) === 'sending' ? true : null);
      await until(started, 'the start', 60_000, 1);
      for (const pid of childrenOf(running.child)) signal(pid, 'SIGKILL');
      const first = await field.count('fanout', 'sent');
      expect(first).toBeLessThan(2_000);
      await field.ended('fanout');
      await field.audit('fanout', 2_000, { unknown: 5 });
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('the aggregator is killed between writing and marking: another one marks, and there is one summary', async () => {
    // It is a moment: it may take more than one campaign to hit it.
    let hit = false;
    for (let tries = 0; tries < 5 && !hit; tries++) hit = await killBeforeTheMark();
    expect(hit).toBe(true);
  }, 400_000);

  it('an aggregator frozen past its lock, and thawed after another has ended the campaign, changes nothing', async () => {
    const field = await newField();
    try {
      await field.launch('frozen', 3_000);
      const one = await field.workers({ processes: 1 });
      const closed = async () => ((await field.phase('frozen')) === 'aggregating' ? true : null);
      await until(closed, 'the close', 60_000, 1);
      const [victim = 0] = childrenOf(one.child);
      signal(victim, 'SIGSTOP');
      const other = await field.workers({ processes: 1 });
      await field.ended('frozen');
      const before = await field.client.get('fanmail:{frozen}:summary');
      signal(victim, 'SIGCONT');
      for (const { child, ended } of [one, other]) {
        child.kill('SIGTERM');
        expect((await ended).code).toBe(0);
      }
      expect(await field.client.get('fanmail:{frozen}:summary')).toBe(before);
      await field.audit('frozen', 3_000);
    } finally {
      await field.clear();
    }
  }, 200_000);
});
