import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Ended, newPlace, type Place, type Running, until } from '../support/cli.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

// Processes are killed on purpose, and what they left is taken over only after a while.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const ROWS = 700;
const MESSAGE = ['--template', 'notice', '--from', 'me@example.com'];

interface Rehearsed {
  readonly holds: boolean;
  readonly total: number;
  readonly states: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly kills: number;
  readonly paused: string | null;
  readonly secondCopies: number;
  readonly sentLater: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly checks: readonly { readonly name: string; readonly holds: boolean }[];
  readonly resultsDir: string;
}

let redis: TestRedis;
let place: Place;
let temporary: string;
/** The relay of the user's settings, which nothing may ever reach. */
let real: Server;
let reached = 0;

beforeAll(async () => {
  redis = await freshRedis();
  real = createServer(() => {
    reached += 1;
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => real.once('listening', listening));
  const address = real.address();
  const port = typeof address === 'object' ? address?.port : 0;
  place = newPlace({
    REDIS_URL: `unix://${redis.path}`,
    SMTP_URL: `smtp://user:secret@127.0.0.1:${port}?tls=none`,
    FANMAIL_NOTIFY: 'operator@example.com',
    FANMAIL_RETRY_SCHEDULE: '1h',
    FANMAIL_WORKERS: '1',
  });
  temporary = join(place.folder, 'temporary');
  mkdirSync(temporary);
  writeFileSync(join(place.folder, 'people.csv'), listOf(ROWS));
  writeFileSync(join(place.folder, 'few.csv'), listOf(40));
});
afterAll(async () => {
  real.close();
  await place.clear();
  await redis.stop();
});

function listOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => `user${i}@${i % 3 ? 'example.com' : 'gmail.com'},"Name, ${i}"`);
  return ['email,first_name', ...lines, 'nobody,x', 'user1@example.com,Twice', ''].join('\n');
}

function start(list: string, ...more: string[]): Running {
  return place.start(['rehearse', list, ...MESSAGE, ...more], { TMPDIR: temporary });
}

function json({ out, err }: Ended): Rehearsed {
  if (out === '') throw new Error(err);
  expect(out.trim().split('\n')).toHaveLength(1);
  return JSON.parse(out) as Rehearsed;
}

/** Processes that run in a folder of this test: workers, relay, Redis, the rehearsal itself. */
function processesHere(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(place.folder);
    } catch {
      return false;
    }
  });
}

