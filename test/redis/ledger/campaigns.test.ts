import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REASONS } from '../../../src/domain/record.js';
import { STATE_NAMES, STATES } from '../../../src/domain/state.js';
import { sweep } from '../../../src/pipeline/sweep.js';
import { campaignKeys, chunkKeys, stagingKeys } from '../../../src/redis/keys.js';
import { createCampaigns } from '../../../src/redis/ledger/campaigns.js';
import { createStagingStore } from '../../../src/redis/ledger/staging.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import {
  campaignOf,
  checked,
  OPTIONS,
  type Staged,
  sealed,
  sendAll,
  sending,
  TEMPLATE,
  totalsOf,
  writeChunk,
} from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const SHARED = readFileSync(new URL('../../../src/redis/ledger/shared.lua', import.meta.url), 'utf8');
const SILENT = { field: 'heardAt', value: '1' };

async function staging(id: string, nonce: string, chunks = 2): Promise<ReturnType<typeof createStagingStore>> {
  const store = createStagingStore(redis);
  expect(await store.open(id, nonce, 'salt', OPTIONS)).toBe('ok');
  await store.template(id, nonce, TEMPLATE);
  for (let n = 0; n < chunks; n++) await writeChunk(store, { id, nonce, n, perChunk: 3, options: OPTIONS });
  return store;
}

async function ended(how: Parameters<typeof sending>[1] = {}): Promise<Staged> {
  const staged = checked(await sending(redis, how));
  await sendAll(staged);
  expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 'a')).toBe('ok');
  expect(await staged.campaigns.mark(await campaignOf(staged), 'a', '{}')).toBe('ok');
  return staged;
}

describe('a campaign that an older version staged', () => {
  it('has no topic, and keeps who is dead', async () => {
    const staged = await sealed(redis);
    const { topic: _topic, onDead: _onDead, ...older } = staged.options;
    await redis.hset(campaignKeys(staged.id).campaign, 'options', JSON.stringify(older));
    expect((await campaignOf(staged)).options).toEqual({ ...older, topic: null, onDead: 'keep' });
  });
});

describe('the scripts and the types', () => {
  it('number the reasons alike', () => {
    const table = /local REASON = \{([^}]*)\}/.exec(SHARED)?.[1] ?? '';
    const numbers = [...table.matchAll(/(\w+) = (\d+)/g)].map(([, name, number]) => [name, REASONS[Number(number)]]);
    expect(Object.fromEntries(numbers)).toEqual({
      attempts: 'attempts-used',
      expired: 'expired',
      data: 'data-lost',
      chunk: 'chunk-lost',
      cancelled: 'cancelled',
      interrupted: 'interrupted',
      unanswered: 'unanswered',
    });
  });

  it('name the states alike', () => {
    const table = /local STATE_OF = \{([^}]*)\}/.exec(SHARED)?.[1] ?? '';
    const names = [...table.matchAll(/(\w) = '(\w+)'/g)].map(([, byte, name]) => [name, byte]);
    expect(Object.fromEntries(names)).toEqual(Object.fromEntries(STATE_NAMES.map((name) => [name, STATES[name].byte])));
  });
});

