import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { Summary } from '../../src/domain/summary.js';
import { readRecord, readResults } from '../support/audit.js';
import { newPlace, type Place, type Running, startRelay, until } from '../support/cli.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import type { Scenario } from '../support/script-relay-main.js';
import { type Allowance, breaches } from './auditor.js';

export const OPERATOR = 'operator@example.net';
const ENDS_MS = 120_000;

export interface WorkerShape {
  readonly processes?: number;
  readonly connections?: number;
  readonly grace?: string;
  /** Chunks that a process sends at a time. */
  readonly chunks?: number;
  /** The relay that the workers have the login for. By default the field's own. */
  readonly smtp?: string;
}

/** A place, a Redis that persists and a relay, all real processes of one scenario's own. */
export interface Field {
  readonly place: Place;
  readonly redis: TestRedis;
  /** To watch the campaign with, and to break things in Redis. */
  readonly client: Redis;
  readonly relay: Awaited<ReturnType<typeof startRelay>>;
  readonly record: string;
  /** Writes the list `people.csv` and launches it, sealed and detached. */
  launch(id: string, rows: number, ...more: readonly string[]): Promise<void>;
  arguments(id: string, rows: number, ...more: readonly string[]): readonly string[];
  /** Starts `fanmail worker` and resolves when its processes are connected. */
  workers(shape?: WorkerShape): Promise<Running>;
  count(id: string, state: string): Promise<number>;
  phase(id: string): Promise<string | null>;
  /** Resolves when so many are sent. */
  sent(id: string, atLeast: number): Promise<void>;
  ended(id: string, ms?: number): Promise<void>;
  /** How often the relay's faults happened. */
  faults(): number;
  /** Compares list, results, summary, progress and the relay's record; returns the summary. */
  audit(id: string, rows: number, allowed?: Allowance): Promise<Summary>;
  clear(): Promise<void>;
}

export async function newField(
  relayDoes: Omit<Scenario, 'record'> = {},
  settings: Readonly<Record<string, string>> = {},
): Promise<Field> {
  const redis = await freshRedis({ persist: true, settings: { 'maxmemory-policy': 'noeviction', ...settings } });
  const place = newPlace({ REDIS_URL: `unix://${redis.path}` });
  const record = join(place.folder, 'record');
  const relay = await startRelay({ record, ...relayDoes });
  const client = redis.client();
  const started: Running[] = [];
  const key = (id: string, name: string) => `fanmail:{${id}}:${name}`;

  const field: Field = {
    place,
    redis,
    client,
    relay,
    record,
    arguments(id, rows, ...more) {
      writeFileSync(join(place.folder, 'people.csv'), listOf(id, rows));
      return launchArguments(id, relay.url, more);
    },
    async launch(id, rows, ...more) {
      const { code, err } = await place.run(field.arguments(id, rows, '--detach', ...more));
      expect(err).toContain('Staged');
      expect(code).toBe(0);
    },
    async workers({ processes = 2, connections = 5, grace = '10s', chunks = 2, smtp = relay.url } = {}) {
      const sizes = ['--processes', `${processes}`, '--connections', `${connections}`, '--chunks', `${chunks}`];
      const shape = [...sizes, '--grace', grace];
      const before = await client.hlen('fanmail:workers');
      const running = place.start(['worker', ...shape], { SMTP_URL: smtp });
      started.push(running);
      await until(async () => ((await client.hlen('fanmail:workers')) >= before + processes ? true : null), 'workers');
      return running;
    },
    count: async (id, state) => Number((await client.hget(key(id, 'counters'), state)) ?? 0),
    phase: (id) => client.hget(key(id, 'campaign'), 'phase'),
    async sent(id, atLeast) {
      await until(async () => ((await field.count(id, 'sent')) >= atLeast ? true : null), `${atLeast} messages sent`);
    },
    async ended(id, ms = ENDS_MS) {
      const over = async () => {
        const counters = await client.hgetall(key(id, 'counters'));
        const total = Number(await client.hget(key(id, 'campaign'), 'total'));
        expect(sumOf(counters)).toBe(total);
        return (await field.phase(id)) === 'completed' ? true : null;
      };
      await until(over, `the end of ${id}`, ms);
    },
    faults: () => lines(`${record}.faults`).length,
    async audit(id, rows, allowed = {}) {
      const summary = await auditFiles({ place, record, id, rows, allowed });
      await auditProgress(place, id, summary);
      return summary;
    },
    async clear() {
      for (const { child } of started) {
        for (const pid of childrenOf(child)) signal(pid, 'SIGKILL');
        child.kill('SIGKILL');
      }
      await relay.stop();
      await redis.stop();
      await place.clear();
    },
  };
  return field;
}

