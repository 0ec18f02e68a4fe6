import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Campaign, CampaignOptions } from '../../../src/domain/campaign.js';
import { parseCondition } from '../../../src/domain/condition-parser.js';
import { readRecord } from '../../../src/domain/record.js';
import type { Verb } from '../../../src/domain/verdict.js';
import { aggregate } from '../../../src/pipeline/aggregator.js';
import type { ClaimedChunk } from '../../../src/pipeline/ports.js';
import { openRound, planRetry, type RetryPlan } from '../../../src/pipeline/retrier.js';
import { sweep } from '../../../src/pipeline/sweep.js';
import { campaignKeys, chunkKeys, OPEN_CAMPAIGNS, retryKeys, stagingKeys } from '../../../src/redis/keys.js';
import { createCampaigns } from '../../../src/redis/ledger/campaigns.js';
import { RETRY_TTL_MS, SCRATCH_TTL_MS } from '../../../src/redis/ledger/lifetime.js';
import { createSuppression } from '../../../src/redis/suppression/store.js';
import { keptLog } from '../../pipeline/fixture.js';
import { keptResults } from '../../pipeline/steps-fixture.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import {
  assertBalanced,
  begin,
  bytesOf,
  campaignOf,
  claimed,
  countersOf,
  keysWithoutExpiry,
  recordOf,
  type Staged,
  sending,
  settle,
  TEMPLATE,
  verdict,
} from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
beforeEach(async () => {
  await redis.flushall();
});
afterAll(() => server.stop());

const ALL = { unknown: true, skipped: true, where: null };
const FAILED = { unknown: false, skipped: false, where: null };

/** Gives every chunk of three these outcomes, and ends the round. */
async function end(staged: Staged, verbs: readonly Verb[] = ['sent', 'failed', 'unknown']): Promise<ClaimedChunk[]> {
  const { round } = await campaignOf(staged);
  const owners = [];
  for (const chunk of await staged.campaigns.unfinished(await campaignOf(staged))) {
    const owner = await claimIn(staged, chunk, round);
    const begun = await begin(staged.ledger, owner, [0, 1, 2]);
    const indices = begun.kind === 'granted' ? begun.indices : [];
    const words = indices.map((index) => ({ index, verdict: verdict(verbs[index] ?? 'sent') }));
    await settle(staged.ledger, owner, words);
    expect(await staged.ledger.finish(owner)).toEqual({ kind: 'finished' });
    owners.push(owner);
  }
  await closeAndMark(staged, round);
  return owners;
}

async function closeAndMark(staged: Staged, round: number): Promise<void> {
  expect(await staged.campaigns.close(staged.id, staged.nonce, round, `t${round}`)).toBe('ok');
  expect(await staged.campaigns.mark(await campaignOf(staged), `t${round}`, '{}')).toBe('ok');
  await staged.campaigns.letExpire(await campaignOf(staged));
}

async function claimIn(staged: Staged, chunk: number, round: number): Promise<ClaimedChunk> {
  const claim = await staged.ledger.claim({ campaign: staged.id, round, chunk }, staged.nonce);
  if (claim.kind !== 'claimed') throw new Error(`no claim: ${JSON.stringify(claim)}`);
  return claim.claim;
}

async function ended(how: Partial<CampaignOptions> = {}, verbs?: readonly Verb[]): Promise<Staged> {
  const staged = await sending(redis, how);
  await end(staged, verbs);
  return staged;
}

const planned = (staged: Staged, asked = FAILED, where: string | null = null) =>
  planRetry(staged.id, { ...asked, where }, where === null ? null : parseCondition(where), staged);

async function reopened(staged: Staged, asked = FAILED, where: string | null = null): Promise<Campaign> {
  const campaign = await openRound(await planned(staged, asked, where), staged);
  await assertBalanced(staged);
  return campaign;
}

const codeOf = (act: Promise<unknown>) => act.then(() => 'ok').catch((error: { code: string }) => error.code);

/** Everything that Redis has, but for what expires when. */
async function everything(): Promise<Record<string, string>> {
  const keys = (await redis.keys('*')).sort();
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return Object.fromEntries(keys.map((key, i) => [key, dumps[i]?.toString('latin1') ?? '']));
}

