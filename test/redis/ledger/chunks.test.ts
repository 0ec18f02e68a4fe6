import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FORMAT } from '../../../src/domain/campaign.js';
import type { ClaimedChunk } from '../../../src/pipeline/ports.js';
import { campaignKeys, chunkKeys } from '../../../src/redis/keys.js';
import { freshRedis, type TestRedis } from '../../support/redis.js';
import { assertBalanced, begin, bytesOf, checked, claimed, recordOf, sending, settle, verdict } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const open = async (how: Parameters<typeof sending>[1] = {}) => checked(await sending(redis, how));
const one = (index: number, ...args: Parameters<typeof verdict>) => [{ index, verdict: verdict(...args) }];

async function everyKey(): Promise<string[]> {
  return (await redis.keys('*')).sort();
}

describe('a campaign that the scripts must not touch', () => {
  it('is refused as missing without creating a key', async () => {
    const staged = await open();
    const chunk = await claimed(staged);
    const gone: ClaimedChunk = { ...chunk, campaign: 'never-launched' };
    const before = await everyKey();
    const { ledger, campaigns } = staged;
    expect(await ledger.claim(gone, gone.nonce)).toEqual({ kind: 'refused', why: 'missing' });
    expect(await begin(ledger, gone, [0])).toEqual({ kind: 'stopped', why: 'missing' });
    expect(await settle(ledger, gone, one(0, 'sent'))).toBe('refused');
    expect(await ledger.finish(gone)).toEqual({ kind: 'refused', why: 'missing' });
    await ledger.lose(gone, 'data-lost');
    expect(await campaigns.start('never-launched', 1)).toBe('missing');
    expect(await campaigns.regenerate('never-launched', 1, 0)).toBeNull();
    expect(await campaigns.close('never-launched', 'n', 1, 't')).toBe('missing');
    expect(await campaigns.control('never-launched', 'pause', 'me', 'why')).toEqual({
      kind: 'refused',
      why: 'missing',
    });
    expect(await campaigns.notice('never-launched', 1, 't', null)).toBe('missing');
    const campaign = await campaigns.get(staged.id);
    expect(campaign && (await campaigns.mark({ ...campaign, id: 'never-launched' }, 't', '{}'))).toBe('missing');
    expect(await everyKey()).toEqual(before);
  });

  it.each([FORMAT - 1, FORMAT + 1])('of another format, %i, is refused and left as it is', async (format) => {
    const staged = await open();
    const chunk = await claimed(staged);
    await redis.hset(campaignKeys(staged.id).campaign, 'format', format);
    const { ledger, campaigns } = staged;
    expect(await ledger.claim(chunk, chunk.nonce)).toEqual({ kind: 'refused', why: 'format' });
    expect(await begin(ledger, chunk, [0])).toEqual({ kind: 'stopped', why: 'format' });
    expect(await settle(ledger, chunk, one(0, 'sent'))).toBe('refused');
    expect(await ledger.finish(chunk)).toEqual({ kind: 'refused', why: 'format' });
    expect(await campaigns.start(staged.id, 1)).toBe('format');
    expect(await campaigns.close(staged.id, staged.nonce, 1, 't')).toBe('format');
    expect(await campaigns.control(staged.id, 'cancel', 'me', '')).toEqual({ kind: 'refused', why: 'format' });
    expect(await campaigns.notice(staged.id, 1, 't', null)).toBe('format');
    expect(await bytesOf(staged)).toBe('PPPPPP');
  });

  it('of another round is refused; only a sent of an older round counts', async () => {
    const staged = await open();
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1, 2]);
    await redis.hset(campaignKeys(staged.id).campaign, 'round', '2');
    const { ledger, campaigns } = staged;
    expect(await ledger.claim(chunk, chunk.nonce)).toEqual({ kind: 'refused', why: 'round' });
    expect(await begin(ledger, chunk, [0])).toEqual({ kind: 'stopped', why: 'round' });
    expect(await ledger.finish(chunk)).toEqual({ kind: 'refused', why: 'round' });
    expect(await campaigns.start(staged.id, 1)).toBe('round');
    expect(await campaigns.close(staged.id, staged.nonce, 1, 't')).toBe('round');
    expect(await campaigns.notice(staged.id, 1, 't', null)).toBe('round');
    expect(await campaigns.regenerate(staged.id, 1, 0)).toBeNull();
    await ledger.lose(chunk, 'data-lost');
    const late = [...one(0, 'failed'), ...one(1, 'deferred'), ...one(2, 'sent')];
    expect(await settle(ledger, chunk, late)).toBe('fenced');
    expect(await bytesOf(staged)).toBe('IISPPP');
  });
});

