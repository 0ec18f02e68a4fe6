import type { Redis } from 'ioredis';
import type { Campaign } from '../../domain/campaign.js';
import { FanmailError } from '../../domain/errors.js';
import { REASONS } from '../../domain/record.js';
import type { LateOutcome } from '../../domain/reopening.js';
import type { ChunkResult } from '../../pipeline/ports.js';
import { packAddresses, unpackAddresses, unpackRecipients } from '../chunk-codec.js';
import { type ChunkKeys, campaignKeys, chunkKeys } from '../keys.js';
import { ledgerTtlMs } from './lifetime.js';

/** Reads every chunk of a campaign once, in order, one at a time: a million recipients never lie in memory together. */
export async function* readResults(redis: Redis, campaign: Campaign): AsyncIterable<ChunkResult> {
  for (let chunk = 0; chunk < (campaign.totals?.chunks ?? 0); chunk++) {
    const keys = chunkKeys(campaign.id, campaign.nonce, chunk);
    // One command: of a campaign that is sending, a record belongs to the state beside it.
    const [states, records] = await redis.mgetBuffer(keys.states, keys.records);
    if (!states) {
      throw new FanmailError(
        'LEDGER_UNBALANCED',
        `the ledger of campaign ${campaign.id} lost the states of chunk ${chunk}`,
        {
          hint: 'the Redis lost what it had acknowledged; check its persistence',
        },
      );
    }
    yield { chunk, states, records: records ?? Buffer.alloc(0), addresses: await readAddresses(redis, keys) };
  }
}

/** Null where they are gone, or are not what fanmail wrote: the worker called the chunk lost then. */
async function readAddresses(redis: Redis, keys: ChunkKeys): Promise<readonly string[] | null> {
  const addresses = await redis.getBuffer(keys.addresses);
  if (addresses) return unpackAddresses(addresses);
  const rows = await redis.getBuffer(keys.rows);
  const recipients = rows && unpackRecipients(rows);
  return recipients?.map((recipient) => recipient.address) ?? null;
}

/** Keeps a chunk's addresses apart from the scratch, so that `report` can name them when that has expired. */
export async function keepAddresses(redis: Redis, campaign: Campaign, chunk: number, addresses: readonly string[]) {
  const keys = chunkKeys(campaign.id, campaign.nonce, chunk);
  await redis.set(keys.addresses, packAddresses(addresses), 'PX', ledgerTtlMs(campaign.options, Date.now()));
}

export async function readWords(redis: Redis, id: string): Promise<ReadonlyMap<number, string>> {
  const words = await redis.hgetall(campaignKeys(id).words);
  return new Map(Object.entries(words).map(([text, number]) => [Number(number), text]));
}

/** A hash of numbers by number. */
export async function readHistogram(redis: Redis, key: string): Promise<ReadonlyMap<number, number>> {
  const buckets = await redis.hgetall(key);
  return new Map(Object.entries(buckets).map(([bucket, count]) => [Number(bucket), Number(count)]));
}

/** Outcomes that came after the close: chunk u32, seconds u32, token u32, then as turn.lua takes them. */
export async function readLate(redis: Redis, id: string): Promise<readonly LateOutcome[]> {
  const words = await redis.lrangeBuffer(campaignKeys(id).late, 0, -1);
  return words.map((word) => ({
    chunk: word.readUInt32BE(0),
    time: word.readUInt32BE(4),
    token: word.readUInt32BE(8),
    index: word.readUInt16BE(12),
    verb: word.toString('latin1', 14, 15),
    reason: REASONS[word[15] ?? 0] ?? 'none',
    code: word.readUInt16BE(16),
    enhanced: word[18] === 255 ? null : [word[18] ?? 0, word[19] ?? 0],
  }));
}
