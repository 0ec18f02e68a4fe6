import type { Redis } from 'ioredis';
import type { Standing } from '../../domain/campaign.js';
import { type Counters, STATE_NAMES } from '../../domain/state.js';
import { redisNow } from '../clock.js';
import { campaignKeys, stagingKeys } from '../keys.js';
import { parseCampaign } from './parse.js';

/** The window of `ratePerSecond`. */
const RATE_SECONDS = 10;

/** A campaign's figures: a fixed number of small reads, however large it is. Null where there is no such campaign. */
export async function readStanding(redis: Redis, id: string): Promise<Standing | null> {
  const keys = campaignKeys(id);
  const campaign = parseCampaign(id, await redis.hgetall(keys.campaign));
  if (!campaign) return null;
  const [counters, chunksDone, waits, codes, ticks, now] = await Promise.all([
    redis.hgetall(keys.counters),
    redis.bitcount(stagingKeys(id, campaign.nonce).done),
    redis.zrange(keys.waits, '0', '0', 'WITHSCORES'),
    redis.hgetall(keys.codes),
    redis.hgetall(keys.ticks),
    redisNow(redis),
  ]);
  const nextDueAt = waits[1] === undefined ? null : Number(waits[1]);
  return {
    campaign,
    counters: Object.fromEntries(STATE_NAMES.map((name) => [name, Number(counters[name] ?? 0)])) as Counters,
    total: campaign.totals?.total ?? 0,
    chunksDone,
    retries: campaign.retries,
    ratePerSecond: rate(ticks, Math.floor(now / 1000), Math.floor((campaign.startedAt ?? now) / 1000)),
    nextDueAt,
    refusals: Object.entries(codes)
      .map(([code, count]) => ({ code, count: Number(count) }))
      .sort((a, b) => b.count - a.count || a.code.localeCompare(b.code)),
    now,
  };
}

/** Finals per second over the last full seconds of the ring, or over those since the start where there are fewer. */
function rate(ticks: Record<string, string>, nowSeconds: number, startSeconds: number): number {
  const from = Math.max(startSeconds, nowSeconds - RATE_SECONDS);
  let count = 0;
  for (const [second, finals] of Object.entries(ticks)) {
    if (Number(second) < nowSeconds && Number(second) >= from) count += Number(finals);
  }
  return count / Math.max(1, nowSeconds - from);
}
