import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CampaignOptions } from '../../src/domain/campaign.js';
import { UNLIMITED } from '../../src/domain/pace.js';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import { createPaceStore } from '../../src/redis/pace/store.js';
import { assertBalanced, bytesOf, recipients, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, refOf, refusedWith, routeTo, ScriptedRelay, SENT } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

let port = 4_000;

/** A chunk whose recipients are at these domains in turn, and a relay that notes when it was handed each. */
async function chunkAt(domains: readonly string[], count: number, options: Partial<CampaignOptions>, size = 10) {
  const relay = { host: '127.0.0.1', port: port++, security: 'plain' as const, user: null };
  const staged = await sending(redis, { chunks: 1, perChunk: count, relay, retryScheduleMs: [5], ...options });
  const people = recipients(count).map((person, n) => ({
    ...person,
    address: `r${n}@${domains[n % domains.length]}`,
  }));
  const times = new Map<string, number[]>();
  const scripted = new ScriptedRelay(({ to }) => {
    const domain = to.slice(to.indexOf('@') + 1);
    times.set(domain, [...(times.get(domain) ?? []), performance.now()]);
    return SENT;
  }, size);
  const own = bench(redis, scripted, {
    scratch: {
      recipients: async () => people,
      template: async () => ({ name: '', subject: '', html: null, text: '', digest: '' }),
      contents: async () => new Map(),
      hasContents: async () => true,
    },
  });
  return { staged, times, relay: scripted, ...own, timesOf: (domain: string) => times.get(domain) ?? [] };
}

/** The most that were handed over within any window of so many milliseconds. */
function mostWithin(times: readonly number[], ms: number): number {
  return Math.max(0, ...times.map((from) => times.filter((time) => time >= from && time < from + ms).length));
}

const limited = (group: string, perSecond: number | null, connections: number | null = null) => ({
  pace: { ...UNLIMITED, domains: { [group]: { perSecond, connections } } },
});

it('a throttled domain does not hold up others in the same chunk', async () => {
  const { staged, ports, signals, timesOf } = await chunkAt(
    ['gmail.com', 'a.test', 'b.test', 'googlemail.com'],
    60,
    limited('gmail.com', 40),
  );
  const from = performance.now();
  expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
  expect(await bytesOf(staged)).toBe('S'.repeat(60));
  await assertBalanced(staged);
  const others = [...timesOf('a.test'), ...timesOf('b.test')];
  expect(others).toHaveLength(30);
  const google = [...timesOf('gmail.com'), ...timesOf('googlemail.com')].sort((a, b) => a - b);
  expect(google).toHaveLength(30);
  // 30 at 40 a second take 725 ms, and the others wait for none of that.
  expect(Math.max(...others) - from).toBeLessThan((google.at(-1) ?? 0) - from - 300);
  expect((google.at(-1) ?? 0) - (google[0] ?? 0)).toBeGreaterThan(29 * 25 - 60);
  expect(mostWithin(google, 100)).toBeLessThanOrEqual(40 * 0.1 + 3);
});

it('the campaign’s rate holds for all domains together', async () => {
  const { staged, ports, signals, times } = await chunkAt(['a.test', 'b.test', 'c.test'], 60, {
    pace: { ...UNLIMITED, perSecond: 100 },
  });
  expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
  const all = [...times.values()].flat().sort((a, b) => a - b);
  expect(all).toHaveLength(60);
  expect((all.at(-1) ?? 0) - (all[0] ?? 0)).toBeGreaterThan(590 - 60);
  expect(mostWithin(all, 200)).toBeLessThanOrEqual(100 * 0.2 + 5);
});

it('a relay’s rate holds for all campaigns together', async () => {
  const first = await chunkAt(['a.test'], 40, {});
  const { relay } = first.staged.options;
  await createPaceStore(redis).limitRelay(relay, 100);
  const second = await chunkAt(['b.test'], 40, { relay });
  await Promise.all([first, second].map(({ staged, ports, signals }) => runChunk(refOf(staged), ports, signals)));
  const all = [...first.timesOf('a.test'), ...second.timesOf('b.test')].sort((a, b) => a - b);
  expect(all).toHaveLength(80);
  expect((all.at(-1) ?? 0) - (all[0] ?? 0)).toBeGreaterThan(790 - 60);
});

