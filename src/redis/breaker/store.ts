import type { Redis } from 'ioredis';
import type { Breaker } from '../../pipeline/breaker-ports.js';
import { relayKey } from '../keys.js';
import { relayId } from '../relay-id.js';
import { loadScript, runScript } from '../script.js';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** A relay that nobody asked for so long is asked anew. */
const FORGET_MS = 3_600_000;
/** Longer than a connection takes to be opened, where it can be. */
const PROBE_MS = 30_000;

/** The breaker of a relay: while it can't be used, chunks wait with a growing backoff, the same for all workers. */
export function createBreaker(redis: Redis): Breaker {
  const scripts = {
    ask: loadScript('ask', 'breaker'),
    fault: loadScript('fault', 'breaker'),
    release: loadScript('release', 'breaker'),
  };
  const keyOf = (relay: Parameters<Breaker['clear']>[0]) => relayKey(relayId(relay));

  return {
    async ask(relay, asker) {
      const { status, values } = await runScript(redis, scripts.ask, [keyOf(relay)], [asker, PROBE_MS]);
      if (status === 'open') return { kind: 'open', waitMs: Number(values[0]) };
      return status === 'probe' ? { kind: 'probe' } : { kind: 'closed' };
    },

    async fault(relay, { cause, why }) {
      const args = [FIRST_WAIT_MS, LONGEST_WAIT_MS, FORGET_MS, cause, why];
      return Number((await runScript(redis, scripts.fault, [keyOf(relay)], args)).values[0]);
    },

    async clear(relay) {
      await redis.del(keyOf(relay));
    },

    async release(relay, asker) {
      await runScript(redis, scripts.release, [keyOf(relay)], [asker]);
    },

    async state(relay) {
      const f = await redis.hgetall(keyOf(relay));
      if (!f.since) return null;
      const numbers = { since: Number(f.since), until: Number(f.until), failures: Number(f.failures) };
      return { ...numbers, cause: f.cause ?? '', why: f.why ?? '' };
    },
  };
}
