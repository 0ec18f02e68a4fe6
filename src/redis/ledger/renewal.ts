import type { Redis } from 'ioredis';
import type { Campaign } from '../../domain/campaign.js';
import { campaignKeys, chunkKeys, stagingKeys } from '../keys.js';
import { ledgerTtlMs, SCRATCH_TTL_MS } from './lifetime.js';

/** Chunks whose keys are renewed in one round trip. */
const BATCH = 500;

/** Renews what an open or paused campaign needs, when half of the scratch's time has gone. */
export async function renew(redis: Redis, campaign: Campaign): Promise<void> {
  const keys = campaignKeys(campaign.id);
  const staging = stagingKeys(campaign.id, campaign.nonce);
  if ((await redis.pttl(staging.template)) > SCRATCH_TTL_MS / 2) return;
  const ttl = ledgerTtlMs(campaign.options);
  const chunks = campaign.totals?.chunks ?? 0;
  for (let from = 0; from < chunks; from += BATCH) {
    const pipeline = redis.pipeline();
    for (let n = from; n < Math.min(from + BATCH, chunks); n++) {
      const k = chunkKeys(campaign.id, campaign.nonce, n);
      pipeline.pexpire(k.rows, SCRATCH_TTL_MS);
      for (const key of [k.states, k.records, k.chunk]) pipeline.pexpire(key, ttl);
    }
    await pipeline.exec();
  }
  for (const key of [...Object.values(keys), staging.done]) await redis.pexpire(key, ttl);
  // Last: a renewal that was cut short is done again.
  await redis.pexpire(staging.template, SCRATCH_TTL_MS);
}
