import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Campaign } from '../../src/domain/campaign.js';
import type { Summary } from '../../src/domain/summary.js';
import { type AggregatorPorts, aggregate } from '../../src/pipeline/aggregator.js';
import { coordinate } from '../../src/pipeline/coordinator.js';
import { type NotifierPorts, notify } from '../../src/pipeline/notifier.js';
import type { Results } from '../../src/pipeline/ports.js';
import { sweep } from '../../src/pipeline/sweep.js';
import { CHUNKS_QUEUE, jobId, STEPS_QUEUE } from '../../src/queue/jobs.js';
import { createWake } from '../../src/queue/wake.js';
import { QUEUE_PREFIX } from '../../src/redis/keys.js';
import { bytesOf, campaignOf, claimed, type Staged, sealed, sending, verdict } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { DROPPED, keptLog, refusedWith, ScriptedRelay, SENT, UNANSWERED } from './fixture.js';

let server: TestRedis;
let redis: Redis;
let wake: ReturnType<typeof createWake>;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
  wake = createWake(redis, QUEUE_PREFIX);
});
afterEach(async () => {
  await redis.flushall();
});
afterAll(async () => {
  await wake.close();
  await server.stop();
});

const jobKey = (queue: string, id: string) => `${QUEUE_PREFIX}:${queue}:${id}`;
const chunkJob = (staged: Staged, n: number) => redis.exists(jobKey(CHUNKS_QUEUE, jobId.chunk(staged.id, 1, n)));
const endJob = (staged: Staged, generation = 0) =>
  redis.exists(jobKey(STEPS_QUEUE, jobId.aggregate(staged.id, 1, generation)));
const noticeJob = (staged: Staged) => redis.exists(jobKey(STEPS_QUEUE, jobId.notify(staged.id, 1)));

/** Results that read everything and keep what the aggregator would write. */
function keptResults(before: () => Promise<void> = async () => {}): Results & { written: string[] } {
  const written: string[] = [];
  return {
    written,
    async write(campaign, source) {
      let states = '';
      for await (const chunk of source.chunks()) states += chunk.states.toString();
      written.push(states);
      await before();
      const summary = {
        schema: 1,
        campaign: campaign.id,
        states: source.standing.counters,
      } as Partial<Summary> as Summary;
      return { summary, dir: '/results' };
    },
  };
}

function ports(staged: Staged, results: Results = keptResults()): AggregatorPorts {
  return { campaigns: staged.campaigns, results, wake, log: keptLog() };
}

async function finishChunk(staged: Staged, n: number): Promise<void> {
  const chunk = await claimed(staged, n);
  const all = Array.from({ length: staged.perChunk }, (_, i) => i);
  await staged.ledger.begin(chunk, all);
  await staged.ledger.settle(
    chunk,
    all.map((index) => ({ index, verdict: verdict('sent') })),
  );
  await staged.ledger.finish(chunk);
}

async function ended(notifyTo: string | null): Promise<Staged> {
  const staged = await sending(redis, { notify: notifyTo });
  await finishChunk(staged, 0);
  await finishChunk(staged, 1);
  await aggregate(staged.id, 1, ports(staged));
  return staged;
}

describe('the sweep', () => {
  const swept = async (staged: Staged) => sweep({ campaigns: staged.campaigns, wake, log: keptLog() });

  it('adds the coordinator of a queued campaign', async () => {
    const staged = await sealed(redis);
    await swept(staged);
    expect(await redis.exists(jobKey(STEPS_QUEUE, jobId.coordinate(staged.id, 1)))).toBe(1);
  });

  it.each(['a chunk', 'the aggregator', 'everything'])(
    'repairs a sending campaign whose jobs lack %s',
    async (what) => {
      const staged = await sealed(redis);
      await coordinate(staged.id, 1, ports(staged));
      await finishChunk(staged, 1);
      if (what === 'a chunk') await redis.del(jobKey(CHUNKS_QUEUE, jobId.chunk(staged.id, 1, 0)));
      if (what === 'the aggregator') await redis.del(jobKey(STEPS_QUEUE, jobId.aggregate(staged.id, 1, 0)));
      if (what === 'everything') await redis.del(...(await redis.keys(`${QUEUE_PREFIX}:*`)));
      await swept(staged);
      expect([await chunkJob(staged, 0), await endJob(staged)]).toEqual([1, 1]);
    },
  );

  it('adds the flow of the generation that there is by now', async () => {
    const staged = await sending(redis);
    let looks = 0;
    const campaigns = {
      ...staged.campaigns,
      async unfinished(campaign: Campaign) {
        if (looks++ === 0) await staged.campaigns.regenerate(staged.id, 1, 0);
        return staged.campaigns.unfinished(campaign);
      },
    };
    await sweep({ campaigns, wake, log: keptLog() });
    expect([await endJob(staged, 0), await endJob(staged, 1)]).toEqual([0, 1]);
  });

  it('adds the aggregator of a campaign that was closed and not marked', async () => {
    const staged = await sending(redis);
    await finishChunk(staged, 0);
    await finishChunk(staged, 1);
    await staged.campaigns.close(staged.id, staged.nonce, 1, 'a');
    await swept(staged);
    expect(await endJob(staged)).toBe(1);
  });

  it('adds the notifier of a campaign that ended without, and lets go of one that is done or gone', async () => {
    const staged = await ended('boss@example.org');
    await redis.del(...(await redis.keys(`${QUEUE_PREFIX}:*`)));
    await swept(staged);
    expect(await noticeJob(staged)).toBe(1);
    await staged.campaigns.notice(staged.id, 1, 't', 'unknown');
    await redis.sadd('fanmail:open', 'gone');
    await swept(staged);
    expect(await staged.campaigns.open()).toEqual([]);
  });

  it('goes on to the others where one can not be read', async () => {
    const broken = await sealed(redis);
    await redis.hset(`fanmail:{${broken.id}}:campaign`, 'format', '99');
    const staged = await sealed(redis);
    await swept(staged);
    expect(await redis.exists(jobKey(STEPS_QUEUE, jobId.coordinate(staged.id, 1)))).toBe(1);
    expect(await staged.campaigns.open()).toContain(broken.id);
  });
});

