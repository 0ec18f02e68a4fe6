import type { Redis } from 'ioredis';
import { type Campaign, FORMAT } from '../../domain/campaign.js';
import type { Campaigns, Closed, Control, Notice, NoticeOutcome, Refusal } from '../../pipeline/ports.js';
import { redisNow } from '../clock.js';
import { CAMPAIGNS, campaignKeys, OPEN_CAMPAIGNS, stagingKeys } from '../keys.js';
import { loadScript, runScript } from '../script.js';
import { closed, refusal } from './chunks.js';
import { RETRY_TTL_MS } from './lifetime.js';
import { parseCampaign, parsePhase } from './parse.js';
import { letExpire, renew } from './renewal.js';
import { keepAddresses, readHistogram, readLate, readResults, readWords } from './results.js';
import { readStanding } from './standing.js';

/** Campaigns in the ledger. The clock is Redis's. */
export function createCampaigns(redis: Redis): Campaigns {
  const scripts = {
    start: loadScript('start'),
    span: loadScript('span'),
    judge: loadScript('judge'),
    regenerate: loadScript('regenerate'),
    close: loadScript('close'),
    recover: loadScript('recover'),
    mark: loadScript('mark'),
    control: loadScript('control'),
    notice: loadScript('notice'),
    expire: loadScript('expire'),
  };
  const key = (id: string) => campaignKeys(id).campaign;

  return {
    get: async (id) => parseCampaign(id, await redis.hgetall(key(id))),
    standing: (id) => readStanding(redis, id),
    words: (id) => readWords(redis, id),
    said: async (id) => new Map(Object.entries(await redis.hgetall(campaignKeys(id).said))),
    latencies: (id) => readHistogram(redis, campaignKeys(id).latency),
    timeline: (id) => readHistogram(redis, campaignKeys(id).timeline),
    late: (id) => readLate(redis, id),
    results: (campaign) => readResults(redis, campaign),
    renew: (campaign) => renew(redis, campaign),
    keepAddresses: (campaign, chunk, addresses) => keepAddresses(redis, campaign, chunk, addresses),
    letExpire: (campaign) => letExpire(redis, scripts.expire, campaign),
    summary: (id) => redis.get(campaignKeys(id).summary),
    open: () => redis.smembers(OPEN_CAMPAIGNS),

    async start(id: string, round: number): Promise<'ok' | Closed | Refusal> {
      const { status, values } = await runScript(redis, scripts.start, [key(id)], [FORMAT, round]);
      if (status === 'closed') return closed(values);
      return status === 'ok' ? 'ok' : refusal(status);
    },

    async span({ id, round, closesAt }, next) {
      const args = [FORMAT, round, closesAt ?? '', next.opensAt, next.closesAt ?? ''];
      await runScript(redis, scripts.span, [key(id)], args);
    },

    async judge({ id, nonce, round, options }) {
      const args = [FORMAT, round, stagingKeys(id, nonce).prefix, options.canary?.abortAbove ?? 0];
      const { status, values } = await runScript(redis, scripts.judge, [key(id)], args);
      if (status === 'held') return 'held';
      return status === 'ok' ? verdictOf(String(values[0])) : refusal(status);
    },

    async regenerate(id: string, round: number, seen: number): Promise<number | null> {
      const { status, values } = await runScript(redis, scripts.regenerate, [key(id)], [FORMAT, round, seen]);
      return status === 'ok' ? Number(values[0]) : null;
    },

    async unfinished(campaign: Campaign): Promise<readonly number[]> {
      const done = await redis.getBuffer(stagingKeys(campaign.id, campaign.nonce).done);
      const isDone = (n: number) => (((done?.[n >> 3] ?? 0) >> (7 - (n & 7))) & 1) === 1;
      return Array.from({ length: campaign.totals?.chunks ?? 0 }, (_, n) => n).filter((n) => !isDone(n));
    },

    async close(id, nonce, round, token) {
      const keys = [key(id), stagingKeys(id, nonce).done];
      const { status } = await runScript(redis, scripts.close, keys, [FORMAT, round, token]);
      return status === 'ok' || status === 'open' || status === 'ended' ? status : refusal(status);
    },

    async recover({ id, nonce, round }) {
      const keys = [key(id), campaignKeys(id).counters];
      const args = [FORMAT, round, stagingKeys(id, nonce).prefix];
      const { status, values } = await runScript(redis, scripts.recover, keys, args);
      if (status === 'unsized') return null;
      return status === 'ok' ? Number(values[0]) : 0;
    },

    async mark(campaign, token, summary) {
      const c = campaignKeys(campaign.id);
      const kept = [c.counters, c.words, c.codes, c.said, c.relays, c.ticks, c.latency, c.late, c.waits, c.timeline];
      const done = stagingKeys(campaign.id, campaign.nonce).done;
      const args = [FORMAT, campaign.round, token, summary, campaign.options.keepMs];
      const { status } = await runScript(redis, scripts.mark, [c.campaign, c.summary, ...kept, done], args);
      return status === 'ok' || status === 'ended' || status === 'fenced' ? status : refusal(status);
    },

    async control(id, action, by, reason): Promise<Control> {
      const { status, values } = await runScript(redis, scripts.control, [key(id)], [FORMAT, action, by, reason]);
      if (status === 'ok') return { kind: 'ok', phase: parsePhase(String(values[0])) };
      return { kind: 'refused', why: status === 'ended' ? 'ended' : status === 'format' ? 'format' : 'missing' };
    },

    async notice(id: string, round: number, token: string, outcome: NoticeOutcome | null): Promise<Notice> {
      const { status } = await runScript(redis, scripts.notice, [key(id)], [FORMAT, round, token, outcome ?? '']);
      return status === 'send' || status === 'doubt' || status === 'done' ? status : refusal(status);
    },

    async leaveOpen(id: string): Promise<void> {
      if (await belongsToOpen(redis, id)) return;
      await redis.srem(OPEN_CAMPAIGNS, id);
      // A retry may have opened it since the look.
      if (await belongsToOpen(redis, id)) await redis.sadd(OPEN_CAMPAIGNS, id);
    },
  };
}

function verdictOf(word: string): 'over' | 'failed' | 'nobody' | 'none' {
  if (word === 'over' || word === 'failed' || word === 'nobody' || word === 'none') return word;
  throw new TypeError(`judge.lua returned ${word}`);
}

/** Whether a campaign has not ended, or is about to be opened again. */
async function belongsToOpen(redis: Redis, id: string): Promise<boolean> {
  const [phase, retryingAt] = await redis.hmget(campaignKeys(id).campaign, 'phase', 'retryingAt');
  if (phase == null) return false;
  if (phase !== 'completed' && phase !== 'cancelled') return true;
  return retryingAt != null && (await redisNow(redis)) - Number(retryingAt) < RETRY_TTL_MS;
}

/** Campaign ids, the newest first. */
export async function listCampaigns(redis: Redis, limit: number): Promise<readonly string[]> {
  return redis.zrevrange(CAMPAIGNS, 0, limit - 1);
}

/** Takes a campaign that has expired out of the list. */
export async function forgetCampaign(redis: Redis, id: string): Promise<void> {
  await redis.zrem(CAMPAIGNS, id);
  await redis.srem(OPEN_CAMPAIGNS, id);
}