describe('a script whose reply was lost and that is repeated', () => {
  it('gives the same: begin, each verb of settle, finish', async () => {
    const staged = await open({ perChunk: 6, chunks: 1, attempts: 3 });
    const chunk = await claimed(staged);
    const all = [0, 1, 2, 3, 4, 5];
    const granted = await begin(staged.ledger, chunk, all);
    expect(granted).toEqual({ kind: 'granted', indices: all });
    expect(await begin(staged.ledger, chunk, all)).toEqual(granted);
    const verbs = ['sent', 'failed', 'deferred', 'waiting', 'untouched', 'unknown'] as const;
    const settlements = verbs.map((verb, index) => ({ index, verdict: verdict(verb) }));
    expect(await settle(staged.ledger, chunk, settlements)).toBe('ok');
    const [bytes, retries] = [await bytesOf(staged), (await staged.campaigns.get(staged.id))?.retries];
    const records = await Promise.all(all.map((index) => recordOf(staged, index)));
    expect(bytes).toBe('SFDDPU');
    expect(records.map((record) => record.attempts)).toEqual([1, 1, 1, 0, 0, 1]);
    const latencies = await staged.campaigns.latencies(staged.id);
    const refusals = (await staged.campaigns.standing(staged.id))?.refusals;
    expect(await settle(staged.ledger, chunk, settlements)).toBe('ok');
    expect(await bytesOf(staged)).toBe(bytes);
    expect((await staged.campaigns.get(staged.id))?.retries).toBe(retries);
    expect(await Promise.all(all.map((index) => recordOf(staged, index)))).toEqual(records);
    expect(await staged.campaigns.latencies(staged.id)).toEqual(latencies);
    expect((await staged.campaigns.standing(staged.id))?.refusals).toEqual(refusals);
    const standing = await staged.campaigns.standing(staged.id);
    expect(standing?.refusals).toEqual([
      { code: '451 4.3.0', replyClass: 'transient', count: 1 },
      { code: '550 5.1.1', replyClass: 'dead', count: 1 },
    ]);
  });

  it('finishes a chunk that is finished', async () => {
    const staged = await open({ chunks: 1, perChunk: 1 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0]);
    await settle(staged.ledger, chunk, one(0, 'sent'));
    expect(await staged.ledger.finish(chunk)).toEqual({ kind: 'finished' });
    expect(await staged.ledger.finish(chunk)).toEqual({ kind: 'finished' });
    expect(await staged.ledger.claim(chunk, chunk.nonce)).toEqual({ kind: 'finished' });
    expect((await staged.campaigns.standing(staged.id))?.chunksDone).toBe(1);
  });

  it('claims once for a token, whatever is in flight under it', async () => {
    const staged = await open();
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1]);
    const commands: unknown[][] = [];
    const spy = new Proxy(redis, {
      get(target, name) {
        if (name !== 'callBuffer') return Reflect.get(target, name, target);
        return async (...args: [string, ...(string | Buffer | number)[]]) => {
          commands.push(args);
          return target.callBuffer(...args);
        };
      },
    });
    const { createChunkLedger } = await import('../../../src/redis/ledger/chunks.js');
    const again = await createChunkLedger(spy).claim(chunk, chunk.nonce);
    if (again.kind !== 'claimed') throw new Error('not claimed');
    await begin(staged.ledger, again.claim, [2]);
    expect(await bytesOf(staged)).toBe('UUIPPP');
    const claim = commands.at(-1) as [string, ...(string | Buffer | number)[]];
    const repeated = (await redis.callBuffer(...claim)) as Buffer[];
    expect(String(repeated[0])).toBe('ok');
    expect(String(repeated[2])).toBe('UUI');
    await assertBalanced(staged);
    expect(await redis.hget(chunkKeys(staged.id, staged.nonce, 0).chunk, 'fence')).toBe('2');
  });
});

