import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/domain/schedule.js';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import { coordinate } from '../../src/pipeline/coordinator.js';
import { LONGEST_SLEEP_MS, untilOpen } from '../../src/pipeline/timing.js';
import { createWake } from '../../src/queue/wake.js';
import { campaignKeys, QUEUE_PREFIX } from '../../src/redis/keys.js';
import { bytesOf, campaignOf, claimed, type Staged, sealed, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { type Bench, bench, keptLog, refOf, refusedWith, ScriptedRelay, SENT } from './fixture.js';

const DAY = 86_400_000;
/** Far enough away that no test is so slow. */
const FAR = Date.now() + 7 * DAY;
const ALWAYS: Schedule['hours'] = { windows: [{ days: [], from: 0, to: 1440 }], zone: 'Europe/Paris' };

let server: TestRedis;
let redis: Redis;
let wake: ReturnType<typeof createWake>;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
  wake = createWake(redis, QUEUE_PREFIX);
});
afterAll(async () => {
  await wake.close();
  await server.stop();
});

/** A relay of its own for each campaign, or their breakers would meet. */
let port = 5_000;
const own = () => ({ relay: { host: '127.0.0.1', port: port++, security: 'plain' as const, user: null } });
const say = (staged: Staged, ...fields: (string | number)[]) => redis.hset(campaignKeys(staged.id).campaign, ...fields);
const run = (staged: Staged, { ports, signals }: Bench, chunk = 0) => runChunk(refOf(staged, chunk), ports, signals);

describe('how long a campaign waits that may not send', () => {
  it('is what the ledger says, and nothing is said to it, as long as its span is to come', async () => {
    const staged = await sealed(redis, { schedule: { at: FAR, hours: ALWAYS }, chunks: 1 });
    const before = await campaignOf(staged);
    expect(await untilOpen(before, { kind: 'closed', waitMs: 5, now: FAR - 5 }, staged.campaigns)).toBe(5);
    expect(await campaignOf(staged)).toEqual(before);
  });

  it('is found out once, whoever asks: the others hear the same', async () => {
    const hours = { windows: [{ days: [], from: 0, to: 1 }], zone: 'UTC' };
    const staged = await sending(redis, { schedule: { at: null, hours }, giveUpMs: 30 * DAY, chunks: 1 });
    await say(staged, 'opensAt', 1, 'closesAt', 2);
    const seen = await campaignOf(staged);
    const now = Math.floor(Date.now() / DAY) * DAY + 3_600_000;
    const closed = { kind: 'closed', waitMs: 0, now } as const;
    const all = await Promise.all(Array.from({ length: 8 }, () => untilOpen(seen, closed, staged.campaigns)));
    expect(new Set(all)).toEqual(new Set([DAY - 3_600_000]));
    expect(await campaignOf(staged)).toMatchObject({ opensAt: now + DAY - 3_600_000 });
  });
});

describe('a campaign whose time is far away', () => {
  it('is looked at again long before, so that nobody who is told to go on oversleeps it', async () => {
    const staged = await sealed(redis, { ...own(), schedule: { at: FAR, hours: null }, giveUpMs: DAY });
    const ports = { campaigns: staged.campaigns, wake, log: keptLog() };
    expect(await coordinate(staged.id, 1, ports)).toEqual({ kind: 'later', delayMs: LONGEST_SLEEP_MS });
    expect((await campaignOf(staged)).phase).toBe('queued');
    // Nobody woke it up, and the next look finds it.
    await staged.campaigns.control(staged.id, 'release', 'ada', '');
    expect(await coordinate(staged.id, 1, ports)).toEqual({ kind: 'done' });
    expect((await campaignOf(staged)).phase).toBe('sending');
  });

  it('comes back when it opens, where that is soon', async () => {
    const staged = await sealed(redis, { ...own(), schedule: { at: Date.now() + 60_000, hours: null } });
    const end = await coordinate(staged.id, 1, { campaigns: staged.campaigns, wake, log: keptLog() });
    if (end.kind === 'done') throw new Error('it began');
    expect(end.delayMs).toBeGreaterThan(30_000);
    expect(end.delayMs).toBeLessThanOrEqual(60_000);
  });
});

