import type { Redis } from 'ioredis';
import type { Wake } from './pipeline/ports.js';
import { createBreaker } from './redis/breaker/store.js';
import { QUEUE_PREFIX } from './redis/keys.js';
import { createCampaigns } from './redis/ledger/campaigns.js';
import { createChunkLedger } from './redis/ledger/chunks.js';
import { createRetryStore } from './redis/ledger/retries.js';
import { createStagingStore } from './redis/ledger/staging.js';
import { createPaceStore } from './redis/pace/store.js';
import { createPresence } from './redis/presence.js';
import { createScratch } from './redis/scratch.js';
import { createSuppression } from './redis/suppression/store.js';

/** Everything that lives in one Redis. */
export function openBackend(redis: Redis) {
  let opening: Promise<Wake & { close(): Promise<void> }> | null = null;
  return {
    redis,
    campaigns: createCampaigns(redis),
    ledger: createChunkLedger(redis),
    staging: createStagingStore(redis),
    retries: createRetryStore(redis),
    scratch: createScratch(redis),
    breaker: createBreaker(redis),
    pace: createPaceStore(redis),
    presence: createPresence(redis),
    suppression: createSuppression(redis),
    /** The queue, loaded when it is needed: most commands only look at the ledger, and it takes a while. */
    wake(): Promise<Wake> {
      opening ??= import('./queue/wake.js').then(({ createWake }) => createWake(redis, QUEUE_PREFIX));
      return opening;
    },
    async close(): Promise<void> {
      await (await opening)?.close();
      redis.disconnect();
    },
  };
}
export type Backend = ReturnType<typeof openBackend>;
