import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readRecord } from '../support/audit.js';
import { until } from '../support/cli.js';
import type { Scenario } from '../support/script-relay-main.js';
import type { Allowance } from './auditor.js';
import { childrenOf, type Field, newField, OPERATOR, signal, type WorkerShape } from './field.js';

const ALL = process.env.FAULTS === 'all';
const CONNECTIONS = 5;
if (!ALL) console.info('test/faults/slow.test.ts takes minutes and runs with FAULTS=all npx vitest run test/faults');

interface Story {
  readonly id: string;
  readonly rows?: number;
  readonly relay?: Omit<Scenario, 'record'>;
  readonly options?: readonly string[];
  readonly shape?: WorkerShape;
  readonly sent?: number;
  readonly allowed?: Allowance;
  act(field: Field, worker: { readonly pid?: number | undefined }): Promise<void>;
}

/** Launches, breaks something once so many are sent, waits for the end and audits. */
async function tell(story: Story) {
  const { id, rows = 1_200, relay = { delayMs: 60 }, options = [], shape = {}, sent = 100 } = story;
  const field = await newField(relay);
  try {
    await field.launch(id, rows, ...options);
    const running = await field.workers({ connections: CONNECTIONS, ...shape });
    await field.sent(id, sent);
    await story.act(field, running.child);
    await field.ended(id);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    return await field.audit(id, rows, story.allowed);
  } finally {
    await field.clear();
  }
}

const WIRE = 2 * CONNECTIONS;

describe.runIf(ALL)('Redis is away for longer than a lock lives', () => {
  it('full for 25 s: goes on, nobody twice', async () => {
    await tell({
      id: 'full',
      allowed: { unknown: WIRE },
      async act({ client }) {
        await client.config('SET', 'maxmemory', '1');
        await wait(25_000);
        await client.config('SET', 'maxmemory', '0');
      },
    });
  }, 180_000);

  it.each(['hold', 'resend'])(
    'silent for 25 s, with %s: goes on, with no more doubt than the wire',
    async (choice) => {
      await tell({
        id: 'silent',
        options: ['--on-unknown', choice],
        allowed: choice === 'hold' ? { unknown: WIRE } : { secondCopies: WIRE },
        async act({ redis }) {
          signal(redis.pid, 'SIGSTOP');
          await wait(25_000);
          signal(redis.pid, 'SIGCONT');
        },
      });
    },
    180_000,
  );

  it('down for 25 s: goes on, nobody twice', async () => {
    await tell({
      id: 'down',
      allowed: { unknown: WIRE },
      async act({ redis }) {
        await redis.kill();
        await wait(25_000);
        await redis.start();
      },
    });
  }, 180_000);
});

describe.runIf(ALL)('the queue loses single jobs', () => {
  it.each([
    ['the aggregator', 'steps:*.end'],
    ['all chunks, and not the sets that name them', 'chunks:*.c*'],
  ])(
    '%s: the campaign ends all the same',
    async (_, pattern) => {
      await tell({
        id: 'job',
        allowed: { unknown: WIRE },
        async act({ client }) {
          const keys = await client.keys(`fanmail:{queue}:${pattern}`);
          expect(keys.length).toBeGreaterThan(0);
          await client.del(keys);
        },
      });
    },
    180_000,
  );

  it('the lists and sets that say which job is where', async () => {
    await tell({
      id: 'sets',
      allowed: { unknown: WIRE },
      async act({ client }) {
        const names = ['wait', 'active', 'delayed', 'prioritized', 'waiting-children', 'stalled'];
        await client.del(names.flatMap((name) => [`fanmail:{queue}:chunks:${name}`, `fanmail:{queue}:steps:${name}`]));
      },
    });
  }, 180_000);
});

describe.runIf(ALL)('workers at the worst moment', () => {
  it('killed while the notice is on the wire: it is not sent a second time', async () => {
    const slow = { stage: 'message', pattern: '^operator@', action: { delayMs: 4_000 } } as const;
    const field = await newField({ faults: [slow] });
    try {
      await field.launch('notice', 300);
      const running = await field.workers({ processes: 1 });
      await until(async () => (field.faults() > 0 ? true : null), 'the notice');
      for (const pid of childrenOf(running.child)) signal(pid, 'SIGKILL');
      const open = () => field.client.sismember('fanmail:open', 'notice');
      await until(async () => ((await open()) === 0 ? true : null), 'the end of all', 90_000);
      expect(await field.client.hget('fanmail:{notice}:campaign', 'notice')).toContain('unknown');
      expect(readRecord(field.record).get(OPERATOR)?.accepted).toBe(1);
      await field.audit('notice', 300);
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('killed while it aggregates: another one writes the one summary', async () => {
    const field = await newField();
    try {
      await field.launch('half', 3_000);
      const running = await field.workers({ processes: 1 });
      const closed = async () => ((await field.phase('half')) === 'aggregating' ? true : null);
      await until(closed, 'the close');
      for (const pid of childrenOf(running.child)) signal(pid, 'SIGKILL');
      await field.ended('half');
      await field.audit('half', 3_000);
    } finally {
      await field.clear();
    }
  }, 200_000);

  it('frozen past the end of the campaign: thawed, it sends nothing more', async () => {
    await tell({
      id: 'late',
      rows: 1_000,
      allowed: { unknown: CONNECTIONS },
      async act(field, worker) {
        const [victim = 0] = childrenOf(worker);
        signal(victim, 'SIGSTOP');
        await field.ended('late').finally(() => signal(victim, 'SIGCONT'));
      },
    });
  }, 180_000);

  it('frozen past its lock with resend: nobody without a copy, at most the wire’s worth of second ones', async () => {
    await tell({
      id: 'thawed',
      rows: 2_500,
      options: ['--on-unknown', 'resend'],
      allowed: { secondCopies: CONNECTIONS },
      async act(_field, worker) {
        const [victim = 0] = childrenOf(worker);
        signal(victim, 'SIGSTOP');
        await wait(23_000);
        signal(victim, 'SIGCONT');
      },
    });
  }, 180_000);

  it('killed, and the campaign cancelled before anybody took over: the wire is unknown, the rest is skipped', async () => {
    const field = await newField({ delayMs: 60 });
    try {
      await field.launch('cancelled', 1_200);
      const running = await field.workers({ connections: CONNECTIONS });
      await field.sent('cancelled', 100);
      for (const pid of childrenOf(running.child)) signal(pid, 'SIGKILL');
      expect((await field.place.run(['cancel', 'cancelled'])).code).toBe(0);
      const over = async () => ((await field.phase('cancelled')) === 'cancelled' ? true : null);
      await until(over, 'the end of the cancelled campaign', 90_000);
      const { states } = await field.audit('cancelled', 1_200, { unknown: WIRE });
      expect(states.skipped).toBeGreaterThan(500);
    } finally {
      await field.clear();
    }
  }, 180_000);
});

describe.runIf(ALL)('Redis loses what it had acknowledged', () => {
  it('everything: nothing more is sent, and the workers stay', async () => {
    const field = await newField({ delayMs: 60 });
    try {
      await field.launch('flushed', 1_200);
      const running = await field.workers({ connections: CONNECTIONS });
      await field.sent('flushed', 100);
      await field.client.flushall();
      await wait(1_000);
      const before = readRecord(field.record).size;
      await wait(20_000);
      expect(readRecord(field.record).size).toBe(before);
      await field.launch('anew', 300);
      await field.ended('anew');
      await field.audit('anew', 300);
      running.child.kill('SIGTERM');
      expect((await running.ended).code).toBe(0);
    } finally {
      await field.clear();
    }
  }, 200_000);
});