export function listOf(id: string, rows: number): string {
  return ['email,first_name', ...emails(id, rows).map((email) => `${email},Name`), ''].join('\n');
}

export function launchArguments(
  id: string,
  smtp: string,
  more: readonly string[],
  { list = 'people.csv', template = 'notice', notify = true } = {},
): readonly string[] {
  const message = ['--template', template, '--from', 'me@example.com', '--smtp', smtp];
  const pace = ['--chunk-size', '100', '--retry-schedule', '500ms', '--attempts', '4'];
  return ['launch', list, ...message, '--id', id, ...pace, ...(notify ? ['--notify', OPERATOR] : []), ...more];
}

/** The addresses of a campaign's list: those of two campaigns never meet. */
export function emails(id: string, rows: number): string[] {
  return Array.from({ length: rows }, (_, i) => `user${i}@${id}.example.com`);
}

interface Audited {
  readonly place: Place;
  readonly record: string;
  readonly id: string;
  readonly rows: number;
  readonly allowed: Allowance;
}

/** One summary that says the same as the results, and results that agree with the list and the relay's record. */
export async function auditFiles({ place, record, id, rows, allowed }: Audited): Promise<Summary> {
  const folder = join(place.folder, 'fanmail-results', id);
  // A process that was killed while it wrote leaves a file under a name that nobody takes for a result.
  const whole = readdirSync(folder).filter((name) => !name.endsWith('.partial'));
  expect(whole.sort()).toEqual(['results.csv', 'summary.html', 'summary.json', 'summary.txt']);
  const summary = place.read<Summary>(join('fanmail-results', id, 'summary.json'));
  const results = readResults(join(folder, 'results.csv'));
  const seen = readRecord(record);
  expect(seen.get(OPERATOR)?.accepted ?? 0).toBeLessThanOrEqual(1);
  const own = new Map([...seen].filter(([email]) => email.endsWith(`@${id}.example.com`)));
  expect(breaches(emails(id, rows), results, own, allowed)).toEqual([]);
  for (const [state, figure] of Object.entries(summary.states))
    expect([state, figure]).toEqual([state, results.filter((row) => row.state === state).length]);
  expect(summary.total).toBe(rows);
  return summary;
}

export async function auditProgress(place: Place, id: string, summary: Summary): Promise<void> {
  const { counters, total } = await place.json<{ counters: Record<string, number>; total: number }>(['progress', id]);
  expect(sumOf(counters)).toBe(total);
  expect(counters).toEqual(summary.states);
}

export function sumOf(counters: Readonly<Record<string, number | string>>): number {
  return Object.values(counters).reduce<number>((all, one) => all + Number(one), 0);
}

/** The ids of the processes that one started. */
export function childrenOf({ pid }: { readonly pid?: number | undefined }): number[] {
  if (pid === undefined) return [];
  try {
    return execFileSync('pgrep', ['-P', `${pid}`], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map(Number);
  } catch {
    // It exits with 1 where there are none.
    return [];
  }
}

/** A process that has ended already needs no signal. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {}
}

function lines(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}