describe('a fence', () => {
  it('lets only the latest owner begin, finish and lose', async () => {
    const staged = await open();
    const former = await claimed(staged);
    const owner = await claimed(staged);
    expect(owner.token).not.toBe(former.token);
    expect(await begin(staged.ledger, former, [0])).toEqual({ kind: 'stopped', why: 'fenced' });
    expect(await staged.ledger.finish(former)).toEqual({ kind: 'refused', why: 'fenced' });
    await staged.ledger.lose(former, 'data-lost');
    expect(await bytesOf(staged)).toBe('PPPPPP');
    expect(await begin(staged.ledger, owner, [0])).toEqual({ kind: 'granted', indices: [0] });
  });

  it('grants what is open and nothing that is final or beyond the chunk', async () => {
    const staged = await open({ attempts: 3 });
    const chunk = await claimed(staged);
    await begin(staged.ledger, chunk, [0, 1, 2]);
    await settle(staged.ledger, chunk, [...one(0, 'sent'), ...one(1, 'deferred'), ...one(2, 'untouched')]);
    expect(await begin(staged.ledger, chunk, [0, 1, 2, 3, 65_535])).toEqual({ kind: 'granted', indices: [1, 2] });
  });
});

describe('a new owner', () => {
  it('finds what was in flight unknown, with the fence that left it', async () => {
    const staged = await open();
    const former = await claimed(staged);
    await begin(staged.ledger, former, [0, 2]);
    const owner = await claimed(staged);
    expect(owner.states.toString()).toBe('UPU');
    expect(await recordOf(staged, 0)).toMatchObject({ attempts: 1, reason: 'interrupted', due: former.token });
    expect(await begin(staged.ledger, owner, [0, 1, 2])).toEqual({ kind: 'granted', indices: [1] });
  });

  it('tries again what was in flight under resend, an attempt used, and no more than the attempts allowed', async () => {
    const staged = await open({ onUnknown: 'resend', chunks: 1, perChunk: 1 });
    const first = await claimed(staged);
    await begin(staged.ledger, first, [0]);
    const second = await claimed(staged);
    expect(second.states.toString()).toBe('P');
    expect(await recordOf(staged, 0)).toMatchObject({ attempts: 1, reason: 'interrupted' });
    await begin(staged.ledger, second, [0]);
    const third = await claimed(staged);
    expect(third.states.toString()).toBe('U');
    expect(await recordOf(staged, 0)).toMatchObject({ attempts: 2, due: second.token });
  });
});

