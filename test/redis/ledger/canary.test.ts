import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CampaignOptions } from '../../../src/domain/campaign.js';
import { openNow } from '../../../src/pipeline/open.js';
import { openRound, planRetry } from '../../../src/pipeline/retrier.js';
import { chunkKeys } from '../../../src/redis/keys.js';
import { CLOCK_MISSING, type HeldClock, heldClock } from '../../support/clock.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import {
  assertBalanced,
  begin,
  bytesOf,
  campaignOf,
  claimed,
  finishChunk,
  type Staged,
  sending,
  settle,
  verdict,
} from './fixture.js';

const START = Date.UTC(2026, 11, 1, 9);
const HOLD = 1_800_000;
/** Of two chunks of five: one in each. */
const CANARY = { share: 0.2, holdMs: HOLD, abortAbove: 0.5 };

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('a canary', () => {
  let clock: HeldClock;
  let server: TestRedis;
  let redis: Redis;
  beforeAll(async () => {
    clock = heldClock(START);
    server = await freshRedis({ clock });
    redis = server.client();
  });
  afterAll(async () => {
    await server.stop();
    clock.remove();
  });

  function launched(options: Partial<CampaignOptions> & { chunks?: number; perChunk?: number } = {}): Promise<Staged> {
    clock.stop(START);
    return sending(redis, { canary: CANARY, perChunk: 5, giveUpMs: 10 * HOLD, attempts: 3, ...options });
  }

  const claim = (staged: Staged, chunk: number) =>
    staged.ledger.claim({ campaign: staged.id, round: 1, chunk }, staged.nonce);

  /** Tries the first one of a chunk, and leaves. */
  async function tryFirst(staged: Staged, n: number, verb: Parameters<typeof verdict>[0], more = {}) {
    const chunk = await claimed(staged, n);
    expect(chunk.part).toBe(1);
    expect(await begin(staged.ledger, chunk, [0, 1, 2])).toMatchObject({ kind: 'granted', indices: [0] });
    await settle(staged.ledger, chunk, [{ index: 0, verdict: verdict(verb, more) }]);
    return staged.ledger.finish(chunk);
  }

  /** Until the hold, with these outcomes. */
  async function held(verbs: readonly Parameters<typeof verdict>[0][], options: Partial<CampaignOptions> = {}) {
    const staged = await launched({ chunks: verbs.length, ...options });
    for (const [n, verb] of verbs.entries()) await tryFirst(staged, n, verb);
    expect((await campaignOf(staged)).canary).toEqual({ kind: 'hold', until: START + HOLD });
    return staged;
  }

  const judged = async (staged: Staged) => staged.campaigns.judge(await campaignOf(staged));

  it('goes out alone, is held when each of it was tried, and all others follow', async () => {
    const staged = await launched();
    expect(await tryFirst(staged, 0, 'sent')).toEqual({ kind: 'open', waitMs: 60_000 });
    expect(await claim(staged, 0)).toEqual({ kind: 'held', waitMs: 60_000 });
    expect((await campaignOf(staged)).canary).toEqual({ kind: 'out' });
    clock.advance(5_000);
    expect(await tryFirst(staged, 1, 'sent')).toEqual({ kind: 'open', waitMs: HOLD });
    const until = START + 5_000 + HOLD;
    expect((await campaignOf(staged)).canary).toEqual({ kind: 'hold', until });
    clock.stop(until - 1);
    expect(await claim(staged, 0)).toEqual({ kind: 'held', waitMs: 1 });
    expect(await judged(staged)).toBe('held');
    clock.stop(until);
    expect(await claim(staged, 0)).toEqual({ kind: 'judge' });
    expect(await judged(staged)).toBe('over');
    expect(await judged(staged)).toBe('none');
    expect(await campaignOf(staged)).toMatchObject({ canary: null, canaryFound: { tried: 2, failed: 0 } });
    for (const n of [0, 1]) await finishChunk(staged, n);
    expect(await bytesOf(staged)).toBe('SSSSSSSSSS');
    await assertBalanced(staged);
  });

  it('begins nobody beyond it, whoever asks, also under a fence from before', async () => {
    const staged = await launched();
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0]);
    await settle(staged.ledger, chunk, [{ index: 0, verdict: verdict('sent') }]);
    expect(await begin(staged.ledger, chunk, [1, 2, 3, 4])).toEqual({ kind: 'granted', indices: [] });
    expect(openNow(chunk).map(({ index }) => index)).toEqual([0]);
    expect(await bytesOf(staged)).toBe('SPPPPPPPPP');
  });

  it('that is all of a chunk lets the hold begin when that chunk is finished', async () => {
    const staged = await launched({ perChunk: 1, chunks: 3, canary: { ...CANARY, share: 0.5 } });
    const parts = await Promise.all(
      [0, 1, 2].map((n) => redis.hget(chunkKeys(staged.id, staged.nonce, n).chunk, 'part')),
    );
    expect(parts).toEqual(['1', '0', '1']);
    expect(await tryFirst(staged, 0, 'sent')).toEqual({ kind: 'finished' });
    expect((await campaignOf(staged)).canary).toEqual({ kind: 'out' });
    expect(await tryFirst(staged, 2, 'sent')).toEqual({ kind: 'finished' });
    expect((await campaignOf(staged)).canary).toEqual({ kind: 'hold', until: START + HOLD });
  });

  it('of which a chunk has nobody does not wait for that chunk', async () => {
    const staged = await launched({ canary: { ...CANARY, share: 0.05 } });
    expect(await claim(staged, 1)).toEqual({ kind: 'held', waitMs: 60_000 });
    expect(await tryFirst(staged, 0, 'sent')).toEqual({ kind: 'open', waitMs: HOLD });
    expect(await claim(staged, 1)).toEqual({ kind: 'held', waitMs: HOLD });
  });

  it('lets the hold begin once, however often a chunk is left', async () => {
    const staged = await launched();
    for (let times = 0; times < 3; times++) {
      const chunk = times === 0 ? await claimed(staged) : null;
      if (chunk) {
        await begin(staged.ledger, chunk, [0]);
        await settle(staged.ledger, chunk, [{ index: 0, verdict: verdict('sent') }]);
        await staged.ledger.finish(chunk);
        await staged.ledger.finish(chunk);
      }
      expect(await claim(staged, 0)).toMatchObject({ kind: 'held' });
    }
    expect((await campaignOf(staged)).canary).toEqual({ kind: 'out' });
  });

  it.each([
    [
      'a worker that died with it on the wire',
      async (staged: Staged) => void (await begin(staged.ledger, await claimed(staged, 1), [0])),
    ],
    [
      'a suppression',
      async (staged: Staged) => {
        const chunk = await claimed(staged, 1);
        const suppressed = verdict('suppressed', { reason: 'none', reply: null, replyClass: null });
        await settle(staged.ledger, chunk, [{ index: 0, verdict: suppressed }]);
      },
    ],
    ['recipients that were lost', async (staged: Staged) => staged.ledger.lose(await claimed(staged, 1), 'data-lost')],
    [
      'states that were lost',
      async (staged: Staged) => {
        await redis.del(chunkKeys(staged.id, staged.nonce, 1).states);
        expect(await claim(staged, 1)).toEqual({ kind: 'refused', why: 'lost' });
        expect(await staged.campaigns.recover(await campaignOf(staged))).toBe(1);
      },
    ],
  ])('does not wait for ever after %s', async (_what, happens) => {
    const staged = await launched();
    await tryFirst(staged, 0, 'sent');
    await happens(staged);
    const again = await claim(staged, 1);
    if (again.kind === 'claimed') await staged.ledger.finish(again.claim);
    expect((await campaignOf(staged)).canary).toMatchObject({ kind: 'hold' });
    expect(await bytesOf(staged)).not.toContain('I');
    await assertBalanced(staged);
  });

  it('tries again during the hold who was refused for now, and nobody else', async () => {
    const staged = await launched();
    await tryFirst(staged, 0, 'deferred', { delayMs: 60_000 });
    await tryFirst(staged, 1, 'sent');
    expect(await claim(staged, 0)).toEqual({ kind: 'held', waitMs: 60_000 });
    clock.advance(60_000);
    expect(await tryFirst(staged, 0, 'sent')).toEqual({ kind: 'open', waitMs: HOLD - 60_000 });
    clock.stop(START + HOLD);
    expect(await judged(staged)).toBe('over');
    expect((await campaignOf(staged)).canaryFound).toEqual({ tried: 2, failed: 0 });
  });

  it('may fail by so much, and not by more: then the campaign ends', async () => {
    const half = await held(['sent', 'failed']);
    clock.stop(START + HOLD);
    expect(await judged(half)).toBe('over');

    const more = await held(['sent', 'failed', 'failed'], { canary: { ...CANARY, abortAbove: 0.66 } });
    clock.stop(START + HOLD);
    expect(await judged(more)).toBe('failed');
    const cancelled = { by: 'canary', reason: '2 of 3 of the canary failed, more than 66%', at: START + HOLD };
    expect(await campaignOf(more)).toMatchObject({ flags: { cancelling: true }, cancelled, canary: null });
    for (const n of [0, 1, 2]) await staged(more, n);
    expect(await bytesOf(more)).toBe('SKKKKFKKKKFKKKK');
    await assertBalanced(more);

    async function staged(campaign: Staged, n: number) {
      expect(await campaign.ledger.finish(await claimed(campaign, n))).toEqual({ kind: 'finished' });
    }
  });

  it('counts unknown ones and those that are refused for now as failed, and not those that were throttled', async () => {
    const staged = await held(['sent', 'unknown', 'deferred', 'waiting'], { canary: { ...CANARY, abortAbove: 0.67 } });
    clock.stop(START + HOLD);
    expect(await judged(staged)).toBe('over');
    expect((await campaignOf(staged)).canaryFound).toEqual({ tried: 3, failed: 2 });
  });

  it('may fail by exactly what was allowed, where a product of fractions is a little less', async () => {
    const [perChunk, part] = [101, 100];
    const canary = { share: part / perChunk, holdMs: HOLD, abortAbove: 0.29 };
    for (const [failed, said] of [
      [29, 'over'],
      [30, 'failed'],
    ] as const) {
      const staged = await launched({ chunks: 1, perChunk, canary });
      const chunk = await claimed(staged);
      const all = Array.from({ length: perChunk }, (_, index) => index);
      const begun = await begin(staged.ledger, chunk, all);
      expect(begun).toEqual({ kind: 'granted', indices: all.slice(0, part) });
      const outcomes = all
        .slice(0, part)
        .map((index) => ({ index, verdict: verdict(index < failed ? 'failed' : 'sent') }));
      await settle(staged.ledger, chunk, outcomes);
      await staged.ledger.finish(chunk);
      clock.stop(START + HOLD);
      expect(await judged(staged), `${failed} of ${part}`).toBe(said);
    }
  });

  it('is judged by who was refused before, also while they are tried again', async () => {
    const staged = await launched({ canary: { ...CANARY, abortAbove: 0.49 } });
    await tryFirst(staged, 0, 'sent');
    await tryFirst(staged, 1, 'deferred', { delayMs: 60_000 });
    clock.stop(START + HOLD - 1);
    await begin(staged.ledger, await claimed(staged, 1), [0]);
    clock.stop(START + HOLD);
    expect(await judged(staged)).toBe('failed');
    expect((await campaignOf(staged)).canaryFound).toEqual({ tried: 2, failed: 1 });
  });

  it('is judged by those whose states Redis lost: nobody knows what became of them', async () => {
    const staged = await held(['sent', 'sent'], { canary: { ...CANARY, abortAbove: 0.49 } });
    await redis.del(chunkKeys(staged.id, staged.nonce, 1).states);
    clock.stop(START + HOLD);
    expect(await judged(staged)).toBe('failed');
    expect((await campaignOf(staged)).canaryFound).toEqual({ tried: 2, failed: 1 });
    expect(await claim(staged, 1)).toEqual({ kind: 'refused', why: 'lost' });
    expect(await staged.campaigns.recover(await campaignOf(staged))).toBe(1);
    for (const n of [0, 1]) await staged.ledger.finish(await claimed(staged, n));
    expect(await bytesOf(staged)).toBe('SKKKKUUUUU');
  });

  it('that says nothing pauses the campaign', async () => {
    const staged = await held(['waiting', 'waiting']);
    clock.stop(START + HOLD);
    expect(await judged(staged)).toBe('nobody');
    expect(await campaignOf(staged)).toMatchObject({
      flags: { paused: { by: 'canary' }, cancelling: false },
      canary: null,
    });
    await staged.campaigns.control(staged.id, 'resume', 'ada', '');
    await finishChunk(staged, 0);
    expect(await bytesOf(staged)).toBe('SSSSSDPPPP');
  });

  it('ends when it is given up, however long it would be held', async () => {
    const staged = await launched({ giveUpMs: HOLD / 2 });
    expect(await tryFirst(staged, 0, 'sent')).toEqual({ kind: 'open', waitMs: 60_000 });
    clock.stop(START + HOLD / 2 - 1_000);
    expect(await claim(staged, 0)).toEqual({ kind: 'held', waitMs: 1_000 });
    expect(await tryFirst(staged, 1, 'sent')).toEqual({ kind: 'open', waitMs: 1_000 });
    expect((await campaignOf(staged)).canary).toMatchObject({ kind: 'hold' });
    clock.advance(1_000);
    for (const n of [0, 1]) expect(await staged.ledger.finish(await claimed(staged, n))).toEqual({ kind: 'finished' });
    expect(await bytesOf(staged)).toBe('SFFFFSFFFF');
  });

  it.each(['out', 'hold'] as const)('is given up by a release and by a cancel while it is %s', async (stage) => {
    const make = async () => {
      const staged = await launched();
      for (const n of stage === 'hold' ? [0, 1] : [0]) await tryFirst(staged, n, 'sent');
      expect((await campaignOf(staged)).canary?.kind).toBe(stage);
      return staged;
    };
    const released = await make();
    await released.campaigns.control(released.id, 'release', 'ada', '');
    for (const n of [0, 1]) await finishChunk(released, n);
    expect(await bytesOf(released)).toBe('SSSSSSSSSS');
    const cancelled = await make();
    await cancelled.campaigns.control(cancelled.id, 'cancel', 'ada', '');
    for (const n of [0, 1]) await cancelled.ledger.finish(await claimed(cancelled, n));
    expect(await bytesOf(cancelled)).toBe(stage === 'hold' ? 'SKKKKSKKKK' : 'SKKKKKKKKK');
  });

  it.each(['judged', 'cancelled'])('is none of a further round, where it was %s: all others get it', async (how) => {
    const staged = await held(['failed', 'failed'], { canary: { ...CANARY, abortAbove: 0 } });
    clock.stop(START + HOLD);
    if (how === 'judged') expect(await judged(staged)).toBe('failed');
    else await staged.campaigns.control(staged.id, 'cancel', 'ada', '');
    for (const n of [0, 1]) await staged.ledger.finish(await claimed(staged, n));
    expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 't')).toBe('ok');
    expect(await staged.campaigns.mark(await campaignOf(staged), 't', '{}')).toBe('ok');
    const { campaigns, scratch, retries } = staged;
    const ports = { campaigns, scratch, retries };
    const plan = await planRetry(staged.id, { unknown: false, skipped: true, where: 'state=skipped' }, null, ports);
    const round = await openRound(plan, ports);
    expect(round).toMatchObject({ round: 2, canary: null, cancelled: null, flags: { cancelling: false } });
    expect(await staged.campaigns.start(staged.id, 2)).toBe('ok');
    const again = await staged.ledger.claim({ campaign: staged.id, round: 2, chunk: 0 }, staged.nonce);
    expect(again).toMatchObject({ kind: 'claimed', claim: { part: 5 } });
  });
});
