import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FORMAT } from '../../src/domain/campaign.js';
import { readRecord, readResults } from '../support/audit.js';
import { until } from '../support/cli.js';
import { type Field, newField, OPERATOR, signal } from './field.js';

const ROWS = 1_200;
const CONNECTIONS = 5;
const PROCESSES = 2;
const WIRE = CONNECTIONS * PROCESSES;
/** Longer than the relay takes to answer what is on the wire. */
const DRAINED_MS = 500;

const accepted = ({ record }: Field) => [...readRecord(record).values()].reduce((all, seen) => all + seen.accepted, 0);

async function inTheMiddle(id: string, act: (field: Field) => Promise<void>, check: (field: Field) => Promise<void>) {
  const field = await newField({ delayMs: 60 });
  try {
    await field.launch(id, ROWS);
    const running = await field.workers({ processes: PROCESSES, connections: CONNECTIONS });
    await field.sent(id, 100);
    await act(field);
    await field.ended(id);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    await check(field);
  } finally {
    await field.clear();
  }
}

/** Without Redis no intent can be recorded: once the wire has drained, the relay gets nothing more. */
async function nothingIsSentFor(field: Field, ms: number): Promise<void> {
  await wait(DRAINED_MS);
  const before = accepted(field);
  await wait(ms);
  expect(accepted(field)).toBe(before);
}

describe.concurrent('Redis in mid-campaign', () => {
  it('stands still for 5 s: nothing is sent meanwhile, and then it goes on, nobody unknown', async () => {
    await inTheMiddle(
      'still',
      async (field) => {
        signal(field.redis.pid, 'SIGSTOP');
        await nothingIsSentFor(field, 4_500);
        signal(field.redis.pid, 'SIGCONT');
      },
      async (field) => {
        const { states } = await field.audit('still', ROWS);
        expect(states.sent).toBe(ROWS);
      },
    );
  }, 200_000);

  it('is killed and restarted twice: nothing is sent meanwhile, nothing is lost or doubled', async () => {
    await inTheMiddle(
      'restarted',
      async (field) => {
        for (let times = 0; times < 2; times++) {
          await field.redis.kill();
          await nothingIsSentFor(field, 1_000);
          await field.redis.start();
          const before = await field.count('restarted', 'sent');
          await field.sent('restarted', before + 50);
        }
      },
      async (field) => {
        const { states } = await field.audit('restarted', ROWS);
        expect(states.sent).toBe(ROWS);
      },
    );
  }, 200_000);

  it('is full for a while: nothing is sent without an intent, and then it goes on, nobody unknown', async () => {
    await inTheMiddle(
      'full',
      async (field) => {
        await field.client.config('SET', 'maxmemory', '1');
        await nothingIsSentFor(field, 4_000);
        await field.client.config('SET', 'maxmemory', '0');
      },
      async (field) => {
        const { states } = await field.audit('full', ROWS);
        expect(states.sent).toBe(ROWS);
      },
    );
  }, 200_000);

  it('loses all keys of the queue: the sweep repairs it from the ledger, nobody twice', async () => {
    let at = 0;
    await inTheMiddle(
      'jobless',
      async ({ client }) => {
        await client.del(await client.keys('fanmail:{queue}:*'));
        at = Date.now();
      },
      async (field) => {
        // To find out 15 s at most, beside the sending itself.
        expect(Date.now() - at).toBeLessThan(45_000);
        await field.audit('jobless', ROWS, { unknown: WIRE });
      },
    );
  }, 200_000);
});

