import type { Redis } from 'ioredis';
import { type Campaign, FORMAT } from '../../domain/campaign.js';
import { type ChunkKeys, campaignKeys, chunkKeys, stagingKeys } from '../keys.js';
import { runScript, type Script } from '../script.js';
import { ledgerTtlMs, SCRATCH_TTL_MS, scratchTtlMs } from './lifetime.js';

type Lasting = Pick<Campaign, 'id' | 'nonce' | 'options' | 'totals'>;

/** Chunks whose keys are renewed in one round trip. */
const BATCH = 500;

/** Renews what an open or paused campaign needs, when half of the scratch's time has gone. */
export async function renew(redis: Redis, campaign: Campaign): Promise<void> {
  if ((await redis.pttl(templateKey(campaign))) > SCRATCH_TTL_MS / 2) return;
  await renewAll(redis, campaign);
}

function templateKey({ id, nonce, totals }: Lasting): string {
  return stagingKeys(id, nonce).template(totals?.templateDigest ?? '');
}

/** Gives all keys of a campaign the time to live that an open one's have; those that are gone stay so. */
export async function renewAll(redis: Redis, campaign: Lasting): Promise<void> {
  const keys = campaignKeys(campaign.id);
  const staging = stagingKeys(campaign.id, campaign.nonce);
  const [ttl, scratchTtl] = [ledgerTtlMs(campaign.options, Date.now()), scratchTtlMs(campaign.options, Date.now())];
  await eachBatch(campaign, async (first, last) => {
    const pipeline = redis.pipeline();
    for (let n = first; n <= last; n++) {
      const k: ChunkKeys = chunkKeys(campaign.id, campaign.nonce, n);
      pipeline.pexpire(k.rows, scratchTtl);
      for (const key of [k.states, k.records, k.chunk, k.addresses]) pipeline.pexpire(key, ttl);
    }
    await pipeline.exec();
    return true;
  });
  for (const key of [...Object.values(keys), staging.done]) await redis.pexpire(key, ttl);
  await redis.pexpire(staging.contents, scratchTtl);
  // Last: a renewal that was cut short is done again.
  await redis.pexpire(templateKey(campaign), scratchTtl);
}

/**
 * After the end: the ledger stays as long as the operator asked, the recipients' data as long as scratch does. Stops where a
 * retry has opened the campaign again.
 */
export async function letExpire(redis: Redis, expire: Script, campaign: Campaign): Promise<void> {
  const { id, nonce, round, options } = campaign;
  const { prefix } = stagingKeys(id, nonce);
  await eachBatch(campaign, async (first, last) => {
    const args = [FORMAT, round, prefix, first, last, options.keepMs];
    return (await runScript(redis, expire, [campaignKeys(id).campaign], args)).status === 'ok';
  });
}

/** Acts on the chunks from `first` to `last` until it answers that it is over. */
async function eachBatch(campaign: Lasting, act: (first: number, last: number) => Promise<boolean>): Promise<void> {
  const chunks = campaign.totals?.chunks ?? 0;
  for (let first = 0; first < chunks; first += BATCH) {
    if (!(await act(first, Math.min(first + BATCH, chunks) - 1))) return;
  }
}
