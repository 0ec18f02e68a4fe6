import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Recipient } from '../../src/domain/recipient.js';
import type { ChunkWorkerPorts } from '../../src/pipeline/chunk-ports.js';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import type { Suppression } from '../../src/pipeline/suppression-ports.js';
import { watchSuppression } from '../../src/pipeline/suppression-watch.js';
import { chunkKeys } from '../../src/redis/keys.js';
import { createSuppression } from '../../src/redis/suppression/store.js';
import { assertBalanced, bytesOf, recordOf, type Staged, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, composer, DROPPED, keptLog, refOf, refusedWith, ScriptedRelay, SENT, UNANSWERED } from './fixture.js';

let server: TestRedis;
let redis: Redis;
let list: Suppression;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
beforeEach(async () => {
  await redis.flushall();
  list = createSuppression(redis);
});
afterAll(() => server.stop());

let port = 3_000;
const open = (how: Parameters<typeof sending>[1] = {}) => {
  const relay = { host: '127.0.0.1', port: port++, security: 'plain' as const, user: null };
  return sending(redis, { chunks: 1, perChunk: 6, relay, retryScheduleMs: [5], ...how });
};
const to = (...numbers: number[]) => numbers.map((n) => `r${n}@example.org`);

/** A watch that tells when the test says so, and resolves when all that was told has been asked and settled. */
function toldWatch() {
  const watch = watchSuppression(list, keptLog());
  const lookers = new Set<() => void>();
  let asked: Promise<unknown> = Promise.resolve();
  const suppression: ChunkWorkerPorts['suppression'] = {
    ...watch,
    check(addresses, topic) {
      const answer = watch.check(addresses, topic);
      asked = answer.then(() => new Promise(setImmediate));
      return answer;
    },
    subscribe(look) {
      lookers.add(look);
      return () => void lookers.delete(look);
    },
  };
  const changed = async () => {
    for (const look of lookers) look();
    await asked;
  };
  return { suppression, changed, lookers };
}

async function run(staged: Staged, relay: ScriptedRelay, more: Partial<ChunkWorkerPorts> = {}) {
  const { ports, signals } = bench(redis, relay, more);
  const end = await runChunk(refOf(staged), ports, signals);
  await assertBalanced(staged);
  return { end, ports };
}