describe('the notice', () => {
  const quiet = new AbortController().signal;
  const portsOf = (staged: Staged, relay: ScriptedRelay | string): NotifierPorts => ({
    campaigns: staged.campaigns,
    relay: () => relay,
    compose: (_campaign, to, summary) => ({
      from: 'a@example.org',
      to,
      content: Buffer.from(summary),
      messageId: '<1@x>',
    }),
    log: keptLog(),
  });

  it('is sent once, and its outcome kept', async () => {
    const staged = await ended('boss@example.org');
    const relay = new ScriptedRelay(() => SENT);
    expect(await notify(staged.id, 1, portsOf(staged, relay), quiet)).toEqual({ kind: 'done' });
    expect(await notify(staged.id, 1, portsOf(staged, relay), quiet)).toEqual({ kind: 'done' });
    expect(relay.handed).toEqual(['boss@example.org']);
    expect((await campaignOf(staged)).notice).toBe('sent');
    expect(await staged.campaigns.open()).toEqual([]);
    expect(relay.taken).toBe(0);
  });

  it.each([
    ['unknown', UNANSWERED],
    ['failed', refusedWith(550)],
  ] as const)('that ended %s does not undo the end', async (outcome, answer) => {
    const staged = await ended('boss@example.org');
    const relay = new ScriptedRelay(() => answer);
    await notify(staged.id, 1, portsOf(staged, relay), quiet);
    expect(await campaignOf(staged)).toMatchObject({ phase: 'completed', notice: outcome });
  });

  it('that was surely not sent is tried again later', async () => {
    const staged = await ended('boss@example.org');
    const relay = new ScriptedRelay((_message, count) => (count === 1 ? DROPPED : SENT));
    expect(await notify(staged.id, 1, portsOf(staged, relay), quiet)).toMatchObject({ kind: 'later' });
    expect((await campaignOf(staged)).notice).toBeNull();
    expect(await notify(staged.id, 1, portsOf(staged, relay), quiet)).toEqual({ kind: 'done' });
    expect((await campaignOf(staged)).notice).toBe('sent');
  });

  it('is not sent again after a crash in the middle', async () => {
    const staged = await ended('boss@example.org');
    await staged.campaigns.notice(staged.id, 1, 'crashed', null);
    const relay = new ScriptedRelay();
    expect(await notify(staged.id, 1, portsOf(staged, relay), quiet)).toEqual({ kind: 'done' });
    expect(relay.handed).toEqual([]);
    expect(relay.taken).toBe(0);
    expect((await campaignOf(staged)).notice).toBe('unknown');
  });

  it('waits for a relay, its intent not recorded', async () => {
    const staged = await ended('boss@example.org');
    const relay = new ScriptedRelay();
    relay.fault = { cause: 'unreachable', why: 'gone', misconfigured: false };
    expect(await notify(staged.id, 1, portsOf(staged, relay), quiet)).toMatchObject({ kind: 'later' });
    expect(await notify(staged.id, 1, portsOf(staged, 'no password'), quiet)).toMatchObject({ kind: 'later' });
    relay.fault = null;
    await notify(staged.id, 1, portsOf(staged, relay), quiet);
    expect((await campaignOf(staged)).notice).toBe('sent');
  });

  it('that comes too early, or of another round, leaves an open campaign to the sweep', async () => {
    const staged = await sending(redis, { notify: 'boss@example.org' });
    const relay = new ScriptedRelay();
    await notify(staged.id, 1, portsOf(staged, relay), quiet);
    await notify(staged.id, 7, portsOf(staged, relay), quiet);
    expect(relay.handed).toEqual([]);
    expect(await bytesOf(staged)).toBe('PPPPPP');
    expect(await staged.campaigns.open()).toEqual([staged.id]);
  });
});
