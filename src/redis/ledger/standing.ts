import type { Redis } from 'ioredis';
import type { RelayFigures, Standing } from '../../domain/campaign.js';
import { REPLY_CLASSES, type ReplyClass } from '../../domain/reply-class.js';
import { type Counters, STATE_NAMES } from '../../domain/state.js';
import { VERBS, type Verb } from '../../domain/verdict.js';
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
  const { relays } = campaign.options;
  const [counters, chunksDone, waits, codes, ticks, byRelay, now] = await Promise.all([
    redis.hgetall(keys.counters),
    redis.bitcount(stagingKeys(id, campaign.nonce).done),
    redis.zrange(keys.waits, '0', '0', 'WITHSCORES'),
    redis.hgetall(keys.codes),
    redis.hgetall(keys.ticks),
    relays ? redis.hgetall(keys.relays) : {},
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
    relays: (relays ?? []).map((_, at) => figuresOf(byRelay, at + 1)),
    nextDueAt,
    refusals: Object.entries(codes)
      .map(([name, count]) => ({ ...parseRefusal(name), count: Number(count) }))
      .sort((a, b) => b.count - a.count || a.code.localeCompare(b.code)),
    now,
  };
}

/** Of one relay, by the verbs that settle it. */
function figuresOf(byRelay: Record<string, string>, number: number): RelayFigures {
  const of = (verb: Verb) => Number(byRelay[`${number} ${VERBS[verb]}`] ?? 0);
  const [sent, failed, deferred] = [of('sent'), of('failed'), of('deferred')];
  return { sent, failed, deferred, throttled: of('waiting'), unknown: of('unknown') };
}

/** `550 5.1.1 dead`; the class is missing where an older version counted. */
function parseRefusal(name: string): { code: string; replyClass: ReplyClass | null } {
  const found = REPLY_CLASSES.find((each) => name.endsWith(` ${each}`));
  return { code: found ? name.slice(0, -found.length - 1) : name, replyClass: found ?? null };
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
