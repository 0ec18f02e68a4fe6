import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Campaign, CampaignOptions, StagedTotals } from '../../../src/domain/campaign.js';
import type { Reply } from '../../../src/domain/outcome.js';
import type { Recipient } from '../../../src/domain/recipient.js';
import { type RecipientRecord, readRecord } from '../../../src/domain/record.js';
import { classify } from '../../../src/domain/reply-class.js';
import { spanFrom } from '../../../src/domain/span.js';
import { STATE_NAMES, STATES, type State, stateOfByte } from '../../../src/domain/state.js';
import type { Verb, Verdict } from '../../../src/domain/verdict.js';
import type {
  Begun,
  Campaigns,
  ChunkLedger,
  ClaimedChunk,
  Scratch,
  Settlement,
  TemplateText,
  Turn,
} from '../../../src/pipeline/ports.js';
import type { RetryStore } from '../../../src/pipeline/retry-ports.js';
import type { StagingStore } from '../../../src/pipeline/staging-ports.js';
import { redisNow } from '../../../src/redis/clock.js';
import { campaignKeys, chunkKeys } from '../../../src/redis/keys.js';
import { createCampaigns } from '../../../src/redis/ledger/campaigns.js';
import { createChunkLedger } from '../../../src/redis/ledger/chunks.js';
import { createRetryStore } from '../../../src/redis/ledger/retries.js';
import { createStagingStore } from '../../../src/redis/ledger/staging.js';
import { createScratch } from '../../../src/redis/scratch.js';

export const OPTIONS: CampaignOptions = {
  name: 'autumn',
  from: 'news@example.org',
  replyTo: null,
  relay: { host: '127.0.0.1', port: 2525, security: 'plain', user: null },
  attempts: 2,
  retryScheduleMs: [1],
  giveUpMs: 3_600_000,
  onUnknown: 'hold',
  topic: null,
  // Tests share a Redis, and their recipients have the same addresses.
  onDead: 'keep',
  keepMs: 3_600_000,
  notify: null,
  resultsDir: null,
};

export const TEMPLATE: TemplateText = { name: 'plain', subject: 'Hi', html: null, text: 'Hello', digest: '00' };

export function recipients(count: number, from = 0): Recipient[] {
  return Array.from({ length: count }, (_, n) => {
    const variables = Object.assign(Object.create(null) as Record<string, string>, { name: `N${from + n}` });
    return { line: from + n + 2, address: `r${from + n}@example.org`, variables };
  });
}

/** One chunk of a staging, with the recipients that `recipients` makes. */
export async function writeChunk(
  staging: StagingStore,
  to: { id: string; nonce: string; n: number; perChunk: number; options: CampaignOptions },
): Promise<void> {
  const place = { number: to.n, first: to.n * to.perChunk };
  const chunk = staging.chunk(to.id, to.nonce, place, ['name'], to.options);
  chunk.add(recipients(to.perChunk, to.n * to.perChunk));
  await chunk.write();
}

export function totalsOf(chunks: number, perChunk: number): StagedTotals {
  const total = chunks * perChunk;
  return { total, chunks, rows: total, rejects: {}, listDigest: 'aa', templateDigest: TEMPLATE.digest };
}

export interface Staged {
  readonly id: string;
  readonly nonce: string;
  readonly redis: Redis;
  readonly staging: StagingStore;
  readonly campaigns: Campaigns;
  readonly ledger: ChunkLedger;
  readonly scratch: Scratch;
  readonly retries: RetryStore;
  readonly chunks: number;
  readonly perChunk: number;
  readonly options: CampaignOptions;
}

/** A sealed campaign: k chunks of n recipients, queued. */
export async function sealed(
  redis: Redis,
  {
    chunks = 2,
    perChunk = 3,
    id = `c-${randomUUID()}`,
    ...options
  }: Partial<CampaignOptions> & {
    chunks?: number;
    perChunk?: number;
    id?: string;
  } = {},
): Promise<Staged> {
  const staging = createStagingStore(redis);
  const chosen = { ...OPTIONS, ...options };
  const nonce = randomUUID();
  const opened = await staging.open(id, nonce, 'salt', chosen);
  if (opened !== 'ok') throw new Error(`the id ${id} is taken`);
  await staging.template(id, nonce, TEMPLATE);
  for (let n = 0; n < chunks; n++) await writeChunk(staging, { id, nonce, n, perChunk, options: chosen });
  const span = chosen.schedule ? await spanFrom(chosen.schedule, await redisNow(redis)) : null;
  await staging.seal(id, nonce, totalsOf(chunks, perChunk), chosen, span);
  const stores = { scratch: createScratch(redis), retries: createRetryStore(redis) };
  const rest = { chunks, perChunk, options: chosen, ...stores };
  return { id, nonce, redis, staging, campaigns: createCampaigns(redis), ledger: createChunkLedger(redis), ...rest };
}

/** The same, sending. */
export async function sending(redis: Redis, how: Parameters<typeof sealed>[1] = {}): Promise<Staged> {
  const staged = await sealed(redis, how);
  await staged.campaigns.start(staged.id, 1);
  return staged;
}

export async function claimed(staged: Staged, chunk = 0): Promise<ClaimedChunk> {
  const claim = await staged.ledger.claim({ campaign: staged.id, round: 1, chunk }, staged.nonce);
  if (claim.kind !== 'claimed') throw new Error(`no claim: ${JSON.stringify(claim)}`);
  return claim.claim;
}

