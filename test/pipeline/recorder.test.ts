import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Verdict } from '../../src/domain/verdict.js';
import type { ChunkLedger, ClaimedChunk } from '../../src/pipeline/ports.js';
import { createRecorder, type Recorder } from '../../src/pipeline/recorder.js';
import { createChunkLedger } from '../../src/redis/ledger/chunks.js';
import { assertBalanced, bytesOf, claimed, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { keptLog } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const SENT: Verdict = {
  ...{ verb: 'sent', reason: 'none', reply: { code: 250, text: 'ok' } },
  ...{ replyClass: null, latencyMs: 1, delayMs: 0 },
};

/** A ledger, and what it is told, in order. */
function noted() {
  const ledger = createChunkLedger(redis);
  const calls: string[] = [];
  const through: ChunkLedger = {
    ...ledger,
    turn: (chunk, settlements, indices) => {
      calls.push(`${chunk.chunk}: ${settlements.map((one) => one.index).join(' ')}, then ${indices.join(' ')}`);
      return ledger.turn(chunk, settlements, indices);
    },
  };
  return { ledger: through, calls };
}

function sent(recorder: Recorder, chunk: ClaimedChunk, index: number): Promise<boolean> {
  return new Promise((done) => recorder.settle(chunk, { index, verdict: SENT }, done));
}

it('records what a turn brings in one call a chunk, all outcomes before all intents', async () => {
  const staged = await sending(redis, { chunks: 2, perChunk: 4 });
  const [a, b] = [await claimed(staged, 0), await claimed(staged, 1)];
  const { ledger, calls } = noted();
  const recorder = createRecorder(ledger, keptLog());
  const begun = await Promise.all([recorder.begin(a, 0), recorder.begin(b, 2), recorder.begin(a, 1)]);
  expect(begun.map((intent) => intent.kind)).toEqual(['granted', 'granted', 'granted']);
  const turn = [
    recorder.begin(a, 2),
    sent(recorder, a, 0),
    recorder.begin(b, 3),
    sent(recorder, b, 2),
    sent(recorder, a, 1),
  ];
  await Promise.all(turn);
  expect(calls).toEqual(['0: , then 0 1', '1: , then 2', '0: 0 1, then ', '1: 2, then 3', '0: , then 2']);
  expect(await bytesOf(staged)).toBe('SSIPPPSI');
  await assertBalanced(staged);
});

it('tells what the ledger did not grant, and why', async () => {
  const staged = await sending(redis, { chunks: 1, perChunk: 3 });
  const chunk = await claimed(staged);
  const recorder = createRecorder(createChunkLedger(redis), keptLog());
  await recorder.begin(chunk, 0);
  await sent(recorder, chunk, 0);
  expect(await Promise.all([recorder.begin(chunk, 0), recorder.begin(chunk, 1)])).toEqual([
    { kind: 'not-granted' },
    { kind: 'granted' },
  ]);
  await claimed(staged);
  expect(await recorder.begin(chunk, 2)).toEqual({ kind: 'stopped', why: 'fenced' });
  expect(await sent(recorder, chunk, 1)).toBe(false);
});