describe.concurrent('what only the ledger can decide', () => {
  it('the rows of a chunk are gone: those are failed as data-lost, the campaign ends and says so', async () => {
    const field = await newField();
    try {
      await field.launch('rowless', 300);
      const nonce = await field.client.hget('fanmail:{rowless}:campaign', 'nonce');
      expect(await field.client.del(`fanmail:{rowless}:${nonce}:rows:1`)).toBe(1);
      await field.workers({ processes: 1 });
      await field.ended('rowless');
      const rows = readResults(join(field.place.folder, 'fanmail-results/rowless/results.csv'));
      expect(rows.slice(100, 200).map(({ email, state }) => `${email}${state}`)).toEqual(Array(100).fill('failed'));
      const record = readRecord(field.record);
      const others = rows.filter((_, i) => i < 100 || i >= 200);
      expect(others.every(({ email, state }) => state === 'sent' && record.get(email)?.accepted === 1)).toBe(true);
      const summary = field.place.read<{ reasons: object; states: object }>('fanmail-results/rowless/summary.json');
      expect(summary.reasons).toEqual({ 'data-lost': 100 });
      expect(summary.states).toMatchObject({ sent: 200, failed: 100, unknown: 0 });
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('the states of a chunk are gone: those are unknown, nobody gets a second copy, the campaign ends and says so', async () => {
    const field = await newField({ delayMs: 20 });
    try {
      await field.launch('stateless', 300);
      const nonce = await field.client.hget('fanmail:{stateless}:campaign', 'nonce');
      expect(await field.client.del(`fanmail:{stateless}:${nonce}:states:1`)).toBe(1);
      await field.workers({ processes: 1 });
      await until(async () => ((await field.phase('stateless')) === 'completed' ? true : null), 'the end');
      const { states, reasons } = await field.audit('stateless', 300, { unknown: 100 });
      expect(states).toMatchObject({ sent: 200, unknown: 100 });
      expect(reasons).toEqual({ 'data-lost': 100 });
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('Redis comes back with an older file: the campaign pauses, verify finds it, and resumed it loses nobody', async () => {
    const field = await newField({ delayMs: 60 });
    const { redis } = field;
    const [files, older] = ['appendonlydir', 'older'].map((name) => join(dirname(redis.path), name)) as [
      string,
      string,
    ];
    try {
      await field.launch('older', ROWS);
      await field.workers({ processes: PROCESSES, connections: CONNECTIONS });
      await field.sent('older', 200);
      cpSync(files, older, { recursive: true });
      await field.sent('older', 500);
      await redis.kill();
      rmSync(files, { recursive: true });
      cpSync(older, files, { recursive: true });
      await redis.start();
      const hash = () => field.client.hgetall('fanmail:{older}:campaign');
      const { paused } = await until(async () => {
        const fields = await hash();
        return fields.paused ? fields : null;
      }, 'the pause');
      expect(paused).toContain('Redis went back');
      await nothingIsSentFor(field, 2_000);
      const { out, code } = await field.place.run(['verify', 'older']);
      expect(out).toMatch(/WRONG +history +Redis forgot at least \d+ outcomes/);
      expect(code).toBe(1);
      expect((await field.place.run(['resume', 'older'])).code).toBe(0);
      // Counters went back, so that they can't be held against the copies.
      await field.ended('older');
      const forgotten = Number((await hash()).forgotten);
      expect(forgotten).toBeGreaterThan(200);
      const { states } = await field.audit('older', ROWS, { unknown: 2 * WIRE, secondCopies: forgotten + 2 * WIRE });
      expect(states.sent).toBeGreaterThanOrEqual(ROWS - 2 * WIRE);
      expect((await field.place.run(['verify', 'older'])).code).toBe(1);
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('a campaign of another format is left alone, the other one ends, and so does the first when it is known again', async () => {
    const field = await newField();
    try {
      await field.launch('future', 300);
      await field.client.hset('fanmail:{future}:campaign', 'format', 99);
      await field.launch('today', 300);
      await field.workers({ processes: 2 });
      await field.ended('today');
      await field.audit('today', 300);
      expect(await field.client.hmget('fanmail:{future}:campaign', 'phase', 'format')).toEqual(['queued', '99']);
      expect(await field.count('future', 'pending')).toBe(300);
      const got = [...readRecord(field.record).keys()].filter((email) => email.includes('@future.'));
      expect(got).toEqual([]);
      await field.client.hset('fanmail:{future}:campaign', 'format', FORMAT);
      await field.ended('future');
      const notices = () => readRecord(field.record).get(OPERATOR)?.accepted ?? 0;
      await until(async () => (notices() >= 2 ? true : null), 'both notices');
      expect(notices()).toBe(2);
    } finally {
      await field.clear();
    }
  }, 200_000);
});