describe('a round that a retry opens', () => {
  it('has the failed ones pending, with all attempts before them, and everybody else as they were', async () => {
    const staged = await ended();
    const campaign = await reopened(staged);
    expect(await bytesOf(staged)).toBe('SPUSPU');
    expect(campaign).toMatchObject({
      ...{ round: 2, phase: 'queued', generation: 0, startedAt: null, closedAt: null, endedAt: null },
      opening: { retried: 2, ...FAILED, states: { sent: 2, pending: 2, unknown: 2 } },
      rounds: [
        {
          round: 1,
          phase: 'completed',
          recipients: 6,
          asked: null,
          ended: { sent: 2, failed: 2, unknown: 2, skipped: 0 },
        },
      ],
    });
    expect(campaign.giveUpAt).toBe((campaign.openedAt ?? 0) + campaign.options.giveUpMs);
    expect(campaign.sealedAt).toBeLessThanOrEqual(campaign.openedAt ?? 0);
    expect(await recordOf(staged, 1)).toMatchObject({ attempts: 0, reason: 'none', code: 550, due: 0 });
    expect(await recordOf(staged, 0)).toMatchObject({ attempts: 1, code: 250 });
    expect(await staged.campaigns.unfinished(campaign)).toEqual([0, 1]);
    expect(await redis.sismember(OPEN_CAMPAIGNS, staged.id)).toBe(1);
  });

  it('leaves chunks alone in which nobody is tried again', async () => {
    const staged = await ended({}, ['sent', 'sent', 'failed']);
    const campaign = await reopened(staged, FAILED, 'email=r2@example.org');
    expect(await bytesOf(staged)).toBe('SSPSSF');
    expect(await staged.campaigns.unfinished(campaign)).toEqual([0]);
    await staged.campaigns.start(staged.id, 2);
    await end(staged, ['sent', 'sent', 'sent']);
    expect(await bytesOf(staged)).toBe('SSSSSF');
    expect((await reopened(staged)).rounds).toMatchObject([
      { round: 1 },
      { round: 2, recipients: 1, ended: { sent: 1 } },
    ]);
  });

  it('tries unknown and skipped ones only where that is asked for, and sent ones never', async () => {
    const staged = await sending(redis);
    const owner = await claimed(staged, 0);
    await begin(staged.ledger, owner, [0, 1]);
    await settle(staged.ledger, owner, [
      { index: 0, verdict: verdict('sent') },
      { index: 1, verdict: verdict('unknown') },
    ]);
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    for (const chunk of [0, 1]) await staged.ledger.finish(await claimIn(staged, chunk, 1));
    await closeAndMark(staged, 1);
    expect(await bytesOf(staged)).toBe('SUKKKK');
    expect(await planned(staged)).toMatchObject({ retried: { failed: 0 }, others: { unknown: 1, skipped: 4 } });
    expect((await planned(staged, ALL)).retried).toMatchObject({ unknown: 1, skipped: 4, sent: 0 });
    expect((await planned(staged, ALL, 'state=sent')).retried).toMatchObject({ unknown: 0, skipped: 0, sent: 0 });
    const campaign = await reopened(staged, { ...FAILED, skipped: true });
    expect(await bytesOf(staged)).toBe('SUPPPP');
    expect(campaign.flags).toEqual({ paused: null, cancelling: false });
    expect(campaign.rounds).toMatchObject([{ phase: 'cancelled' }]);
  });

  it('keeps who was unknown in doubt: refused now, they are unknown still', async () => {
    const staged = await ended();
    await reopened(staged, ALL);
    expect(await bytesOf(staged)).toBe('SPPSPP');
    await staged.campaigns.start(staged.id, 2);
    await end(staged, ['sent', 'failed', 'failed']);
    expect(await bytesOf(staged)).toBe('SFUSFU');
    expect(await recordOf(staged, 2)).toMatchObject({ reason: 'unanswered', code: 550 });
  });

  it('waits as it is told however long after the seal it was opened', async () => {
    const staged = await ended({ attempts: 3, giveUpMs: 45 * 86_400_000 });
    const months = 100 * 86_400_000;
    await redis.hincrby(campaignKeys(staged.id).campaign, 'sealedAt', -months);
    await reopened(staged);
    await staged.campaigns.start(staged.id, 2);
    const owner = await claimIn(staged, 0, 2);
    await begin(staged.ledger, owner, [1]);
    await settle(staged.ledger, owner, [{ index: 1, verdict: verdict('deferred', { delayMs: 60_000 }) }]);
    expect(await bytesOf(staged)).toBe('SDUSPU');
    const finish = await staged.ledger.finish(owner);
    expect(finish.kind === 'open' && finish.waitMs).toBeGreaterThan(50_000);
    expect(finish.kind === 'open' && finish.waitMs).toBeLessThanOrEqual(60_000);
    const again = await claimIn(staged, 0, 2);
    expect(readRecord(again.records, 1).due - again.sinceOpeningMs).toBeGreaterThan(50_000);
    expect(again.sinceOpeningMs).toBeLessThan(60_000);
  });

  it('is given the time to live of one that was launched, whoever is killed', async () => {
    const staged = await ended({ keepMs: 60_000 });
    const { states, records, rows } = chunkKeys(staged.id, staged.nonce, 0);
    expect(await redis.pttl(states)).toBeLessThanOrEqual(60_000);
    const campaign = await reopened(staged);
    expect(await keysWithoutExpiry(staged)).toEqual([]);
    const keys = campaignKeys(staged.id);
    for (const key of [states, records, keys.campaign, keys.counters, stagingKeys(staged.id, staged.nonce).done])
      expect(await redis.pttl(key), key).toBeGreaterThan(SCRATCH_TTL_MS);
    for (const key of [rows, stagingKeys(staged.id, staged.nonce).template(TEMPLATE.digest)])
      expect(await redis.pttl(key), key).toBeGreaterThan(SCRATCH_TTL_MS - 60_000);
    // The aggregator of the round before, which was slow to let it expire.
    await staged.campaigns.letExpire({ ...campaign, round: 1 });
    expect(await redis.pttl(states)).toBeGreaterThan(SCRATCH_TTL_MS);
  });

  it('owes that renewal to the sweep where the retry is killed right after it has opened it', async () => {
    const staged = await ended({ keepMs: 60_000 });
    const plan = await planned(staged);
    const killed = { ...staged.campaigns, renew: () => Promise.reject(new Error('killed')) };
    await expect(openRound(plan, { ...staged, campaigns: killed })).rejects.toThrow('killed');
    const { chunk, states, records } = chunkKeys(staged.id, staged.nonce, 0);
    // It must not depend on how soon somebody comes.
    for (const key of [states, records]) expect(await redis.pttl(key)).toBeGreaterThan(SCRATCH_TTL_MS);
    await redis.pexpire(chunk, 60_000);
    const coordinated: string[] = [];
    const wake = { coordinator: async ({ id }: Campaign) => void coordinated.push(id) };
    await sweep({ campaigns: staged.campaigns, wake: wake as never, log: keptLog() });
    expect(coordinated).toEqual([staged.id]);
    expect(await redis.pttl(chunk)).toBeGreaterThan(SCRATCH_TTL_MS);
  });
});