describe('a chunk', () => {
  it('waits for its hours, hands nothing over, and says when these are where they have passed', async () => {
    const hours = { windows: [{ days: [], from: 0, to: 1440 }], zone: 'UTC' };
    const staged = await sending(redis, { ...own(), schedule: { at: null, hours }, giveUpMs: 30 * DAY, chunks: 1 });
    const relay = new ScriptedRelay();
    const place = bench(redis, relay);
    await say(staged, 'opensAt', FAR, 'closesAt', FAR + 1);
    const later = { kind: 'later', delayMs: LONGEST_SLEEP_MS, why: 'not its time' };
    expect(await run(staged, place)).toEqual(later);
    await say(staged, 'opensAt', 1, 'closesAt', 2);
    // They are at any time, so the next ones begin now.
    expect(await run(staged, place)).toEqual({ kind: 'later', delayMs: 0, why: 'not its time' });
    expect(relay.handed).toEqual([]);
    expect(await run(staged, place)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSS');
  });

  it('finishes what is on the wire when its hours end, and begins nobody else', async () => {
    const hours = { windows: [{ days: [], from: 0, to: 1440 }], zone: 'UTC' };
    const staged = await sending(redis, { ...own(), schedule: { at: null, hours }, giveUpMs: 30 * DAY, chunks: 1 });
    const relay = new ScriptedRelay(async () => {
      if (relay.handed.length === 1) await say(staged, 'opensAt', FAR, 'closesAt', FAR + 1);
      return SENT;
    }, 1);
    const place = bench(redis, relay);
    expect(await run(staged, place)).toEqual({ kind: 'later', delayMs: 1_000, why: 'waits' });
    expect(relay.handed).toEqual(['r0@example.org']);
    expect(await bytesOf(staged)).toBe('SPP');
    expect(await run(staged, place)).toMatchObject({ kind: 'later', why: 'not its time' });
  });

  it('sends its part of the canary and waits; when the hold is over it lets it be judged, and all that wait wake up', async () => {
    const canary = { share: 0.25, holdMs: 3_600_000, abortAbove: 0.5 };
    const staged = await sending(redis, { ...own(), canary, perChunk: 4, chunks: 2 });
    const relay = new ScriptedRelay();
    const promoted: string[] = [];
    const place = bench(redis, relay, { promote: async ({ id }) => void promoted.push(id) });
    expect(await run(staged, place)).toMatchObject({ kind: 'later', delayMs: 60_000 });
    expect(await run(staged, place)).toMatchObject({ kind: 'later', why: 'only the canary is sent' });
    expect(await run(staged, place, 1)).toMatchObject({ kind: 'later', delayMs: LONGEST_SLEEP_MS });
    expect(relay.handed).toEqual(['r0@example.org', 'r4@example.org']);
    await say(staged, 'holdUntil', 1);
    expect(await run(staged, place)).toEqual({ kind: 'hand-back' });
    expect(promoted).toEqual([staged.id]);
    for (const chunk of [0, 1]) expect(await run(staged, place, chunk)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSSSSSSS');
    expect(relay.handed).toHaveLength(8);
  });

  it('of a canary that fails is skipped, all but the canary', async () => {
    const canary = { share: 0.5, holdMs: 3_600_000, abortAbove: 0 };
    const staged = await sending(redis, { ...own(), canary, perChunk: 4, chunks: 2 });
    const relay = new ScriptedRelay(({ to }) => (to === 'r4@example.org' ? refusedWith(550, [1, 1]) : SENT));
    const place = bench(redis, relay);
    for (const chunk of [0, 1]) await run(staged, place, chunk);
    await say(staged, 'holdUntil', 1);
    expect(await run(staged, place, 1)).toEqual({ kind: 'hand-back' });
    expect((await campaignOf(staged)).cancelled?.by).toBe('canary');
    for (const chunk of [0, 1]) expect(await run(staged, place, chunk)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('SSKKFSKK');
    expect(relay.handed).toHaveLength(4);
  });

  it('whose canary was on the wire of a worker that died goes on: it is unknown, and the hold begins', async () => {
    const canary = { share: 0.25, holdMs: 3_600_000, abortAbove: 0.5 };
    const staged = await sending(redis, { ...own(), canary, perChunk: 4, chunks: 1 });
    const chunk = await claimed(staged);
    await staged.ledger.turn(chunk, [], [0]);
    const relay = new ScriptedRelay();
    expect(await run(staged, bench(redis, relay))).toMatchObject({ kind: 'later', delayMs: LONGEST_SLEEP_MS });
    expect((await campaignOf(staged)).canary).toMatchObject({ kind: 'hold' });
    expect(relay.handed).toEqual([]);
    expect(await bytesOf(staged)).toBe('UPPP');
  });
});
