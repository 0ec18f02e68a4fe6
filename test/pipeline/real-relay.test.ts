import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import { createRelay } from '../../src/relay/pool.js';
import { parseRelayUrl } from '../../src/relay/url.js';
import { assertBalanced, bytesOf, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { type Action, type Stage, startScriptRelay } from '../support/script-relay.js';
import { bench, keptLog, refOf } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const later: Action = { reply: '451 4.3.0 later' };
const cut: Action = { pieces: [], after: 'destroy' };
const closing: Action = { reply: '421 4.3.0 closing' };
const nonsense: Action = { reply: '999 well' };

/** The lanes of a chunk over real connections, where the relay does now this and now that. */
it.each<[string, readonly Stage[], Action, string]>([
  ['refuses senders', ['mail'], later, ''],
  ['refuses recipients', ['rcpt'], later, ''],
  ['refuses to take content', ['data'], later, ''],
  ['refuses content', ['message'], later, ''],
  ['refuses at every stage', ['mail', 'rcpt', 'data', 'message'], later, ''],
  ['refuses at every stage, one command at a time', ['mail', 'rcpt', 'data', 'message'], later, '&pipelining=false'],
  ['ends sessions before the content', ['mail', 'rcpt', 'data'], closing, ''],
  ['answers nonsense before the content', ['mail', 'rcpt', 'data'], nonsense, ''],
  ['cuts connections before the content', ['mail', 'rcpt', 'data'], cut, ''],
  ['cuts connections at every stage', ['mail', 'rcpt', 'data', 'message'], cut, ''],
])(
  'a relay that %s now and then: the chunk ends, and the ledger says what the relay accepted',
  async (_what, stages, action, option) => {
    const relay = await startScriptRelay({
      behave: ({ stage }) => (stages.includes(stage) && Math.random() < 0.07 ? action : undefined),
    });
    const pool = createRelay(parseRelayUrl(`smtp://127.0.0.1:${relay.port}?tls=none${option}`), {
      connections: 4,
      messagesPerConnection: 50,
      log: keptLog(),
    });
    const identity = { host: '127.0.0.1', port: relay.port, security: 'plain', user: null } as const;
    const staged = await sending(redis, { chunks: 1, perChunk: 400, relay: identity, retryScheduleMs: [5] });
    const { ports, signals } = bench(redis, pool);
    await expect(runChunk(refOf(staged), ports, signals)).resolves.toBeDefined();
    const states = await bytesOf(staged);
    expect(states.replace(/[SDU]/g, '')).toBe('');
    const sent = states.replace(/[^S]/g, '').length;
    const unknown = states.replace(/[^U]/g, '').length;
    expect(sent).toBe(relay.accepted);
    expect(unknown > 0).toBe(action === cut && stages.includes('message'));
    await assertBalanced(staged);
    await pool.close();
    await relay.stop();
  },
  20_000,
);