it('no more messages to a domain are under way than allowed', async () => {
  const { staged, ports, signals } = await chunkAt(['gmail.com', 'a.test'], 40, limited('gmail.com', null, 3));
  let [underway, most] = [0, 0];
  const slow = new ScriptedRelay(async ({ to }) => {
    if (!to.endsWith('gmail.com')) return SENT;
    most = Math.max(most, ++underway);
    await new Promise((resolve) => setTimeout(resolve, 10));
    underway--;
    return SENT;
  }, 10);
  expect(await runChunk(refOf(staged), { ...ports, routes: (campaign) => [routeTo(campaign, slow)] }, signals)).toEqual(
    { kind: 'done' },
  );
  expect(await bytesOf(staged)).toBe('S'.repeat(40));
  expect(most).toBe(3);
});

it('throttling uses no attempt, and slows its domain down for everybody', async () => {
  const { staged, ports, signals, relay } = await chunkAt(['gmail.com', 'a.test'], 400, { attempts: 1 });
  let taken = 0;
  const google: number[] = [];
  const strict = new ScriptedRelay(async ({ to }) => {
    if (to.endsWith('gmail.com')) google.push(performance.now());
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (to.endsWith('a.test')) return SENT;
    return ++taken > 20 ? refusedWith(421, [7, 28]) : SENT;
  }, 10);
  const run = runChunk(
    refOf(staged),
    { ...ports, routes: (campaign) => [routeTo(campaign, strict)] },
    { ...signals, aside: () => null },
  );
  expect(await run).toMatchObject({ kind: 'later' });
  await assertBalanced(staged);
  const states = await bytesOf(staged);
  expect(states.replace(/[^F]/g, '')).toBe('');
  expect([...states].filter((state, n) => n % 2 === 1 && state === 'S')).toHaveLength(200);
  // For a quarter of a second it is looked how much the relay takes: 20, of about 60. That is 80 a second at most, and cut later.
  const later = google.filter((at) => at > (google[0] ?? 0) + 700);
  expect(later.length).toBeGreaterThan(0);
  expect(mostWithin(later, 250)).toBeLessThan(32);
  const { slow } = await createPaceStore(redis).state(staged.options.relay);
  expect(slow.map(({ group }) => group)).toEqual(['gmail.com']);
  expect(relay.handed).toEqual([]);
});

it('a chunk that waits for its pace leaves its place to others, and is left where there is no room', async () => {
  const { staged, ports, signals } = await chunkAt(['gmail.com'], 20, limited('gmail.com', 10));
  const end = await runChunk(refOf(staged), ports, { ...signals, aside: () => null });
  expect(end).toMatchObject({ kind: 'later', why: 'recipients wait for their pace' });
  expect(end.kind === 'later' ? end.delayMs : 0).toBeGreaterThan(1_000);
  const states = await bytesOf(staged);
  expect(states).toMatch(/^S*P+$/);
  let [asides, backs] = [0, 0];
  const aside = () => {
    asides++;
    return () => void backs++;
  };
  expect(await runChunk(refOf(staged), ports, { ...signals, aside })).toEqual({ kind: 'done' });
  expect([asides, backs]).toEqual([1, 1]);
}, 20_000);

it('a chunk that waits aside stops at once when told', async () => {
  const { staged, ports, signals, quiet } = await chunkAt(['gmail.com'], 20, limited('gmail.com', 1));
  const aside = () => {
    setTimeout(() => quiet.abort(), 50);
    return () => {};
  };
  const from = performance.now();
  expect(await runChunk(refOf(staged), ports, { ...signals, aside })).toEqual({ kind: 'hand-back' });
  expect(performance.now() - from).toBeLessThan(1_500);
  await assertBalanced(staged);
});

it('while the breaker is half open one connection tries, and the others follow when it has answered', async () => {
  const { staged, ports, signals } = await chunkAt(['a.test'], 60, {});
  const breakerKey = `fanmail:relay:127.0.0.1:${staged.options.relay.port}:`;
  await ports.breaker.fault(staged.options.relay, { cause: 'unreachable', why: 'x', misconfigured: false });
  await redis.hset(breakerKey, 'until', 1);
  const taken: number[] = [];
  const relay: ScriptedRelay = new ScriptedRelay(async () => {
    taken.push(relay.taken);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return SENT;
  }, 8);
  expect(
    await runChunk(refOf(staged), { ...ports, routes: (campaign) => [routeTo(campaign, relay)] }, signals),
  ).toEqual({ kind: 'done' });
  expect(taken[0]).toBe(1);
  expect(Math.max(...taken)).toBe(8);
  expect(await redis.exists(breakerKey)).toBe(0);
});
