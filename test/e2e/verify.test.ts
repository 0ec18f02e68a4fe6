import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaignKeys, chunkKeys } from '../../src/redis/keys.js';
import type { Check } from '../../src/report/verify.js';
import { newPlace, type Place, startRelay } from '../support/cli.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

interface Verified {
  readonly holds: boolean;
  readonly phase: string;
  readonly checks: readonly Check[];
}

let server: TestRedis;
let redis: Redis;
let place: Place;
let relay: Awaited<ReturnType<typeof startRelay>>;
let results: string;

beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
  place = newPlace({ REDIS_URL: server.path });
  relay = await startRelay({ record: join(place.folder, 'record'), permanent: '^user7@' });
  const rows = Array.from({ length: 120 }, (_, i) => `user${i}@example.com,"Name, ${i}"`);
  writeFileSync(join(place.folder, 'people.csv'), ['email,first_name', ...rows, ''].join('\n'));
  const worker = place.start(['worker', '--processes', '1'], { SMTP_URL: relay.url });
  expect((await place.run(launch('whole', '--chunk-size', '50'))).code).toBe(3);
  worker.child.kill('SIGTERM');
  await worker.ended;
  results = join(place.folder, 'fanmail-results/whole/results.csv');
});
afterAll(async () => {
  await relay.stop();
  await place.clear();
  await server.stop();
});

function launch(id: string, ...more: string[]): string[] {
  const from = ['--template', 'notice', '--from', 'me@example.com', '--smtp', relay.url];
  return ['launch', 'people.csv', ...from, '--id', id, ...more];
}

async function verified(id: string): Promise<Verified & { readonly code: number | null }> {
  const { code, out } = await place.run(['verify', id, '--json']);
  return { ...(JSON.parse(out) as Verified), code };
}

const wrong = ({ checks }: Verified) => checks.filter((check) => check.holds === false).map((check) => check.name);

describe('verify', () => {
  it('proves a campaign that ended: balance, states, chunks and every line of the results', async () => {
    const { code, holds, checks } = await verified('whole');
    expect([code, holds]).toEqual([0, true]);
    expect(checks.map((check) => [check.name, check.holds])).toEqual([
      ['balance', true],
      ['final', true],
      ['chunks', true],
      ['history', true],
      ['results', true],
    ]);
    expect(checks[4]?.detail).toContain('all 120 lines');
    const spoken = await place.run(['verify', 'whole']);
    expect([spoken.code, spoken.out]).toEqual([0, expect.stringContaining('whole holds.')]);
  });

  it('proves what can be proved of one that is open, without results', async () => {
    expect((await place.run(launch('open', '--detach'))).code).toBe(0);
    const { code, checks, phase } = await verified('open');
    expect([code, phase]).toEqual([0, 'queued']);
    expect(checks.map((check) => check.holds)).toEqual([true, null, true, true, null]);
  });

  it('finds a counter that lies', async () => {
    await redis.hincrby(campaignKeys('whole').counters, 'sent', 1);
    const found = await verified('whole');
    expect([found.code, wrong(found)]).toEqual([1, ['balance']]);
    expect(found.checks[0]?.detail).toContain('sent is counted 120 and found 119');
    await redis.hincrby(campaignKeys('whole').counters, 'sent', -1);
  });

  it('finds a recipient whose state was changed, in the balance and in the results', async () => {
    const nonce = (await redis.hget(campaignKeys('whole').campaign, 'nonce')) ?? '';
    const { states } = chunkKeys('whole', nonce, 1);
    await redis.setrange(states, 3, 'P');
    const found = await verified('whole');
    expect([found.code, wrong(found)]).toEqual([1, ['balance', 'final', 'results']]);
    await redis.setrange(states, 3, '?');
    expect(wrong(await verified('whole'))).toEqual(['ledger']);
    await redis.setrange(states, 3, 'S');
    expect((await verified('whole')).holds).toBe(true);
  });

  it.each([
    ['a state', (text: string) => text.replace('user9@example.com,sent', 'user9@example.com,failed')],
    ['a missing line', (text: string) => text.replace(/user11@[^\n]*\n/, '')],
    ['a further line', (text: string) => `${text}one@example.com,sent,,1,,,,\n`],
    ['an address', (text: string) => text.replace('user12@', 'user13@')],
  ])('finds %s in the results file that the ledger does not say', async (_what, tamper) => {
    const text = readFileSync(results, 'utf8');
    expect(tamper(text)).not.toBe(text);
    writeFileSync(results, tamper(text));
    const found = await verified('whole');
    writeFileSync(results, text);
    expect([found.code, wrong(found)]).toEqual([1, ['results']]);
  });

  it('takes a late word in the results for what it is', async () => {
    const text = readFileSync(results, 'utf8');
    writeFileSync(results, text.replace(/^(user7@.*),reply,/m, '$1,late-sent,'));
    const found = await verified('whole');
    writeFileSync(results, text);
    expect(found.holds).toBe(true);
  });

  it('finds a chunk whose states are gone', async () => {
    const nonce = (await redis.hget(campaignKeys('whole').campaign, 'nonce')) ?? '';
    await redis.rename(chunkKeys('whole', nonce, 2).states, 'elsewhere');
    const found = await verified('whole');
    expect([found.code, wrong(found)]).toEqual([1, ['ledger']]);
    expect(found.checks[0]?.detail).toContain('chunk 2');
    await redis.rename('elsewhere', chunkKeys('whole', nonce, 2).states);
  });
});