describe('a late word of a former owner', () => {
  const verbs = ['sent', 'failed', 'deferred', 'waiting', 'untouched', 'unknown'] as const;
  it('makes an unknown sent or failed, and never opens it again', async () => {
    const staged = await open({ perChunk: 6, chunks: 1 });
    const former = await claimed(staged);
    await begin(staged.ledger, former, [0, 1, 2, 3, 4, 5]);
    await claimed(staged);
    const late = verbs.map((verb, index) => ({ index, verdict: verdict(verb) }));
    expect(await settle(staged.ledger, former, late)).toBe('fenced');
    expect(await bytesOf(staged)).toBe('SFUUUU');
    expect(await settle(staged.ledger, former, late)).toBe('fenced');
    expect(await bytesOf(staged)).toBe('SFUUUU');
  });

  it('never says failed where a try before may have arrived as well', async () => {
    const staged = await open({ perChunk: 2, chunks: 1, onUnknown: 'resend', attempts: 2 });
    const first = await claimed(staged);
    await begin(staged.ledger, first, [0]);
    const second = await claimed(staged);
    await begin(staged.ledger, second, [0]);
    await claimed(staged);
    expect(await bytesOf(staged)).toBe('UP');
    await settle(staged.ledger, first, one(0, 'failed'));
    expect(await bytesOf(staged)).toBe('UP');
    await settle(staged.ledger, second, one(0, 'failed'));
    expect(await bytesOf(staged)).toBe('UP');
    await settle(staged.ledger, first, one(0, 'sent'));
    expect(await bytesOf(staged)).toBe('SP');
  });

  it('says sent of whatever is there: pending again, in flight, deferred, unknown', async () => {
    const staged = await open({ perChunk: 4, chunks: 1, onUnknown: 'resend', attempts: 3 });
    const first = await claimed(staged);
    await begin(staged.ledger, first, [0, 1, 2, 3]);
    const second = await claimed(staged);
    await begin(staged.ledger, second, [1, 2, 3]);
    await settle(staged.ledger, second, [...one(2, 'deferred'), ...one(3, 'failed')]);
    expect(await bytesOf(staged)).toBe('PIDU');
    await settle(
      staged.ledger,
      first,
      [0, 1, 2, 3].flatMap((index) => one(index, 'sent')),
    );
    expect(await bytesOf(staged)).toBe('SSSS');
    await settle(staged.ledger, second, one(1, 'failed'));
    expect(await bytesOf(staged)).toBe('SSSS');
  });

  it('says sent of a recipient that was tried again and then cancelled: the message did arrive', async () => {
    const staged = await open({ perChunk: 1, chunks: 1, onUnknown: 'resend' });
    const first = await claimed(staged);
    await begin(staged.ledger, first, [0]);
    await claimed(staged);
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    await claimed(staged);
    expect(await bytesOf(staged)).toBe('U');
    await settle(staged.ledger, first, one(0, 'sent'));
    expect(await bytesOf(staged)).toBe('S');
  });

  it('is missed: who is tried again after doubt and refused, given up or cancelled stays unknown, not failed or skipped', async () => {
    const staged = await open({ perChunk: 5, chunks: 1, onUnknown: 'resend', attempts: 3 });
    const first = await claimed(staged);
    await begin(staged.ledger, first, [0, 1, 2, 3]);
    await settle(staged.ledger, first, one(3, 'unknown'));
    const second = await claimed(staged);
    await begin(staged.ledger, second, [0, 1]);
    await settle(staged.ledger, second, [...one(0, 'failed'), ...one(1, 'deferred')]);
    await begin(staged.ledger, second, [1]);
    await settle(staged.ledger, second, one(1, 'deferred'));
    expect(await bytesOf(staged)).toBe('UUPDP');
    expect(await recordOf(staged, 0)).toMatchObject({ reason: 'unanswered', code: 550, attempts: 2 });
    await staged.campaigns.control(staged.id, 'cancel', 'me', '');
    await claimed(staged);
    expect(await bytesOf(staged)).toBe('UUUUK');
  });

  it('goes to the late list after the close, and changes nothing', async () => {
    const staged = await open({ perChunk: 1, chunks: 1 });
    const former = await claimed(staged);
    await begin(staged.ledger, former, [0]);
    const owner = await claimed(staged);
    await staged.ledger.finish(owner);
    expect(await staged.campaigns.close(staged.id, staged.nonce, 1, 'a')).toBe('ok');
    expect(await settle(staged.ledger, former, one(0, 'sent'))).toBe('closed');
    expect(await bytesOf(staged)).toBe('U');
    expect(await staged.campaigns.late(staged.id)).toMatchObject([
      { chunk: 0, index: 0, verb: 's', token: former.token, code: 250, enhanced: null, reason: 'reply' },
    ]);
  });
});
