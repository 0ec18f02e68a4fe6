import type { Redis } from 'ioredis';
import { type Campaign, FORMAT } from '../../domain/campaign.js';
import type { Reopened, RetryStore, StagedRound } from '../../pipeline/retry-ports.js';
import { campaignKeys, OPEN_CAMPAIGNS, retryKeys, stagingKeys } from '../keys.js';
import { loadScript, runScript } from '../script.js';
import { refusal } from './chunks.js';
import { ledgerTtlMs, RETRY_TTL_MS, SCRATCH_TTL_MS } from './lifetime.js';
import { renewAll } from './renewal.js';

/** Of a chunk in what reopen.lua takes: its number, and whether anybody in it is open. */
const PIECE_BYTES = 5;
const BATCH = 500;

/** A retry's side of the ledger: stage what chunks become, then reopen. What it stages expires by itself. */
export function createRetryStore(redis: Redis): RetryStore {
  const scripts = { retry: loadScript('retry'), reopen: loadScript('reopen') };

  return {
    async begin(campaign) {
      const args = [FORMAT, campaign.round];
      const { status } = await runScript(redis, scripts.retry, [campaignKeys(campaign.id).campaign], args);
      if (status !== 'ok') return refusal(status);
      await redis.sadd(OPEN_CAMPAIGNS, campaign.id);
      // So that nothing goes away between the look at it and the step that needs it.
      await renewAll(redis, campaign);
      return 'ok';
    },

    async stage({ id, nonce }, retry, chunk, { states, records }) {
      const keys = retryKeys(id, nonce, retry, chunk);
      await redis
        .multi()
        .set(keys.states, states, 'PX', RETRY_TTL_MS)
        .set(keys.records, records, 'PX', RETRY_TTL_MS)
        .exec();
    },

    async reopen(campaign, retry, round): Promise<Reopened> {
      const c = campaignKeys(campaign.id);
      const { done, prefix } = stagingKeys(campaign.id, campaign.nonce);
      const keys = [c.campaign, c.counters, done, c.late, c.waits];
      const { status } = await runScript(redis, scripts.reopen, keys, argsOf(campaign, retry, prefix, round));
      if (status === 'late' || status === 'incomplete') return status;
      if (status !== 'ok') return refusal(status);
      // Whoever read that it had ended, and took it out meanwhile, may have been killed before a second look.
      await redis.sadd(OPEN_CAMPAIGNS, campaign.id);
      return 'ok';
    },

    async discard({ id, nonce }, retry, chunks) {
      for (let from = 0; from < chunks.length; from += BATCH) {
        const keys = chunks.slice(from, from + BATCH).map((chunk) => retryKeys(id, nonce, retry, chunk));
        await redis.unlink(...keys.flatMap(({ states, records }) => [states, records]));
      }
    },
  };
}

function argsOf(campaign: Campaign, retry: string, prefix: string, round: StagedRound): (string | number | Buffer)[] {
  const chunks = Buffer.alloc(round.chunks.length * PIECE_BYTES);
  round.chunks.forEach(({ chunk, open }, i) => {
    chunks.writeUInt32BE(chunk, i * PIECE_BYTES);
    chunks[i * PIECE_BYTES + 4] = open ? 1 : 0;
  });
  const { lateWords, counters, opening, rounds } = round;
  const texts = [JSON.stringify(counters), JSON.stringify(opening), JSON.stringify(rounds)];
  const lifetimes = [ledgerTtlMs(campaign.options, Date.now()), SCRATCH_TTL_MS];
  const when = [round.span?.opensAt ?? '', round.span?.closesAt ?? ''];
  return [FORMAT, campaign.round, retry, prefix, chunks, lateWords, ...texts, ...lifetimes, ...when];
}
