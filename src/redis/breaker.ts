import type { Redis } from 'ioredis';
import type { RelayIdentity } from '../domain/campaign.js';
import type { RelayFault } from '../domain/outcome.js';
import type { Breaker, BreakerState } from '../pipeline/ports.js';
import { redisNow } from './clock.js';
import { relayKey } from './keys.js';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** A relay that nobody asked for so long is asked anew. */
const FORGET_MS = 3_600_000;

/**
 * The breaker of a relay: while it can't be reached, chunks wait with a growing backoff, the same for all workers.
 * A wrong value costs a moment and no message, so plain commands do.
 */
export function createBreaker(redis: Redis): Breaker {
  return {
    async waitMs(relay: RelayIdentity): Promise<number> {
      const until = await redis.hget(keyOf(relay), 'until');
      return until === null ? 0 : Math.max(0, Number(until) - (await redisNow(redis)));
    },

    async fault(relay: RelayIdentity, { cause, why }: RelayFault): Promise<number> {
      const key = keyOf(relay);
      const at = await redisNow(redis);
      const open = await redis.hmget(key, 'until', 'failures');
      // Several connections that fail together are one failure.
      if (open[0] && Number(open[0]) > at) return Number(open[0]) - at;
      const failures = Number(open[1] ?? 0) + 1;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
      const fields = { failures, until: at + wait, cause, why };
      await redis.multi().hsetnx(key, 'since', at).hset(key, fields).pexpire(key, FORGET_MS).exec();
      return wait;
    },

    async clear(relay: RelayIdentity): Promise<void> {
      await redis.del(keyOf(relay));
    },

    async state(relay: RelayIdentity): Promise<BreakerState | null> {
      const f = await redis.hgetall(keyOf(relay));
      if (!f.since) return null;
      const numbers = { since: Number(f.since), until: Number(f.until), failures: Number(f.failures) };
      return { ...numbers, cause: f.cause ?? '', why: f.why ?? '' };
    },
  };
}

function keyOf(relay: RelayIdentity): string {
  return relayKey(`${relay.host}:${relay.port}:${relay.user ?? ''}`);
}