describe('two retries', () => {
  it('at once: one opens the round, and the other changes nothing', async () => {
    const staged = await ended();
    const plan = await planned(staged);
    const other = await planned(staged, ALL);
    const ends = await Promise.all([codeOf(openRound(plan, staged)), codeOf(openRound(other, staged))]);
    expect(ends.sort()).toEqual(['CAMPAIGN_NOT_OPEN', 'ok']);
    await assertBalanced(staged);
    expect(['SPUSPU', 'SPPSPP']).toContain(await bytesOf(staged));
    const campaign = await campaignOf(staged);
    expect([campaign.round, campaign.opening?.retried]).toEqual((await bytesOf(staged)) === 'SPUSPU' ? [2, 2] : [2, 4]);
  });

  it('that both have staged: the first to open it wins, and its last step may be repeated', async () => {
    const staged = await ended();
    const campaign = await campaignOf(staged);
    const opening = (retried: number) => ({ ...FAILED, retried, states: counters });
    const counters = { ...(await countersOf(staged)), failed: 0, pending: 2 };
    const stage = async (retry: string, states: string) => {
      await staged.retries.begin(campaign);
      for (const chunk of [0, 1])
        await staged.retries.stage(campaign, retry, chunk, { states: Buffer.from(states), records: Buffer.alloc(48) });
    };
    await stage('one', 'SPU');
    await stage('two', 'SPU');
    const chunks = [0, 1].map((chunk) => ({ chunk, open: true }));
    const round = { chunks, lateWords: 0, counters, opening: opening(2), rounds: [], span: null };
    const lying = { ...counters, pending: 3 };
    expect(await staged.retries.reopen(campaign, 'two', { ...round, counters: lying })).toBe('incomplete');
    expect(await staged.retries.reopen(campaign, 'two', round)).toBe('ok');
    const before = await everything();
    expect(await staged.retries.reopen(campaign, 'two', round)).toBe('ok');
    expect(await staged.retries.reopen(campaign, 'one', round)).toBe('round');
    expect(await everything()).toEqual(before);
    expect((await campaignOf(staged)).round).toBe(2);
    await assertBalanced(staged);
  });
});