export async function campaignOf(staged: Staged): Promise<Campaign> {
  const campaign = await staged.campaigns.get(staged.id);
  if (!campaign) throw new Error('no campaign');
  return campaign;
}

/** Intents alone. */
export async function begin(ledger: ChunkLedger, chunk: ClaimedChunk, indices: readonly number[]): Promise<Begun> {
  return (await ledger.turn(chunk, [], indices)).begun;
}

/** Outcomes alone. */
export async function settle(
  ledger: ChunkLedger,
  chunk: ClaimedChunk,
  settlements: readonly Settlement[],
): Promise<Turn['settled']> {
  return (await ledger.turn(chunk, settlements, [])).settled;
}

export const OK: Reply = { code: 250, text: 'queued' };
export const GONE: Reply = { code: 550, enhanced: [1, 1], text: 'no such user' };
export const BUSY: Reply = { code: 451, enhanced: [3, 0], text: 'come back' };

const REPLIES: Partial<Record<Verb, Reply>> = { sent: OK, failed: GONE, deferred: BUSY };

export function verdict(verb: Verb, more: Partial<Verdict> = {}): Verdict {
  const reply = REPLIES[verb] ?? null;
  const reason = verb === 'unknown' ? 'unanswered' : reply ? 'reply' : 'dropped';
  const replyClass = reply && reply.code >= 400 ? classify(reply) : null;
  return {
    verb,
    reason,
    reply,
    replyClass,
    latencyMs: reply ? 4 : null,
    delayMs: verb === 'deferred' ? 1 : 0,
    ...more,
  };
}

/** The bytes of all chunks, one string. */
export async function bytesOf(staged: Staged): Promise<string> {
  const all = await Promise.all(
    Array.from({ length: staged.chunks }, (_, n) => staged.redis.get(chunkKeys(staged.id, staged.nonce, n).states)),
  );
  return all.map((bytes) => bytes ?? '').join('');
}

export async function countersOf(staged: Staged): Promise<Record<State, number>> {
  const raw = await staged.redis.hgetall(campaignKeys(staged.id).counters);
  return Object.fromEntries(STATE_NAMES.map((name) => [name, Number(raw[name] ?? Number.NaN)])) as Record<
    State,
    number
  >;
}

export async function recordOf(staged: Staged, index: number, chunk = 0): Promise<RecipientRecord> {
  const raw = await staged.redis.getBuffer(chunkKeys(staged.id, staged.nonce, chunk).records);
  return readRecord(raw ?? Buffer.alloc(0), index);
}

/** Invariant 1: the counters add up to the total and equal a recount of the bytes. Throws where they don't. */
export async function assertBalanced(staged: Staged): Promise<void> {
  const [bytes, counters] = await Promise.all([bytesOf(staged), countersOf(staged)]);
  const recount = Object.fromEntries(STATE_NAMES.map((name) => [name, 0])) as Record<State, number>;
  for (const byte of Buffer.from(bytes)) {
    const state = stateOfByte(byte);
    if (!state) throw new Error(`the ledger holds a byte ${byte}: ${bytes}`);
    recount[state]++;
  }
  const total = staged.chunks * staged.perChunk;
  const sum = STATE_NAMES.reduce((all, name) => all + counters[name], 0);
  if (bytes.length !== total || sum !== total || STATE_NAMES.some((name) => recount[name] !== counters[name])) {
    throw new Error(`unbalanced: total ${total}, bytes ${bytes}, counters ${JSON.stringify(counters)}`);
  }
}

export const FINAL_BYTES = STATE_NAMES.filter((name) => STATES[name].final).map((name) => STATES[name].byte);

/** A ledger whose every operation is followed by a check of invariant 1. */
export function checked(staged: Staged): Staged {
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name, receiver) {
        const value: unknown = Reflect.get(object, name, receiver);
        if (typeof value !== 'function' || name === 'results') return value;
        return async (...args: unknown[]) => {
          const result: unknown = await Reflect.apply(value, object, args);
          await assertBalanced(staged);
          return result;
        };
      },
    });
  return { ...staged, ledger: guard(staged.ledger), campaigns: guard(staged.campaigns) };
}

/** Every key of a campaign that would stay for ever. */
export async function keysWithoutExpiry(staged: Staged): Promise<string[]> {
  const keys = (await staged.redis.keys('fanmail:*')).filter((key) => key.includes(`{${staged.id}}`));
  const ttls = await Promise.all(keys.map((key) => staged.redis.pttl(key)));
  return keys
    .filter((_, n) => ttls[n] === -1)
    .map((key) => key.replace(staged.nonce, 'NONCE').replace(staged.id, 'ID'))
    .sort();
}

/** Sends everything of a chunk and finishes it. */
export async function finishChunk(staged: Staged, n: number): Promise<void> {
  const chunk = await claimed(staged, n);
  const all = Array.from({ length: staged.perChunk }, (_, i) => i);
  await begin(staged.ledger, chunk, all);
  await settle(
    staged.ledger,
    chunk,
    all.map((index) => ({ index, verdict: verdict('sent') })),
  );
  await staged.ledger.finish(chunk);
}

/** Sends everything of a campaign and finishes each chunk. */
export async function sendAll(staged: Staged): Promise<void> {
  for (let n = 0; n < staged.chunks; n++) await finishChunk(staged, n);
}