describe('rehearse', () => {
  it('has a bad day with a real list, and proves that nobody was lost and nobody got a second copy', async () => {
    const ended = await start('people.csv', '--scenario', 'bad-day', '--workers', '2', '--json').ended;
    const rehearsed = json(ended);
    // First what does not hold, in words.
    expect(rehearsed.checks.filter(({ holds }) => !holds)).toEqual([]);
    expect([ended.code, rehearsed.holds]).toEqual([0, true]);
    const { states, faults, total, kills, checks, resultsDir } = rehearsed;
    expect(total).toBe(ROWS);
    expect(Object.values(states).reduce((a, b) => a + b)).toBe(ROWS);
    for (const fault of ['throttle', 'greylist', 'refuse', 'drop', 'slow'])
      expect([fault, faults[fault]]).not.toEqual([fault, 0]);
    expect(kills).toBe(1);
    expect(states.failed).toBeGreaterThan(0);
    expect(rehearsed.sentLater).toBeGreaterThan(50);
    expect(rehearsed.secondCopies).toBe(0);
    const names = checks.map(({ name }) => name);
    expect(names.slice(0, 5)).toEqual(['once', 'copies', 'sent', 'failed', 'unknown']);
    // What fanmail verify looks at.
    expect(names.slice(5)).toEqual(expect.arrayContaining(['balance', 'final', 'chunks', 'results']));
    expect(checks.every(({ holds }) => holds)).toBe(true);
    expect(readdirSync(resultsDir).sort()).toEqual(
      'rehearsal.json rejects.csv relay.ndjson results.csv summary.html summary.json summary.txt workers.log'.split(
        ' ',
      ),
    );
    expect(JSON.parse(readFileSync(join(resultsDir, 'rehearsal.json'), 'utf8'))).toEqual(rehearsed);
    expect(ended.err).toMatch(/Killed worker process \d+ when the relay had \d+ messages/);
  });

  it('leaves no process, nothing in the temporary folder, in the Redis of the user or at the relay of the user', async () => {
    const ended = await start('few.csv').ended;
    expect(ended.code).toBe(0);
    expect(processesHere()).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(existsSync(join(place.folder, 'home'))).toBe(false);
    const client = redis.client();
    expect(await client.keys('*')).toEqual([]);
    expect(reached).toBe(0);
  });

  it('strikes the same recipients for the same seed, and others for another', async () => {
    const failed = async (seed: string) => {
      const { resultsDir } = json(
        await start('people.csv', '--scenario', 'strict.json', '--seed', seed, '--json').ended,
      );
      return readFileSync(join(resultsDir, 'results.csv'), 'utf8').match(/^.*,failed,/gm);
    };
    writeFileSync(join(place.folder, 'strict.json'), '{"rules": [{"fault": "refuse", "percent": 5}]}');
    const first = await failed('1');
    expect(first?.length).toBeGreaterThan(10);
    expect(await failed('1')).toEqual(first);
    expect(await failed('2')).not.toEqual(first);
  });

  it('says for people what would have happened, and the proof', async () => {
    const { out, err, code } = await start('few.csv', '--scenario', 'greylisting').ended;
    expect(code).toBe(0);
    expect(err).toContain('Nothing leaves this machine');
    expect(err).toContain('Waits between tries are short (1 s, 2 s, 4 s)');
    expect(out).toMatch(/^ {2}sent +40 +100\.0% {2}\d+ of them not at the first try$/m);
    expect(out).toMatch(/^ {2}2 tries +\d+$/m);
    expect(out).toMatch(/^ {2}ok +once +40 recipients, each exactly once in the results$/m);
    expect(out).toMatch(/^ {2}ok +results +all 40 lines of results\.csv are what the ledger says$/m);
    expect(out).toContain('Nothing was lost: each of 40 recipients is accounted for, and nobody got a');
  });

  it('ends a campaign that the words of the relay would pause, and says so', async () => {
    const scenario = '{"rules": [{"fault": "refuse", "domains": ["gmail.com"], "reply": "550 5.7.26 not signed"}]}';
    writeFileSync(join(place.folder, 'unsigned.json'), scenario);
    const rehearsed = json(await start('people.csv', '--scenario', 'unsigned.json', '--json').ended);
    expect(rehearsed.paused).toBe('550 5.7.26 not signed');
    expect(rehearsed.holds).toBe(true);
    expect(rehearsed.states.failed ?? 0).toBe(0);
    expect(rehearsed.states.skipped).toBeGreaterThan(0);
  });

  it('with resend, risks second copies and says how many', async () => {
    writeFileSync(join(place.folder, 'kept.json'), '{"rules": [{"fault": "drop", "percent": 50, "keptPercent": 100}]}');
    const rehearsed = json(await start('few.csv', '--scenario', 'kept.json', '--on-unknown', 'resend', '--json').ended);
    expect(rehearsed.holds).toBe(true);
    expect(rehearsed.states).toEqual({ sent: 40 });
    expect(rehearsed.secondCopies).toBe(rehearsed.faults.drop);
    expect(rehearsed.secondCopies).toBeGreaterThan(5);
  });

  it.each([
    [
      ['--scenario', 'broken.json'],
      /rules\[0\]\.percent in broken\.json can't be 200\n {2}Allowed there: a number above 0/,
    ],
    [['--scenario', 'gloomy'], /there is no scenario "gloomy"\n {2}there are bad-day, calm/],
    [['--smtp', 'smtp://relay.example.com'], /takes no --smtp: nothing of it leaves this machine/],
    [['--redis', 'redis://redis.example.com'], /takes no --redis/],
    [['--template', 'newsletter'], /no such column/],
  ])('refuses %j, and has begun nothing', async (args, words) => {
    writeFileSync(join(place.folder, 'broken.json'), '{"rules": [{"fault": "greylist", "percent": 200}]}');
    const given = args[0] === '--template' ? ['--from', 'me@example.com'] : MESSAGE;
    const { code, err, out } = await place.run(['rehearse', 'few.csv', ...given, ...args], { TMPDIR: temporary });
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(words);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('a rehearsal that is interrupted', () => {
  const slow = async (): Promise<Running> => {
    writeFileSync(join(place.folder, 'slow.json'), '{"rules": [{"fault": "slow", "delayMs": 3000}]}');
    const running = start('people.csv', '--scenario', 'slow.json', '--results', 'elsewhere');
    await until(async () => {
      const [home = ''] = readdirSync(temporary);
      const record = join(temporary, home, 'relay.ndjson');
      return home !== '' && existsSync(record) && readFileSync(record, 'utf8').length > 0 ? true : null;
    }, 'the first message');
    return running;
  };

  it('by Ctrl-C leaves no process, no temporary folder and no results, and exits 130', async () => {
    const running = await slow();
    // The command, its relay, a Redis and a worker.
    expect(processesHere()).toHaveLength(4);
    running.child.kill('SIGINT');
    const { code, err } = await running.ended;
    expect(code).toBe(130);
    expect(err).toContain('Interrupted: nothing of the rehearsal is left.');
    expect(processesHere()).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(existsSync(join(place.folder, 'elsewhere'))).toBe(false);
  });

  it('by kill -9 is cleared away by the next one', async () => {
    const running = await slow();
    running.child.kill('SIGKILL');
    await running.ended;
    const [home] = readdirSync(temporary);
    expect(home).toMatch(/^fanmail-rehearsal-/);
    expect(processesHere().length).toBeGreaterThan(0);
    expect((await start('few.csv', '--scenario', 'calm').ended).code).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
    await until(async () => (processesHere().length === 0 ? true : null), 'the end of all processes');
  });
});
