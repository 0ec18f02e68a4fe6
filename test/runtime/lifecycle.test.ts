import { describe, expect, test } from 'vitest';
import { Lifecycle, type Part } from '../../src/runtime/lifecycle.js';

const quiet = () => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function parts(journal: string[], faults: { start?: string; stop?: string } = {}): Part[] {
  return ['redis', 'queue', 'workers'].map((name) => ({
    name,
    async start() {
      await Promise.resolve();
      if (faults.start === name) throw new Error(`${name} does not start`);
      journal.push(`+${name}`);
    },
    async stop() {
      await Promise.resolve();
      journal.push(`-${name}`);
      if (faults.stop === name) throw new Error(`${name} does not stop`);
    },
  }));
}

describe('a lifecycle', () => {
  test('starts its parts in order and stops them in reverse, each once', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle('app', parts(journal), log);
    await Promise.all([lifecycle.start(), lifecycle.start()]);
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    await lifecycle.stop();
    expect(journal).toEqual(['+redis', '+queue', '+workers', '-workers', '-queue', '-redis']);
  });

  test('releases what had started where a part does not start, and says that fault', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle('app', parts(journal, { start: 'workers', stop: 'queue' }), log);
    await expect(lifecycle.start()).rejects.toThrow('workers does not start');
    expect(journal).toEqual(['+redis', '+queue', '-queue', '-redis']);
    await lifecycle.stop();
    expect(journal).toHaveLength(4);
  });

  test('stops the others where one does not stop, and says so at the end', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle('app', parts(journal, { stop: 'workers' }), log);
    await lifecycle.start();
    await expect(lifecycle.stop()).rejects.toMatchObject({ errors: [{ message: 'workers does not stop' }] });
    expect(journal.slice(3)).toEqual(['-workers', '-queue', '-redis']);
  });

  test('may be stopped before it starts: then nothing starts', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle('app', parts(journal), log);
    await lifecycle.stop();
    await lifecycle.start();
    expect(journal).toEqual([]);
  });

  test('stopped while it starts finishes the part that is starting, begins no other, and stops', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle('app', parts(journal), log);
    const started = lifecycle.start();
    await lifecycle.stop();
    await started;
    expect(journal).toEqual(['+redis', '-redis']);
  });
});