describe('a retry', () => {
  it('that is killed before its last step has changed nothing, and what it staged goes away by itself', async () => {
    const staged = await ended();
    const before = await everything();
    const plan = await planned(staged);
    expect(await everything()).toEqual(before);
    const killed = { ...staged.retries, reopen: () => Promise.reject(new Error('killed')) };
    await expect(openRound(plan, { ...staged, retries: killed })).rejects.toThrow('killed');
    const after = await everything();
    const left = Object.keys(after).filter((key) => !(key in before) && key !== OPEN_CAMPAIGNS);
    expect(left).toHaveLength(4);
    for (const key of left) {
      expect(key).toContain(':retry:');
      expect(await redis.pttl(key)).toBeGreaterThan(0);
      expect(await redis.pttl(key)).toBeLessThanOrEqual(RETRY_TTL_MS);
    }
    const { campaign } = campaignKeys(staged.id);
    expect(Object.keys(before).filter((key) => key !== campaign && before[key] !== after[key])).toEqual([]);
    expect((await campaignOf(staged)).round).toBe(1);
    expect(await staged.campaigns.summary(staged.id)).toBe('{}');
    expect((await reopened(staged)).round).toBe(2);
  });

  it('makes sure that nothing goes away while it is staged', async () => {
    const staged = await ended({ keepMs: 60_000 });
    expect(await staged.retries.begin(await campaignOf(staged))).toBe('ok');
    const { states, records, chunk, rows } = chunkKeys(staged.id, staged.nonce, 1);
    for (const key of [states, records, chunk, rows, campaignKeys(staged.id).counters])
      expect(await redis.pttl(key), key).toBeGreaterThan(SCRATCH_TTL_MS - 60_000);
    expect(await staged.retries.begin({ ...(await campaignOf(staged)), round: 2 })).toBe('round');
    expect(await staged.retries.begin(await campaignOf(await sending(redis)))).toBe('phase');
  });

  it('is refused where anything that it staged, or needs, has gone', async () => {
    const staged = await ended();
    const plan = await planned(staged);
    const template = stagingKeys(staged.id, staged.nonce).template(TEMPLATE.digest);
    for (const victim of ['staged', 'rows', 'template'] as const) {
      const held = victim === 'template' ? template : chunkKeys(staged.id, staged.nonce, 1).rows;
      const kept = await redis.dumpBuffer(held);
      const losing: typeof staged.retries = {
        ...staged.retries,
        async reopen(campaign, retry, round) {
          const { records } = retryKeys(staged.id, staged.nonce, retry, 1);
          await redis.del(victim === 'staged' ? records : held);
          return staged.retries.reopen(campaign, retry, round);
        },
      };
      expect(await codeOf(openRound(plan, { ...staged, retries: losing })), victim).toBe('RETRY_DATA_GONE');
      expect(await bytesOf(staged)).toBe('SFUSFU');
      await assertBalanced(staged);
      await redis.restore(held, SCRATCH_TTL_MS, kept as never, 'REPLACE');
    }
    expect(await redis.keys('*:retry:*')).toEqual([]);
    expect((await reopened(staged)).round).toBe(2);
  });

  it('is refused before anything is written where recipients or template are not there any more', async () => {
    const staged = await ended();
    await redis.del(chunkKeys(staged.id, staged.nonce, 1).rows);
    const before = await everything();
    expect(await codeOf(planned(staged))).toBe('RETRY_DATA_GONE');
    expect(await everything()).toEqual(before);
    expect((await planned(staged, FAILED, 'email=r1@example.org')).retried.failed).toBe(1);
    await redis.set(chunkKeys(staged.id, staged.nonce, 1).rows, 'no chunk of ours');
    expect(await codeOf(planned(staged))).toBe('RETRY_DATA_GONE');
    await redis.del(stagingKeys(staged.id, staged.nonce).template(TEMPLATE.digest));
    expect(await codeOf(planned(staged, FAILED, 'email=r1@example.org'))).toBe('RETRY_DATA_GONE');
  });

  it('leaves those whose data was lost before they were begun, since there is nothing to send', async () => {
    const staged = await sending(redis);
    await redis.del(chunkKeys(staged.id, staged.nonce, 1).rows);
    await staged.ledger.lose(await claimed(staged, 1), 'data-lost');
    const owner = await claimIn(staged, 1, 1);
    expect(await staged.ledger.finish(owner)).toEqual({ kind: 'finished' });
    await end(staged, ['failed', 'failed', 'sent']);
    expect(await planned(staged)).toMatchObject({ retried: { failed: 2 }, lost: 3 });
    await reopened(staged);
    expect(await bytesOf(staged)).toBe('PPSFFF');
  });

  it('is refused where the campaign has not ended, was never sealed, or does not balance', async () => {
    const open = await sending(redis);
    expect(await codeOf(planned(open))).toBe('CAMPAIGN_NOT_OPEN');
    const staging = await sending(redis);
    await redis.hdel(campaignKeys(staging.id).campaign, 'sealedAt');
    await redis.hset(campaignKeys(staging.id).campaign, 'phase', 'cancelled');
    expect(await codeOf(planned(staging))).toBe('CAMPAIGN_NOT_OPEN');
    const staged = await ended();
    await redis.hincrby(campaignKeys(staged.id).counters, 'failed', 1);
    expect(await codeOf(planned(staged))).toBe('LEDGER_UNBALANCED');
    expect(await codeOf(planRetry('nobody', FAILED, null, staged))).toBe('CAMPAIGN_UNKNOWN');
  });
});