describe('a recipient on the suppression list', () => {
  it('is never begun, and the chunk ends without it', async () => {
    const staged = await open();
    await list.add(to(1, 4), null, 'manual');
    const relay = new ScriptedRelay();
    const composed: string[] = [];
    const watched = {
      compose(recipient: Recipient) {
        composed.push(recipient.address);
        return composer.compose(recipient);
      },
    };
    expect((await run(staged, relay, { composer: () => watched })).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SXSSXS');
    // Nor is its envelope offered to the relay.
    expect(composed).toEqual(to(0, 2, 3, 5));
    expect([...relay.handed].sort()).toEqual(to(0, 2, 3, 5));
    expect(await recordOf(staged, 1)).toMatchObject({ reason: 'suppressed', attempts: 0, code: 0 });
  });

  it('for a topic is left out of campaigns about it, and of no other', async () => {
    await list.add(to(0), 'news', 'unsubscribe');
    await list.add(to(1), 'offers', 'unsubscribe');
    await list.add(to(2), null, 'bounce');
    for (const [topic, bytes] of [
      ['news', 'XSXSSS'],
      [null, 'SSXSSS'],
      ['events', 'SSXSSS'],
    ] as const) {
      const staged = await open({ topic });
      await run(staged, new ScriptedRelay());
      expect(await bytesOf(staged), String(topic)).toBe(bytes);
    }
  });

  it('may be all of a chunk: nothing is taken from the relay', async () => {
    const staged = await open();
    await list.add(to(0, 1, 2, 3, 4, 5), null, 'manual');
    const relay = new ScriptedRelay();
    relay.fault = { cause: 'unreachable', why: 'refused', misconfigured: false };
    expect((await run(staged, relay)).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('XXXXXX');
  });

  it('that waits for a retry ends suppressed, and not when it would be due', async () => {
    const staged = await open({ retryScheduleMs: [3_600_000] });
    const relay = new ScriptedRelay((message) => (message.to === 'r2@example.org' ? refusedWith(451) : SENT));
    expect((await run(staged, relay)).end).toMatchObject({ kind: 'later' });
    await list.add(to(2), null, 'manual');
    expect((await run(staged, relay)).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSXSSS');
    expect(await recordOf(staged, 2)).toMatchObject({ reason: 'suppressed', attempts: 1, code: 451 });
  });

  it('that may have got the message already stays unknown: suppressed would say that it did not', async () => {
    const staged = await open({ onUnknown: 'resend', attempts: 3 });
    const relay = new ScriptedRelay((message) => (message.to === 'r2@example.org' ? UNANSWERED : SENT));
    expect((await run(staged, relay)).end).toMatchObject({ kind: 'later' });
    await list.add(to(2), null, 'manual');
    expect((await run(staged, relay)).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSUSSS');
    expect(relay.handed.filter((address) => address === 'r2@example.org')).toHaveLength(1);
  });

  it('whose message can’t be composed is suppressed, not failed', async () => {
    const staged = await open({ perChunk: 2 });
    await list.add(to(1), null, 'manual');
    const broken = {
      compose: (recipient: Recipient) => {
        if (recipient.address.startsWith('r1')) throw new Error('no such helper');
        return composer.compose(recipient);
      },
    };
    await run(staged, new ScriptedRelay(), { composer: () => broken });
    expect(await bytesOf(staged)).toBe('SX');
  });
});

describe('the suppression list, changed while a chunk is sent', () => {
  it('counts for all that has not been begun', async () => {
    const staged = await open();
    const { suppression, changed, lookers } = toldWatch();
    const relay = new ScriptedRelay(async (message) => {
      if (message.to === 'r1@example.org') {
        await list.add(to(0, 1, 4, 5), null, 'unsubscribe');
        await changed();
      }
      return SENT;
    }, 1);
    expect((await run(staged, relay, { suppression })).end).toEqual({ kind: 'done' });
    // On the wire was 1, and 2 had its envelope behind it.
    expect(await bytesOf(staged)).toBe('SSSSXX');
    expect(relay.handed).toEqual(to(0, 1, 2, 3));
    expect(lookers.size).toBe(0);
  });

  it('counts for one whose envelope waits behind another message, too', async () => {
    const staged = await open();
    const { suppression, changed } = toldWatch();
    const relay = new ScriptedRelay(async (message) => {
      if (message.to === 'r1@example.org') {
        await list.add(to(2), null, 'unsubscribe');
        await changed();
      }
      return SENT;
    }, 1);
    expect((await run(staged, relay, { suppression })).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSXSSS');
    expect([...relay.handed].sort()).toEqual(to(0, 1, 3, 4, 5));
    expect(relay.taken).toBe(0);
  });

  it('counts for one that comes back from a broken connection', async () => {
    const staged = await open();
    const { suppression, changed } = toldWatch();
    const relay = new ScriptedRelay(async (message) => {
      if (message.to !== 'r0@example.org') return SENT;
      await list.add(to(0), null, 'unsubscribe');
      await changed();
      return DROPPED;
    }, 1);
    expect((await run(staged, relay, { suppression })).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('XSSSSS');
    expect(relay.handed.filter((address) => address === 'r0@example.org')).toHaveLength(1);
  });

  it('is looked at by the process on its own, about once a second', async () => {
    const staged = await open({ perChunk: 3 });
    let looked = () => {};
    const look = new Promise<void>((resolve) => {
      looked = resolve;
    });
    const watch = watchSuppression(list, keptLog());
    let asked = 0;
    const suppression: ChunkWorkerPorts['suppression'] = {
      ...watch,
      async check(addresses, topic) {
        const answer = await watch.check(addresses, topic);
        // The first is the one before the chunk begins.
        if (++asked > 1 && answer.length > 0) setImmediate(looked);
        return answer;
      },
    };
    const relay = new ScriptedRelay(async (message) => {
      if (message.to === 'r0@example.org') {
        await list.add(to(2), null, 'unsubscribe');
        await look;
      }
      return SENT;
    }, 1);
    expect((await run(staged, relay, { suppression })).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSX');
  });
});

describe('a suppression list that can’t be asked', () => {
  it('lets nothing begin; the chunk waits and goes on later', async () => {
    const staged = await open();
    const watch = watchSuppression(list, keptLog());
    const relay = new ScriptedRelay();
    const suppression = { ...watch, check: async () => Promise.reject(new Error('BUSY a script')) };
    const { end } = await run(staged, relay, { suppression });
    expect(end).toMatchObject({ kind: 'later', why: expect.stringContaining('BUSY') });
    expect(relay.handed).toEqual([]);
    expect(await bytesOf(staged)).toBe('PPPPPP');
    expect((await run(staged, relay)).end).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSSSSS');
  });

  it('in the middle of a chunk stops it there, with what is on the wire settled', async () => {
    const staged = await open();
    const { suppression, changed } = toldWatch();
    const check = suppression.check;
    let broken = false;
    const failing: typeof suppression = {
      ...suppression,
      check: (...asked) => (broken ? Promise.reject(new Error('OOM')) : check(...asked)),
    };
    const relay = new ScriptedRelay(async (message) => {
      if (message.to === 'r1@example.org') {
        broken = true;
        await changed();
        await new Promise(setImmediate);
      }
      return SENT;
    }, 1);
    expect((await run(staged, relay, { suppression: failing })).end).toMatchObject({ kind: 'later' });
    expect(await bytesOf(staged)).toBe('SSPPPP');
  });
});

describe('a relay that says that there is no such address', () => {
  it.each([
    ['5.1.1', refusedWith(550, [1, 1]), 'suppress', true],
    ['5.1.10', refusedWith(556, [1, 10]), 'suppress', true],
    ['5.1.1, of a campaign that keeps them', refusedWith(550, [1, 1]), 'keep', false],
    ['5.7.1', refusedWith(554, [7, 1]), 'suppress', false],
    ['5.2.2, a full mailbox', refusedWith(552, [2, 2]), 'suppress', false],
    ['4.1.1, for now', refusedWith(450, [1, 1]), 'suppress', false],
    ['550 alone', refusedWith(550), 'suppress', false],
  ] as const)('by %s: the address is suppressed for all, or not', async (_what, outcome, onDead, expected) => {
    const staged = await open({ perChunk: 2, onDead, attempts: 1 });
    const relay = new ScriptedRelay((message) => (message.to === 'r1@example.org' ? outcome : SENT));
    const { ports } = await run(staged, relay);
    expect(await bytesOf(staged)).toBe('SF');
    await ports.suppression.close();
    expect(await list.check(to(0, 1), 'any')).toEqual(expected ? [1] : []);
    const [item] = await createSuppression(redis).find('r1@example.org');
    expect(item?.why).toBe(expected ? 'bounce' : undefined);
  });

  it('is not in the way where the list can’t be changed: the recipient is failed', async () => {
    const staged = await open({ perChunk: 1, onDead: 'suppress' });
    const log = keptLog();
    const broken = { ...list, add: async () => Promise.reject(new Error('OOM')) };
    const suppression = watchSuppression(broken, log);
    await run(staged, new ScriptedRelay(() => refusedWith(550, [1, 1])), { suppression });
    await suppression.close();
    expect(await bytesOf(staged)).toBe('F');
    expect(log.lines).toMatchObject([{ level: 'warn' }]);
    expect(await redis.exists(chunkKeys(staged.id, staged.nonce, 0).records)).toBe(1);
  });
});
