import type { Redis } from 'ioredis';
import { LEASE_MS, type PaceGrant, type PaceState, type PaceStore, type SlowGroup } from '../../pipeline/pace-ports.js';
import { paceKeys } from '../keys.js';
import { relayId } from '../relay-id.js';
import { loadScript, runScript } from '../script.js';

/** How far ahead slots are given: what a process takes along when it dies, and what a slow Redis may take for an answer. */
const HORIZON_US = 500_000;
/** The least that a throttled group is cut to, a second. */
const LEAST_RATE = 0.1;
/** After that long without throttling a group is as any other. */
const SLOW_FOR_MS = 600_000;
/** Groups that are remembered as slow: a list can hold any number of domains. */
const MOST_SLOW = 1_000;
/** An operator's limit of a relay is forgotten after this long without a launch. */
const LIMIT_KEPT_MS = 90 * 86_400_000;

/** The pace in Redis: see the scripts beside this file. */
export function createPaceStore(redis: Redis): PaceStore {
  const scripts = {
    reserve: loadScript('reserve', 'pace'),
    limits: loadScript('limits', 'pace'),
    throttled: loadScript('throttled', 'pace'),
    lease: loadScript('lease', 'pace'),
  };

  async function limitsOf(keys: ReturnType<typeof paceKeys>): Promise<PaceState> {
    const { values } = await runScript(redis, scripts.limits, [keys.relay, keys.limit, keys.slow], []);
    const [limit = '', ...rest] = values.map(String);
    const slow: SlowGroup[] = [];
    for (let at = 0; at + 4 < rest.length; at += 5) {
      const [group = '', rate, cutAt, nextAt, leftMs] = rest.slice(at);
      const times = { cutAt: Math.round(Number(cutAt) / 1000), nextAt: Math.ceil(Number(nextAt) / 1000) };
      slow.push({ group, perSecond: Number(rate), ...times, leftMs: Number(leftMs) });
    }
    return { perSecond: limit === '' ? null : Number(limit), slow };
  }

  return {
    async reserve(relay, campaign, perSecond, asks) {
      const k = paceKeys(relayId(relay));
      const keys = [k.relay, k.campaign(campaign), k.limit];
      const args = asks.flatMap((ask) => [ask.group, ask.wanted, ask.perSecond ?? 0]);
      const { values } = await runScript(redis, scripts.reserve, keys, [HORIZON_US, perSecond ?? 0, ...args]);
      return values.map((value) => grantOf(Buffer.isBuffer(value) ? value : Buffer.alloc(8)));
    },

    async limits(relay) {
      const { perSecond, slow } = await limitsOf(paceKeys(relayId(relay)));
      return { perSecond, slow: new Map(slow.map(({ group, cutAt }) => [group, cutAt])) };
    },

    state: (relay) => limitsOf(paceKeys(relayId(relay))),

    async throttled(relay, { group, acceptedPerSecond, share, answers, known }) {
      const k = paceKeys(relayId(relay));
      const args = [group, acceptedPerSecond, share, answers, known ? 1 : 0, LEAST_RATE, SLOW_FOR_MS, MOST_SLOW];
      await runScript(redis, scripts.throttled, [k.rate(group), k.slow], args);
    },

    async lease(relay, group, owner, wanted, limit) {
      const keys = [paceKeys(relayId(relay)).leases(group)];
      const { values } = await runScript(redis, scripts.lease, keys, [owner, wanted, limit, LEASE_MS]);
      return Number(values[0]);
    },

    async limitRelay(relay, perSecond) {
      const { limit } = paceKeys(relayId(relay));
      if (perSecond === null) await redis.del(limit);
      else await redis.set(limit, perSecond, 'PX', LIMIT_KEPT_MS);
    },
  };
}

function grantOf(packed: Buffer): PaceGrant {
  const slots: number[] = [];
  for (let at = 8; at + 3 < packed.length; at += 4) slots.push(packed.readUInt32BE(at) / 1000);
  return { slots, waitMs: packed.readUInt32BE(0) / 1000, intervalMs: packed.readUInt32BE(4) / 1000 };
}
