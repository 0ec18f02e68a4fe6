import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Schedule } from '../../../src/domain/schedule.js';
import { spanFrom } from '../../../src/domain/span.js';
import { openRound, planRetry } from '../../../src/pipeline/retrier.js';
import { untilOpen } from '../../../src/pipeline/timing.js';
import { CAMPAIGNS, campaignKeys, chunkKeys, OPEN_CAMPAIGNS, stagingKeys } from '../../../src/redis/keys.js';
import { createCampaigns } from '../../../src/redis/ledger/campaigns.js';
import { createStagingStore } from '../../../src/redis/ledger/staging.js';
import { CLOCK_MISSING, type HeldClock, heldClock } from '../../support/clock.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import {
  assertBalanced,
  begin,
  bytesOf,
  campaignOf,
  claimed,
  finishChunk,
  keysWithoutExpiry,
  OPTIONS,
  recordOf,
  type Staged,
  sealed,
  settle,
  TEMPLATE,
  totalsOf,
  verdict,
  writeChunk,
} from './fixture.js';

/** A Tuesday, in winter. */
const DAY = Date.UTC(2026, 11, 1);
const HOUR = 3_600_000;
const OFFICE: Schedule = {
  at: null,
  hours: { windows: [{ days: [1, 2, 3, 4, 5], from: 540, to: 1020 }], zone: 'Europe/Paris' },
};
/** 09:00 and 17:00 in Paris. */
const [OPENS, CLOSES] = [DAY + 8 * HOUR, DAY + 16 * HOUR];

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('a campaign that has its time', () => {
  let clock: HeldClock;
  let server: TestRedis;
  let redis: Redis;
  beforeAll(async () => {
    clock = heldClock(DAY);
    server = await freshRedis({ clock });
    redis = server.client();
  });
  afterAll(async () => {
    await server.stop();
    clock.remove();
  });

  it('starts not a millisecond before', async () => {
    clock.stop(DAY);
    const staged = await sealed(redis, { schedule: { at: DAY + HOUR, hours: null } });
    const { id, campaigns } = staged;
    expect(await campaigns.start(id, 1)).toEqual({ kind: 'closed', waitMs: HOUR, now: DAY });
    clock.stop(DAY + HOUR - 1);
    expect(await campaigns.start(id, 1)).toMatchObject({ kind: 'closed', waitMs: 1 });
    expect((await campaignOf(staged)).phase).toBe('queued');
    clock.advance(1);
    expect(await campaigns.start(id, 1)).toBe('ok');
    for (const chunk of [0, 1]) await finishChunk(staged, chunk);
    expect(await bytesOf(staged)).toBe('SSSSSS');
  });

  it('is given up so long after its time, and its retries are due after it, however far away it is', async () => {
    clock.stop(DAY);
    const at = DAY + 300 * 24 * HOUR;
    const staged = await sealed(redis, { schedule: { at, hours: null }, giveUpMs: HOUR, chunks: 1, attempts: 3 });
    expect(await campaignOf(staged)).toMatchObject({ sealedAt: DAY, openedAt: at, giveUpAt: at + HOUR, opensAt: at });
    clock.stop(at);
    expect(await staged.campaigns.start(staged.id, 1)).toBe('ok');
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1, 2]);
    clock.advance(1_000);
    await settle(staged.ledger, chunk, [
      { index: 0, verdict: verdict('deferred', { delayMs: 60_000 }) },
      { index: 1, verdict: verdict('sent') },
      { index: 2, verdict: verdict('sent') },
    ]);
    expect((await recordOf(staged, 0)).due).toBe(61_000);
    expect(await staged.ledger.finish(chunk)).toEqual({ kind: 'open', waitMs: 60_000 });
    clock.stop(at + HOUR);
    await claimed(staged);
    expect(await bytesOf(staged)).toBe('FSS');
  });

  it('keeps all that it needs in Redis until then, although no worker runs', async () => {
    clock.stop(DAY);
    // The times to live are counted by this machine's clock and kept by that of Redis, so they are asked for as spans.
    const at = Date.now() + 60 * 24 * HOUR;
    const staged = await sealed(redis, { schedule: { at, hours: null } });
    const { id, nonce } = staged;
    const keys = [
      stagingKeys(id, nonce).template(TEMPLATE.digest),
      chunkKeys(id, nonce, 0).rows,
      chunkKeys(id, nonce, 1).states,
    ];
    for (const key of [...keys, chunkKeys(id, nonce, 0).chunk, campaignKeys(id).campaign, campaignKeys(id).counters])
      expect(await redis.pttl(key), key).toBeGreaterThan(66 * 24 * HOUR);
    expect(await keysWithoutExpiry(staged)).toEqual([]);
  });

  it('begins nobody outside its hours: from the first millisecond on, and before the last', async () => {
    clock.stop(OPENS - 1);
    const staged = await sealed(redis, { schedule: OFFICE, chunks: 1, giveUpMs: 5 * 24 * HOUR });
    expect(await campaignOf(staged)).toMatchObject({ opensAt: OPENS, closesAt: CLOSES });
    expect(await staged.campaigns.start(staged.id, 1)).toMatchObject({ kind: 'closed', waitMs: 1 });
    clock.stop(OPENS);
    expect(await staged.campaigns.start(staged.id, 1)).toBe('ok');
    const chunk = await claimed(staged);
    clock.stop(CLOSES - 0.001);
    expect(await begin(staged.ledger, chunk, [0])).toMatchObject({ kind: 'granted', indices: [0] });
    clock.stop(CLOSES);
    expect(await begin(staged.ledger, chunk, [1])).toEqual({ kind: 'stopped', why: 'waits' });
    // What was on the wire is heard of at any time.
    expect(await settle(staged.ledger, chunk, [{ index: 0, verdict: verdict('sent') }])).toBe('ok');
    expect(await bytesOf(staged)).toBe('SPP');
    const ref = { campaign: staged.id, round: 1, chunk: 0 };
    expect(await staged.ledger.claim(ref, staged.nonce)).toEqual({ kind: 'closed', waitMs: 0, now: CLOSES });
    await assertBalanced(staged);
  });

  it('is told when it may send next by the first who finds it out', async () => {
    clock.stop(OPENS);
    const staged = await sealed(redis, { schedule: OFFICE, chunks: 1, giveUpMs: 5 * 24 * HOUR });
    await staged.campaigns.start(staged.id, 1);
    const seen = await campaignOf(staged);
    // Not before the span has passed.
    await staged.campaigns.span(seen, { opensAt: DAY, closesAt: DAY + 1 });
    expect(await campaignOf(staged)).toMatchObject({ closesAt: CLOSES });
    clock.stop(CLOSES + 5);
    const closed = { kind: 'closed', waitMs: 0, now: CLOSES + 5 } as const;
    expect(await untilOpen(seen, closed, staged.campaigns)).toBe(16 * HOUR - 5);
    const next = { opensAt: OPENS + 24 * HOUR, closesAt: CLOSES + 24 * HOUR };
    expect(await campaignOf(staged)).toMatchObject(next);
    // One who saw the span before comes too late.
    await staged.campaigns.span(seen, { opensAt: DAY, closesAt: DAY + 1 });
    expect(await campaignOf(staged)).toMatchObject(next);
    const ref = { campaign: staged.id, round: 1, chunk: 0 };
    expect(await staged.ledger.claim(ref, staged.nonce)).toMatchObject({ kind: 'closed', waitMs: 16 * HOUR - 5 });
    // Nor may one who slept for so long that this one has passed, too.
    clock.stop(next.closesAt);
    await staged.campaigns.span(seen, { opensAt: DAY, closesAt: DAY + 1 });
    expect(await campaignOf(staged)).toMatchObject(next);
    clock.stop(next.opensAt);
    await finishChunk(staged, 0);
    expect(await bytesOf(staged)).toBe('SSS');
  });

  it('ends at any time: cancelled, and given up', async () => {
    clock.stop(DAY);
    const cancelled = await sealed(redis, { schedule: { at: DAY + HOUR, hours: null }, chunks: 1 });
    await cancelled.campaigns.control(cancelled.id, 'cancel', 'ada', 'changed my mind');
    expect((await campaignOf(cancelled)).cancelled).toEqual({ by: 'ada', reason: 'changed my mind', at: DAY });
    expect(await cancelled.campaigns.start(cancelled.id, 1)).toBe('ok');
    await claimed(cancelled);
    expect(await bytesOf(cancelled)).toBe('KKK');

    clock.stop(OPENS);
    const late = await sealed(redis, { schedule: OFFICE, giveUpMs: 12 * HOUR, chunks: 1 });
    await late.campaigns.start(late.id, 1);
    clock.stop(OPENS + 12 * HOUR);
    await claimed(late);
    expect(await bytesOf(late)).toBe('FFF');
  });

  it('waits for nothing where it was released while it was staged', async () => {
    clock.stop(DAY);
    const [id, nonce] = ['released-early', 'n1'];
    const canary = { share: 0.5, holdMs: 1, abortAbove: 0 };
    const options = { ...OPTIONS, schedule: { ...OFFICE, at: DAY + HOUR }, canary };
    const staging = createStagingStore(redis);
    await staging.open(id, nonce, 'salt', options);
    await staging.template(id, nonce, TEMPLATE);
    await writeChunk(staging, { id, nonce, n: 0, perChunk: 3, options });
    const campaigns = createCampaigns(redis);
    expect(await campaigns.control(id, 'release', 'ada', '')).toMatchObject({ kind: 'ok', phase: 'staging' });
    await staging.seal(id, nonce, totalsOf(1, 3), options, await spanFrom(options.schedule, DAY));
    const free = { openedAt: DAY, giveUpAt: DAY + HOUR, opensAt: null, closesAt: null, canary: null };
    expect(await campaigns.get(id)).toMatchObject(free);
    expect(await campaigns.start(id, 1)).toBe('ok');
  });

  it('leaves nothing behind where its staging is given up', async () => {
    clock.stop(DAY);
    const [id, nonce] = ['discarded', 'n1'];
    const schedule = { at: Date.now() + 60 * 24 * HOUR, hours: null };
    const options = { ...OPTIONS, schedule, canary: { share: 0.5, holdMs: 1, abortAbove: 0 } };
    const staging = createStagingStore(redis);
    await staging.open(id, nonce, 'salt', options);
    await staging.template(id, nonce, TEMPLATE);
    for (const n of [0, 1]) await writeChunk(staging, { id, nonce, n, perChunk: 3, options });
    // One chunk too many: the seal refuses, when it has given all the time to live that the schedule needs.
    const span = { opensAt: schedule.at, closesAt: null };
    await expect(staging.seal(id, nonce, totalsOf(3, 3), options, span)).rejects.toThrow(/lost some of its chunks/);
    await staging.discard(id, nonce);
    expect((await redis.keys('*')).filter((key) => key.includes(id))).toEqual([]);
    expect([await redis.zscore(CAMPAIGNS, id), await redis.sismember(OPEN_CAMPAIGNS, id)]).toEqual([null, 0]);
  });

  it('is given up when it is said to be, and not when its hours come the next time', async () => {
    const giveUpMs = 12 * HOUR;
    clock.stop(OPENS);
    const open = await sealed(redis, { schedule: OFFICE, giveUpMs, chunks: 1 });
    await open.campaigns.start(open.id, 1);
    clock.stop(CLOSES);
    const ref = { campaign: open.id, round: 1, chunk: 0 };
    const closed = { kind: 'closed', waitMs: 0, now: CLOSES } as const;
    expect(await open.ledger.claim(ref, open.nonce)).toEqual(closed);
    expect(await untilOpen(await campaignOf(open), closed, open.campaigns)).toBe(4 * HOUR);
    expect(await open.ledger.claim(ref, open.nonce)).toMatchObject({ kind: 'closed', waitMs: 4 * HOUR });

    clock.stop(OPENS);
    const queued = await sealed(redis, { schedule: OFFICE, giveUpMs, chunks: 1 });
    clock.stop(CLOSES);
    expect(await queued.campaigns.start(queued.id, 1)).toEqual(closed);
    expect(await untilOpen(await campaignOf(queued), closed, queued.campaigns)).toBe(4 * HOUR);
    expect(await queued.campaigns.start(queued.id, 1)).toMatchObject({ kind: 'closed', waitMs: 4 * HOUR });
    clock.stop(OPENS + giveUpMs);
    expect(await queued.campaigns.start(queued.id, 1)).toBe('ok');
    for (const each of [open, queued]) {
      await claimed(each);
      expect(await bytesOf(each)).toBe('FFF');
    }
  });

  it('waits no longer once it is released, and is given up as if that had been its time', async () => {
    clock.stop(DAY);
    const schedule = { ...OFFICE, at: DAY + 48 * HOUR };
    const staged = await sealed(redis, { schedule, giveUpMs: HOUR, chunks: 1 });
    clock.advance(1_000);
    await staged.campaigns.control(staged.id, 'release', 'ada', '');
    const now = DAY + 1_000;
    const free = { opensAt: null, closesAt: null, openedAt: now, giveUpAt: now + HOUR };
    expect(await campaignOf(staged)).toMatchObject(free);
    expect(await staged.campaigns.start(staged.id, 1)).toBe('ok');
    await finishChunk(staged, 0);
    expect(await bytesOf(staged)).toBe('SSS');
  });

  /** Cancelled, closed, and opened again for those who were skipped. */
  async function again(staged: Staged) {
    const { campaigns, scratch, retries, id, nonce } = staged;
    await campaigns.control(id, 'cancel', 'ada', '');
    expect(await campaigns.start(id, 1)).toBe('ok');
    for (let n = 0; n < staged.chunks; n++) await staged.ledger.finish(await claimed(staged, n));
    expect(await campaigns.close(id, nonce, 1, 't')).toBe('ok');
    expect(await campaigns.mark(await campaignOf(staged), 't', '{}')).toBe('ok');
    const ports = { campaigns, scratch, retries };
    const asked = { unknown: false, skipped: true, where: null };
    return openRound(await planRetry(id, asked, null, ports), ports);
  }

  it('has no time in a further round, although it was cancelled before that', async () => {
    clock.stop(DAY);
    const staged = await sealed(redis, { schedule: { at: DAY + 48 * HOUR, hours: null }, giveUpMs: HOUR });
    const round = await again(staged);
    expect(round).toMatchObject({ opensAt: null, closesAt: null, openedAt: DAY, giveUpAt: DAY + HOUR });
    expect(await staged.campaigns.start(staged.id, 2)).toBe('ok');
  });

  it('has its hours in a further round, now and later', async () => {
    clock.stop(DAY);
    const staged = await sealed(redis, { schedule: { ...OFFICE, at: DAY + 480 * HOUR }, giveUpMs: 48 * HOUR });
    const round = await again(staged);
    const span = { opensAt: OPENS, closesAt: CLOSES };
    expect(round).toMatchObject({ ...span, openedAt: OPENS, giveUpAt: OPENS + 48 * HOUR });
    expect(await staged.campaigns.start(staged.id, 2)).toMatchObject({ kind: 'closed', waitMs: OPENS - DAY });
    clock.stop(CLOSES);
    const closed = { kind: 'closed', waitMs: 0, now: CLOSES } as const;
    expect(await staged.campaigns.start(staged.id, 2)).toEqual(closed);
    expect(await untilOpen(round, closed, staged.campaigns)).toBe(16 * HOUR);
    // A word about the round before comes too late.
    await staged.campaigns.span({ ...round, round: 1 }, { opensAt: DAY, closesAt: DAY + 1 });
    clock.stop(OPENS + 24 * HOUR);
    expect(await staged.campaigns.start(staged.id, 2)).toBe('ok');
  });

  it('outlasts a pause: resumed outside its hours, it waits for them', async () => {
    clock.stop(OPENS);
    const staged = await sealed(redis, { schedule: OFFICE, chunks: 1, giveUpMs: 5 * 24 * HOUR });
    await staged.campaigns.start(staged.id, 1);
    await staged.campaigns.control(staged.id, 'pause', 'ada', '');
    clock.stop(CLOSES);
    const ref = { campaign: staged.id, round: 1, chunk: 0 };
    expect(await staged.ledger.claim(ref, staged.nonce)).toEqual({ kind: 'refused', why: 'paused' });
    await staged.campaigns.control(staged.id, 'resume', 'ada', '');
    expect(await staged.ledger.claim(ref, staged.nonce)).toMatchObject({ kind: 'closed' });
  });
});