describe('staging', () => {
  it('refuses an id that is staged or launched, and lets its own be repeated', async () => {
    const store = await staging('taken', 'n1');
    expect(await store.open('taken', 'n1', 'salt', OPTIONS)).toBe('ok');
    expect(await store.open('taken', 'n2', 'salt', OPTIONS)).toBe('exists');
    await store.seal('taken', 'n1', totalsOf(2, 3), OPTIONS, null);
    expect(await store.open('taken', 'n2', 'salt', OPTIONS)).toBe('exists');
    expect((await createCampaigns(redis).get('taken'))?.phase).toBe('queued');
  });

  it('is not put back to staging by a repeated open after its seal', async () => {
    const store = await staging('resealed', 'n1');
    await store.seal('resealed', 'n1', totalsOf(2, 3), OPTIONS, null);
    await store.open('resealed', 'n1', 'salt', OPTIONS);
    expect((await createCampaigns(redis).get('resealed'))?.phase).toBe('queued');
  });

  it('that was taken over puts no chunk, nor does one that is no more', async () => {
    const old = await staging('putting', 'n1', 1);
    const put = (n: number) => writeChunk(old, { id: 'putting', nonce: 'n1', n, perChunk: 3, options: OPTIONS });
    await redis.hset(campaignKeys('putting').campaign, SILENT.field, SILENT.value);
    await staging('putting', 'n2', 0);
    await expect(put(1)).rejects.toMatchObject({ code: 'CAMPAIGN_TAKEN_OVER' });
    await redis.del(campaignKeys('putting').campaign);
    await expect(put(1)).rejects.toMatchObject({ code: 'CAMPAIGN_TAKEN_OVER' });
    expect(await redis.exists(chunkKeys('putting', 'n1', 1).rows, chunkKeys('putting', 'n1', 1).states)).toBe(0);
  });

  it('that went silent is taken over, and the thawed one can neither be heard nor seal', async () => {
    const thawed = await staging('thawed', 'n1');
    await redis.hset(campaignKeys('thawed').campaign, SILENT.field, SILENT.value);
    const other = await staging('thawed', 'n2', 1);
    await expect(thawed.heard('thawed', 'n1')).rejects.toMatchObject({ code: 'CAMPAIGN_TAKEN_OVER' });
    await expect(thawed.seal('thawed', 'n1', totalsOf(2, 3), OPTIONS, null)).rejects.toMatchObject({
      code: 'CAMPAIGN_TAKEN_OVER',
    });
    await thawed.discard('thawed', 'n1');
    await other.heard('thawed', 'n2');
    await other.seal('thawed', 'n2', totalsOf(1, 3), OPTIONS, null);
    const campaign = await createCampaigns(redis).get('thawed');
    expect(campaign).toMatchObject({ phase: 'queued', nonce: 'n2', totals: { chunks: 1, total: 3 } });
  });

  it('is not sealed while a chunk, its states or the template is missing, or the count is another', async () => {
    const store = await staging('partial', 'n1');
    const keys = chunkKeys('partial', 'n1', 1);
    const seal = (chunks: number, per: number) => store.seal('partial', 'n1', totalsOf(chunks, per), OPTIONS, null);
    await expect(seal(3, 3)).rejects.toMatchObject({ code: 'CAMPAIGN_TAKEN_OVER' });
    await expect(seal(2, 4)).rejects.toMatchObject({ code: 'CAMPAIGN_TAKEN_OVER' });
    await redis.rename(keys.rows, 'fanmail:{partial}:aside');
    await expect(seal(2, 3)).rejects.toMatchObject({ code: 'CAMPAIGN_TAKEN_OVER' });
    await redis.rename('fanmail:{partial}:aside', keys.rows);
    await redis.rename(stagingKeys('partial', 'n1').template(TEMPLATE.digest), 'fanmail:{partial}:aside');
    await expect(seal(2, 3)).rejects.toMatchObject({ code: 'CAMPAIGN_TAKEN_OVER' });
    await redis.rename('fanmail:{partial}:aside', stagingKeys('partial', 'n1').template(TEMPLATE.digest));
    expect((await createCampaigns(redis).get('partial'))?.phase).toBe('staging');
    await seal(2, 3);
    await seal(2, 3);
    expect((await createCampaigns(redis).get('partial'))?.phase).toBe('queued');
  });

  it('can not be sealed once it was cancelled', async () => {
    const store = await staging('cancelled-early', 'n1');
    const campaigns = createCampaigns(redis);
    expect(await campaigns.control('cancelled-early', 'cancel', 'me', '')).toEqual({ kind: 'ok', phase: 'cancelled' });
    await expect(store.heard('cancelled-early', 'n1')).rejects.toMatchObject({ code: 'CAMPAIGN_TAKEN_OVER' });
    await expect(store.seal('cancelled-early', 'n1', totalsOf(2, 3), OPTIONS, null)).rejects.toMatchObject({
      code: 'CAMPAIGN_TAKEN_OVER',
    });
  });

  it('stays in the index of open campaigns although a sweep looks in the middle of its opening', async () => {
    const campaigns = createCampaigns(redis);
    const wake = {
      coordinator: nothing,
      flow: nothing,
      notifier: nothing,
      promote: nothing,
      present: async () => true,
    };
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const interrupted = new Proxy(redis, {
      get(target, name) {
        if (name !== 'callBuffer') return Reflect.get(target, name, target);
        return async (...args: [string, ...(string | Buffer | number)[]]) => {
          await sweep({ campaigns, wake, log });
          return target.callBuffer(...args);
        };
      },
    });
    const store = createStagingStore(interrupted);
    expect(await store.open('indexed', 'n1', 'salt', OPTIONS)).toBe('ok');
    await store.template('indexed', 'n1', TEMPLATE);
    await writeChunk(store, { id: 'indexed', nonce: 'n1', n: 0, perChunk: 3, options: OPTIONS });
    await store.seal('indexed', 'n1', totalsOf(1, 3), OPTIONS, null);
    expect(await campaigns.open()).toContain('indexed');
  });

  it('that was discarded leaves nothing behind', async () => {
    const store = await staging('dropped', 'n1');
    await store.discard('dropped', 'n1');
    const campaigns = createCampaigns(redis);
    expect(await campaigns.get('dropped')).toBeNull();
    expect(await campaigns.open()).not.toContain('dropped');
    expect(await redis.keys('fanmail:{dropped}*')).toEqual([]);
  });

  it('that was sealed after all, its reply lost, is not discarded', async () => {
    const staged = checked(await sealed(redis));
    const { nonce } = (await staged.campaigns.get(staged.id)) ?? { nonce: '' };
    await createStagingStore(redis).discard(staged.id, nonce);
    expect((await staged.campaigns.get(staged.id))?.phase).toBe('queued');
    expect(await redis.exists(chunkKeys(staged.id, nonce, 0).rows)).toBe(1);
  });
});

async function nothing(): Promise<void> {}

describe('starting', () => {
  it('makes sending of queued, may be repeated, and refuses what is staging or ended', async () => {
    const staged = checked(await sealed(redis));
    expect(await staged.campaigns.start(staged.id, 1)).toBe('ok');
    const { startedAt } = await campaignOf(staged);
    expect(await staged.campaigns.start(staged.id, 1)).toBe('ok');
    expect((await campaignOf(staged)).startedAt).toBe(startedAt);
    await staging('not-yet', 'n1');
    expect(await staged.campaigns.start('not-yet', 1)).toBe('phase');
    const over = await ended();
    expect(await over.campaigns.start(over.id, 1)).toBe('phase');
  });

  it('adds one generation for all that saw the same', async () => {
    const staged = checked(await sending(redis));
    expect(await staged.campaigns.regenerate(staged.id, 1, 0)).toBe(1);
    expect(await staged.campaigns.regenerate(staged.id, 1, 0)).toBe(1);
    expect(await staged.campaigns.regenerate(staged.id, 1, 1)).toBe(2);
  });
});