describe('a word of a former round', () => {
  /** Unknown since its owner stalled, who speaks later. */
  async function stalled(how: Partial<CampaignOptions> = {}) {
    const staged = await sending(redis, { chunks: 1, ...how });
    const owner = await claimed(staged);
    await begin(staged.ledger, owner, [0, 1, 2]);
    const heir = await claimIn(staged, 0, 1);
    await staged.ledger.finish(heir);
    await closeAndMark(staged, 1);
    expect(await bytesOf(staged)).toBe('UUU');
    return { staged, owner, heir };
  }
  const say = (staged: Staged, owner: ClaimedChunk, verb: Verb, index: number) =>
    settle(staged.ledger, owner, [{ index, verdict: verdict(verb) }]);

  it('that came after the close counts first: who was sent after all is not tried again', async () => {
    const { staged, owner, heir } = await stalled();
    await say(staged, owner, 'sent', 0);
    await say(staged, owner, 'failed', 1);
    // Not the one who left it unknown.
    await say(staged, heir, 'failed', 2);
    expect((await planned(staged, ALL)).retried).toMatchObject({ failed: 1, unknown: 1 });
    await reopened(staged);
    expect(await bytesOf(staged)).toBe('SPU');
    expect(await recordOf(staged, 0)).toMatchObject({ code: 250, reason: 'reply' });
    expect(await staged.campaigns.late(staged.id)).toEqual([]);
  });

  it('that comes while the retry is staged is not lost', async () => {
    const { staged, owner } = await stalled();
    const plan = await planned(staged, ALL);
    let said = 0;
    const retries: typeof staged.retries = {
      ...staged.retries,
      async reopen(campaign, retry, round) {
        if (said++ === 0) await say(staged, owner, 'sent', 1);
        return staged.retries.reopen(campaign, retry, round);
      },
    };
    const campaign = await openRound(plan, { ...staged, retries });
    expect(said).toBe(2);
    expect(await bytesOf(staged)).toBe('PSP');
    expect(campaign.opening?.retried).toBe(2);
    await assertBalanced(staged);
    expect(await redis.keys('*:retry:*')).toEqual([]);
  });

  it.each(['queued', 'sending'])('makes who is pending again sent, so that nobody sends it: %s', async (phase) => {
    const { staged, owner } = await stalled();
    await reopened(staged, ALL);
    if (phase === 'sending') await staged.campaigns.start(staged.id, 2);
    expect(await say(staged, owner, 'sent', 1)).toBe('fenced');
    expect(await say(staged, owner, 'failed', 2)).toBe('fenced');
    expect(await bytesOf(staged)).toBe('PSP');
    await assertBalanced(staged);
    await staged.campaigns.start(staged.id, 2);
    const now = await claimIn(staged, 0, 2);
    expect(await begin(staged.ledger, now, [0, 1, 2])).toEqual({ kind: 'granted', indices: [0, 2] });
    expect(await begin(staged.ledger, owner, [0])).toEqual({ kind: 'stopped', why: 'round' });
    // On the wire in the new round: the copy is sent, whoever says so first.
    expect(await say(staged, owner, 'sent', 0)).toBe('fenced');
    expect(await say(staged, now, 'failed', 0)).toBe('ok');
    expect(await bytesOf(staged)).toBe('SSI');
  });

  it('can neither close nor mark, and an aggregator that thaws writes nothing', async () => {
    const staged = await ended();
    const old = await campaignOf(staged);
    await reopened(staged);
    expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 't1')).toBe('round');
    expect(await staged.campaigns.mark(old, 't1', '{"old":true}')).toBe('round');
    const results = keptResults();
    const suppression = createSuppression(staged.redis);
    const ports = { campaigns: staged.campaigns, suppression, results, wake: {} as never, log: keptLog() };
    await aggregate(staged.id, 1, ports);
    // It froze behind its own close, before the retry.
    const thawing = { ...staged.campaigns, get: async () => old, close: async () => 'ok' as const };
    await aggregate(staged.id, 1, { ...ports, campaigns: thawing });
    expect(results.written).toEqual([]);
    expect(await staged.campaigns.summary(staged.id)).toBe('{}');
  });
});

