import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cause } from '../../src/cli/view/cause.js';
import { readRecord } from '../support/audit.js';
import { newPlace, type Place, type Running, startRelay, until } from '../support/cli.js';
import { type HeldClock, heldClock } from '../support/clock.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import type { Scenario } from '../support/script-relay-main.js';

/** What `progress --json` says, as far as these tests ask. */
export interface Progress {
  readonly phase: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly waitsFor: readonly { readonly kind: Cause['kind']; readonly text: string; readonly until: string | null }[];
}

/** A Redis, workers and commands of one clock, which the test holds; the relay is a witness with a clock of its own. */
export interface HeldGround {
  readonly clock: HeldClock;
  readonly place: Place;
  readonly relay: Awaited<ReturnType<typeof startRelay>>;
  /** Launches so many recipients of a domain, detached. */
  launch(id: string, rows: number, options: readonly string[], domain?: string): Promise<void>;
  /** `fanmail worker` with two processes that are connected. */
  work(options?: readonly string[]): Promise<void>;
  /** Kills every `fanmail worker` and its processes by SIGKILL. */
  killWorkers(): Promise<void>;
  progress(id: string): Promise<Progress>;
  /** Waits until a campaign waits for this. */
  waits(id: string, kind: Cause['kind']): Promise<Progress['waitsFor'][number]>;
  ended(id: string): Promise<Progress>;
  /** How many copies of messages of a campaign the relay took, by address. */
  copies(id: string): number[];
  clear(): Promise<void>;
}

export async function heldGround(startMs: number, scenario: Omit<Scenario, 'record'> = {}): Promise<HeldGround> {
  const clock = heldClock(startMs);
  clock.run(startMs);
  const redis: TestRedis = await freshRedis({ clock, persist: true, settings: { 'maxmemory-policy': 'noeviction' } });
  const place = newPlace({ ...clock.env, REDIS_URL: `unix://${redis.path}`, FANMAIL_FROM: 'me@example.com' });
  const record = join(place.folder, 'record');
  writeFileSync(record, '');
  const relay = await startRelay({ record, ...scenario });
  const client = redis.client();
  const started: Running[] = [];

  const ground: HeldGround = {
    clock,
    place,
    relay,
    async launch(id, rows, options, domain = 'x.test') {
      const lines = Array.from({ length: rows }, (_, n) => `${id}-${n}@${domain},N`);
      writeFileSync(join(place.folder, `${id}.csv`), `email,first_name\n${lines.join('\n')}\n`);
      const usual = ['--template', 'notice', '--id', id, '--detach', '--yes', '--chunk-size', '50'];
      const smtp = options.includes('--smtp') ? [] : ['--smtp', relay.url];
      const { code, err } = await place.run(['launch', `${id}.csv`, ...usual, ...smtp, ...options]);
      if (code !== 0) throw new Error(err);
    },
    async work(options = []) {
      const before = await client.hlen('fanmail:workers');
      const shape = ['--processes', '2', '--connections', '2', '--chunks', '2'];
      started.push(place.start(['worker', ...shape, ...options], { SMTP_URL: relay.url }));
      const more = async () => ((await client.hlen('fanmail:workers')) >= before + 2 ? true : null);
      await until(more, 'workers');
    },
    async killWorkers() {
      const words = Object.values(await client.hgetall('fanmail:workers')).map((word) => JSON.parse(word));
      const parents = started.splice(0);
      // First those who would start new ones.
      for (const { child } of parents) child.kill('SIGKILL');
      for (const { pid } of words) kill(pid);
      await Promise.all(parents.map(({ ended }) => ended));
      await client.del('fanmail:workers');
    },
    progress: (id) => place.json<Progress>(['progress', id]),
    waits: (id, kind) =>
      until(async () => {
        const { waitsFor } = await ground.progress(id);
        return waitsFor.find((cause) => cause.kind === kind) ?? null;
      }, `${id} waiting for ${kind}`),
    ended: (id) =>
      until(async () => {
        const seen = await ground.progress(id);
        return seen.phase === 'completed' || seen.phase === 'cancelled' ? seen : null;
      }, `the end of ${id}`),
    copies(id) {
      const seen = [...readRecord(record)].filter(([address]) => address.startsWith(`${id}-`));
      return seen.map(([, { accepted }]) => accepted).filter((accepted) => accepted > 0);
    },
    async clear() {
      await ground.killWorkers();
      await relay.stop();
      await place.clear();
      await redis.stop();
      clock.remove();
    },
  };
  return ground;
}

/** One that has ended already needs no signal. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
}
