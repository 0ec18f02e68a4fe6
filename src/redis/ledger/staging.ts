import type { Redis } from 'ioredis';
import { type CampaignOptions, FORMAT, type StagedTotals } from '../../domain/campaign.js';
import { FanmailError } from '../../domain/errors.js';
import { canaryPart } from '../../domain/schedule.js';
import { STATES } from '../../domain/state.js';
import type { TemplateText } from '../../pipeline/ports.js';
import type { ChunkPlace, StagingStore } from '../../pipeline/staging-ports.js';
import { CAMPAIGNS, campaignKeys, chunkKeys, OPEN_CAMPAIGNS, stagingKeys } from '../keys.js';
import { loadScript, runScript } from '../script.js';
import { ledgerTtlMs, SCRATCH_TTL_MS } from './lifetime.js';
import { renewAll } from './renewal.js';
import { roomIn } from './room.js';
import { stagedChunk } from './staged-chunk.js';

/** A staging that was silent for so long can be taken over. */
const SILENT_MS = 60_000;

/** Staging's side of the ledger: open, put chunks, seal. Everything it writes expires by itself. */
export function createStagingStore(redis: Redis): StagingStore {
  /** Chunks written, and the template's key, by nonce: what is given up must not lie in Redis for days. */
  const written = new Map<string, number>();
  const templates = new Map<string, string>();
  const scripts = {
    open: loadScript('open'),
    put: loadScript('put'),
    heard: loadScript('heard'),
    seal: loadScript('seal'),
  };

  return {
    async open(id: string, nonce: string, salt: string, options: CampaignOptions): Promise<'ok' | 'exists'> {
      // Indexed before it is staged: whatever is in Redis of a campaign can be found.
      await redis.zadd(CAMPAIGNS, 'NX', Date.now(), id);
      await redis.sadd(OPEN_CAMPAIGNS, id);
      const fields = [
        ...['salt', salt, 'options', JSON.stringify(options), 'attempts', options.attempts],
        ...['onUnknown', options.onUnknown, 'giveUpMs', options.giveUpMs, 'keepMs', options.keepMs],
      ];
      const args = [FORMAT, nonce, SILENT_MS, SCRATCH_TTL_MS, ...fields];
      const { status } = await runScript(redis, scripts.open, [campaignKeys(id).campaign], args);
      return status === 'ok' ? 'ok' : 'exists';
    },

    async template(id: string, nonce: string, template: TemplateText): Promise<void> {
      const key = stagingKeys(id, nonce).template(template.digest);
      templates.set(nonce, key);
      await redis.set(key, JSON.stringify(template), 'PX', SCRATCH_TTL_MS);
    },

    async contents(id: string, nonce: string, contents): Promise<void> {
      if (contents.size === 0) return;
      const key = stagingKeys(id, nonce).contents;
      const written = Array.from(contents, ([digest, content]) => redis.hset(key, digest, content));
      await Promise.all([...written, redis.pexpire(key, SCRATCH_TTL_MS)]);
    },

    room: () => roomIn(redis),

    chunk(id: string, nonce: string, { number, first }: ChunkPlace, columns, options) {
      const { chunk: key, states, rows: rowsKey } = chunkKeys(id, nonce, number);
      const keys = [campaignKeys(id).campaign, key, states, rowsKey];
      return stagedChunk(columns, async (rows, size) => {
        written.set(nonce, Math.max(number + 1, written.get(nonce) ?? 0));
        const part = options.canary ? canaryPart(options.canary, first, size) : 0;
        const ttls = [SCRATCH_TTL_MS, ledgerTtlMs(options, Date.now())];
        const args = [FORMAT, nonce, rows, size, STATES.pending.byte, ...ttls, part];
        const { status } = await runScript(redis, scripts.put, keys, args);
        if (status !== 'ok') throw takenOver(id);
      });
    },

    async heard(id: string, nonce: string): Promise<void> {
      const args = [FORMAT, nonce, SCRATCH_TTL_MS];
      // A sweep that came before the campaign's hash was there may have taken it out.
      await redis.sadd(OPEN_CAMPAIGNS, id);
      const { status } = await runScript(redis, scripts.heard, [campaignKeys(id).campaign], args);
      if (status !== 'ok') throw takenOver(id);
    },

    async seal(id, nonce, totals: StagedTotals, options: CampaignOptions, span): Promise<void> {
      // Before the seal: a sealed campaign that the sweep doesn't know would be nobody's.
      await redis.sadd(OPEN_CAMPAIGNS, id);
      // Its time may be far away, and nobody renews it where no worker runs before.
      if (options.schedule?.at) await renewAll(redis, { id, nonce, options, totals });
      const keys = campaignKeys(id);
      const { prefix } = stagingKeys(id, nonce);
      const counts = [totals.chunks, totals.total, JSON.stringify(totals)];
      const lasting = [options.giveUpMs, ledgerTtlMs(options, Date.now())];
      const when = [span?.opensAt ?? '', span?.closesAt ?? '', options.canary?.holdMs ?? ''];
      const args = [FORMAT, nonce, prefix, ...counts, ...lasting, ...when];
      const { status } = await runScript(redis, scripts.seal, [keys.campaign, keys.counters], args);
      if (status !== 'ok') throw takenOver(id);
    },

    async discard(id: string, nonce: string): Promise<void> {
      const key = campaignKeys(id).campaign;
      const [phase, holder] = await redis.hmget(key, 'phase', 'nonce');
      // Sealed after all, its reply lost: then it is a campaign, and its chunks are needed.
      if (holder === nonce && phase !== 'staging' && phase !== 'cancelled') return;
      if (holder === nonce && phase === 'staging') {
        await redis.del(key);
        await redis.zrem(CAMPAIGNS, id);
        await redis.srem(OPEN_CAMPAIGNS, id);
      }
      await redis.unlink(stagingKeys(id, nonce).contents);
      const template = templates.get(nonce);
      if (template !== undefined) await redis.unlink(template);
      await removeChunks(redis, id, nonce, written.get(nonce) ?? 0);
    },
  };
}

/** Of this nonce alone, so nobody else's, whoever has the id by now. */
async function removeChunks(redis: Redis, id: string, nonce: string, chunks: number): Promise<void> {
  for (let n = 0; n < chunks; n++) {
    const keys = chunkKeys(id, nonce, n);
    await redis.unlink(keys.rows, keys.states, keys.chunk);
  }
}

function takenOver(id: string): FanmailError {
  return new FanmailError(
    'CAMPAIGN_TAKEN_OVER',
    `the staging of ${id} was cancelled, taken over or lost some of its chunks`,
    {
      hint: `nothing was sent by this launch; see fanmail progress ${id}, or launch again under another --id`,
    },
  );
}