describe('the set of open campaigns', () => {
  const isOpen = async (staged: Staged) => (await redis.sismember(OPEN_CAMPAIGNS, staged.id)) === 1;
  let staged: Staged;
  let plan: RetryPlan;
  beforeEach(async () => {
    staged = await ended();
    plan = await planned(staged);
  });

  it('loses a campaign that has ended, and not one that a retry is about to open', async () => {
    await staged.campaigns.leaveOpen(staged.id);
    expect(await isOpen(staged)).toBe(false);
    const retries: typeof staged.retries = {
      ...staged.retries,
      async reopen(campaign, retry, round) {
        await sweep({ campaigns: staged.campaigns, wake: {} as never, log: keptLog() });
        expect(await isOpen(staged)).toBe(true);
        await staged.retries.reopen(campaign, retry, round);
        throw new Error('killed');
      },
    };
    await expect(openRound(plan, { ...staged, retries })).rejects.toThrow('killed');
    expect(await isOpen(staged)).toBe(true);
    // Somebody who saw the end, such as a notifier, and is late to say so.
    await staged.campaigns.leaveOpen(staged.id);
    expect(await isOpen(staged)).toBe(true);
  });

  it('has one that was taken out right before or right after it was opened', async () => {
    const retries: typeof staged.retries = {
      ...staged.retries,
      async reopen(campaign, retry, round) {
        await redis.srem(OPEN_CAMPAIGNS, staged.id);
        return staged.retries.reopen(campaign, retry, round);
      },
    };
    await openRound(plan, { ...staged, retries });
    expect(await isOpen(staged)).toBe(true);

    staged = await ended();
    plan = await planned(staged);
    const slow = new Proxy(redis, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'srem')
          return async (key: string, id: string) => {
            await openRound(plan, staged);
            return target.srem(key, id);
          };
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await createCampaigns(slow).leaveOpen(staged.id);
    expect((await campaignOf(staged)).round).toBe(2);
    expect(await isOpen(staged)).toBe(true);
  });

  it('loses one again whose retry was given up', async () => {
    await staged.retries.begin(await campaignOf(staged));
    await redis.config('RESETSTAT');
    await staged.campaigns.leaveOpen(staged.id);
    expect(await isOpen(staged)).toBe(true);
    // Not even for a moment, in which the one who takes it out may be killed.
    expect(await redis.info('commandstats')).not.toContain('cmdstat_srem');
    await redis.hincrby(campaignKeys(staged.id).campaign, 'retryingAt', -RETRY_TTL_MS);
    await staged.campaigns.leaveOpen(staged.id);
    expect(await isOpen(staged)).toBe(false);
  });
});
