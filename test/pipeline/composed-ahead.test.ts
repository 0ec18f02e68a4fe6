import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import type { ChunkLedger } from '../../src/pipeline/ports.js';
import type { Composer, Relay } from '../../src/pipeline/relay-ports.js';
import { createChunkLedger } from '../../src/redis/ledger/chunks.js';
import { assertBalanced, bytesOf, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, composer as plain, refOf, ScriptedRelay, SENT } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

/** A ledger that is told of no intent before `go`, and says how many were asked for. */
function slowToGrant() {
  const ledger = createChunkLedger(redis);
  let [asked, go] = [0, () => {}];
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  const through: ChunkLedger = {
    ...ledger,
    turn: async (chunk, settlements, indices) => {
      asked += indices.length;
      if (indices.length > 0) await gone;
      return ledger.turn(chunk, settlements, indices);
    },
  };
  return { ledger: through, asked: () => asked, go };
}

/** Who was composed for, and whose message's memory was given back. */
function noted() {
  const [composed, done]: [string[], string[]] = [[], []];
  const composer: Composer = {
    compose: (recipient) => {
      composed.push(recipient.address);
      return { ...plain.compose(recipient), handedOver: () => void done.push(recipient.address) };
    },
  };
  return { composer: () => composer, composed, done };
}

const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise(setImmediate);
};

it('while an intent is being recorded the next message is composed, one for each connection, and none is offered', async () => {
  const staged = await sending(redis, { chunks: 1, perChunk: 6 });
  const { ledger, asked, go } = slowToGrant();
  const { composer, composed } = noted();
  const relay = new ScriptedRelay(undefined, 2);
  const { ports, signals } = bench(redis, relay, { ledger, composer });
  const run = runChunk(refOf(staged), ports, signals);
  while (asked() < 2) await turns(1);
  await turns(20);
  expect(composed).toEqual([0, 1, 2, 3].map((n) => `r${n}@example.org`));
  expect(asked()).toBe(2);
  expect(relay.handed).toEqual([]);
  expect(await bytesOf(staged)).toBe('PPPPPP');
  go();
  expect(await run).toEqual({ kind: 'done' });
  // Nobody is composed for twice.
  expect(composed).toHaveLength(6);
  expect(relay.handed.toSorted()).toEqual(composed.toSorted());
  expect(await bytesOf(staged)).toBe('SSSSSS');
});

it('what was composed ahead is put back where the chunk is left, with its memory, and is sent by whoever has it next', async () => {
  const staged = await sending(redis, { chunks: 1, perChunk: 4 });
  const { ledger, asked, go } = slowToGrant();
  const { composer, composed, done } = noted();
  const relay = new ScriptedRelay(undefined, 1);
  const { ports, signals, quiet } = bench(redis, relay, { ledger, composer });
  const run = runChunk(refOf(staged), ports, signals);
  while (asked() < 1) await turns(1);
  await turns(20);
  expect(composed).toEqual(['r0@example.org', 'r1@example.org']);
  quiet.abort();
  go();
  expect(await run).toEqual({ kind: 'hand-back' });
  // Its intent was asked for: it goes. The other one was nothing but composed.
  expect(await bytesOf(staged)).toBe('SPPP');
  expect(done).toEqual(['r1@example.org']);
  const again = bench(redis, relay);
  expect(await runChunk(refOf(staged), again.ports, again.signals)).toEqual({ kind: 'done' });
  expect(relay.handed).toEqual([0, 1, 2, 3].map((n) => `r${n}@example.org`));
  await assertBalanced(staged);
});

/** A relay none of whose connections may be kept for a second message. */
function notKept(inner: ScriptedRelay): Relay {
  return {
    async take(asker, signal) {
      const taken = await inner.take(asker, signal);
      if (taken.kind !== 'connections') return taken;
      return { ...taken, connections: taken.connections.map((one) => ({ ...one, mayKeep: () => false })) };
    },
    abandon: () => inner.abandon(),
    close: () => inner.close(),
  };
}

it('what was composed ahead on a connection that is not kept is sent on the next one', async () => {
  const staged = await sending(redis, { chunks: 1, perChunk: 3 });
  const { composer, composed, done } = noted();
  const relay = new ScriptedRelay(undefined, 1);
  const { ports, signals } = bench(redis, notKept(relay), { composer });
  expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
  expect(relay.handed).toEqual([0, 1, 2].map((n) => `r${n}@example.org`));
  expect(composed).toEqual([0, 1, 1, 2, 2].map((n) => `r${n}@example.org`));
  expect(done).toEqual([1, 2].map((n) => `r${n}@example.org`));
});

it('and does not wait for an answer that it is not behind', async () => {
  const staged = await sending(redis, { chunks: 1, perChunk: 3 });
  const relay: ScriptedRelay = new ScriptedRelay(async ({ to }) => {
    if (to === 'r0@example.org') await relay.reached(3);
    return SENT;
  }, 2);
  const { ports, signals } = bench(redis, notKept(relay));
  expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
  expect(await bytesOf(staged)).toBe('SSS');
});

it('who is suppressed while composed for gets nothing', async () => {
  const staged = await sending(redis, { chunks: 1, perChunk: 3 });
  const { ledger, asked, go } = slowToGrant();
  const { composer, composed } = noted();
  const relay = new ScriptedRelay(undefined, 1);
  const { ports, signals } = bench(redis, relay, { ledger, composer });
  const run = runChunk(refOf(staged), ports, signals);
  while (asked() < 1) await turns(1);
  await turns(20);
  expect(composed).toEqual(['r0@example.org', 'r1@example.org']);
  ports.suppression.dead('r1@example.org');
  while (!(await bytesOf(staged)).includes('X')) await turns(20);
  go();
  expect(await run).toEqual({ kind: 'done' });
  expect(relay.handed).toEqual(['r0@example.org', 'r2@example.org']);
  expect(await bytesOf(staged)).toBe('SXS');
});
