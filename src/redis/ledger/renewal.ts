import type { Redis } from 'ioredis';
import type { Campaign } from '../../domain/campaign.js';
import { type ChunkKeys, campaignKeys, chunkKeys, stagingKeys } from '../keys.js';
import { ledgerTtlMs, SCRATCH_TTL_MS } from './lifetime.js';

/** Chunks whose keys are renewed in one round trip. */
const BATCH = 500;

/** Renews what an open or paused campaign needs, when half of the scratch's time has gone. */
export async function renew(redis: Redis, campaign: Campaign): Promise<void> {
  const keys = campaignKeys(campaign.id);
  const staging = stagingKeys(campaign.id, campaign.nonce);
  if ((await redis.pttl(staging.template)) > SCRATCH_TTL_MS / 2) return;
  const ttl = ledgerTtlMs(campaign.options);
  await eachChunk(redis, campaign, (pipeline, k) => {
    pipeline.pexpire(k.rows, SCRATCH_TTL_MS);
    for (const key of [k.states, k.records, k.chunk]) pipeline.pexpire(key, ttl);
  });
  for (const key of [...Object.values(keys), staging.done]) await redis.pexpire(key, ttl);
  // Last: a renewal that was cut short is done again.
  await redis.pexpire(staging.template, SCRATCH_TTL_MS);
}

/** After the end: the ledger stays as long as the operator asked, the recipients' data as long as scratch does. */
export async function letExpire(redis: Redis, campaign: Campaign): Promise<void> {
  await eachChunk(redis, campaign, (pipeline, k) => {
    for (const key of [k.states, k.records, k.chunk, k.addresses]) pipeline.pexpire(key, campaign.options.keepMs);
  });
}

type Pipeline = ReturnType<Redis['pipeline']>;

async function eachChunk(redis: Redis, campaign: Campaign, act: (pipeline: Pipeline, keys: ChunkKeys) => void) {
  const chunks = campaign.totals?.chunks ?? 0;
  for (let from = 0; from < chunks; from += BATCH) {
    const pipeline = redis.pipeline();
    for (let n = from; n < Math.min(from + BATCH, chunks); n++)
      act(pipeline, chunkKeys(campaign.id, campaign.nonce, n));
    await pipeline.exec();
  }
}
