import { describe, expect, it } from 'vitest';
import { until } from '../support/cli.js';
import { emails, type Field, launchArguments, newField, signal } from './field.js';

const ROWS = 300;
/** Longer than a staging may be silent. */
const LONG_AGO_MS = 61_000;

/** A list is read in blocks of 64 kB: so wide are its rows that there are some before its end. */
const WIDE = 'x'.repeat(500);

/** A launch that reads the list from a pipe and has staged its first chunk, but not the rest. */
async function staging(field: Field, id: string) {
  const args = launchArguments(id, field.relay.url, ['--detach', '--encoding', 'utf-8']);
  const running = field.place.start(
    args.map((arg) => (arg === 'people.csv' ? '-' : arg)),
    {},
    'pipe',
  );
  const lines = emails(id, ROWS).map((email) => `${email},Name,${WIDE}\n`);
  running.child.stdin?.write(`email,first_name,filler\n${lines.slice(0, 270).join('')}`);
  await until(async () => {
    const nonce = await field.client.hget(`fanmail:{${id}}:campaign`, 'nonce');
    return (await field.client.exists(`fanmail:{${id}}:${nonce}:rows:0`)) === 1 ? true : null;
  }, 'the first chunk');
  expect(await field.phase(id)).toBe('staging');
  return { running, finish: () => running.child.stdin?.end(lines.slice(270).join('')) };
}

const age = ({ client }: Field, id: string) =>
  client.hset(`fanmail:{${id}}:campaign`, 'heardAt', Date.now() - LONG_AGO_MS);

describe.concurrent('launch', () => {
  it('killed before the seal: nothing is sent, and the id can be launched again once it was silent', async () => {
    const field = await newField();
    try {
      const { running } = await staging(field, 'unsealed');
      signal(running.child.pid ?? 0, 'SIGKILL');
      await running.ended;
      const worker = await field.workers({ processes: 1 });
      const again = field.arguments('unsealed', ROWS, '--detach');
      const { code, err } = await field.place.run(again);
      expect(err).toContain('exists already');
      expect(code).not.toBe(0);
      expect(await field.phase('unsealed')).toBe('staging');
      await age(field, 'unsealed');
      expect((await field.place.run(again)).code).toBe(0);
      await field.ended('unsealed');
      worker.child.kill('SIGTERM');
      await worker.ended;
      expect((await field.audit('unsealed', ROWS)).states.sent).toBe(ROWS);
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('killed right after the seal: a worker’s sweep starts it', async () => {
    const field = await newField();
    try {
      const { running, finish } = await staging(field, 'sealed');
      const sealed = until(async () => ((await field.phase('sealed')) === 'queued' ? true : null), 'the seal');
      finish();
      await sealed;
      signal(running.child.pid ?? 0, 'SIGKILL');
      await running.ended;
      // Whether it got as far as waking somebody up is chance: make it the worse case.
      const jobs = await field.client.keys('fanmail:{queue}:*');
      if (jobs.length > 0) await field.client.del(jobs);
      const worker = await field.workers({ processes: 1 });
      await field.ended('sealed');
      worker.child.kill('SIGTERM');
      await worker.ended;
      expect((await field.audit('sealed', ROWS)).states.sent).toBe(ROWS);
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('frozen while it stages and thawed after another took the id: it gives up, and nothing is mixed', async () => {
    const field = await newField();
    try {
      const { running, finish } = await staging(field, 'thawed');
      signal(running.child.pid ?? 0, 'SIGSTOP');
      await age(field, 'thawed');
      await field.launch('thawed', ROWS);
      signal(running.child.pid ?? 0, 'SIGCONT');
      finish();
      const { code, err } = await running.ended;
      expect(err).toContain('taken over');
      expect(code).not.toBe(0);
      const worker = await field.workers({ processes: 1 });
      await field.ended('thawed');
      worker.child.kill('SIGTERM');
      await worker.ended;
      expect((await field.audit('thawed', ROWS)).states.sent).toBe(ROWS);
    } finally {
      await field.clear();
    }
  }, 200_000);
});
