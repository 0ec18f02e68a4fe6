import { describe, expect, it } from 'vitest';
import type { Campaign } from '../../src/domain/campaign.js';
import { coordinate } from '../../src/pipeline/coordinator.js';
import { type NotifierPorts, notify } from '../../src/pipeline/notifier.js';
import { sweep } from '../../src/pipeline/sweep.js';
import { CHUNKS_QUEUE, jobId, STEPS_QUEUE } from '../../src/queue/jobs.js';
import { QUEUE_PREFIX } from '../../src/redis/keys.js';
import { bytesOf, campaignOf, finishChunk, type Staged, sealed, sending } from '../redis/ledger/fixture.js';
import { DROPPED, keptLog, refusedWith, routeTo, ScriptedRelay, SENT, UNANSWERED } from './fixture.js';
import { jobKey, useSteps } from './steps-fixture.js';

const steps = useSteps();
const { ports, chunkJob, endJob, noticeJob, ended } = steps;

describe('the sweep', () => {
  const swept = async (staged: Staged) => sweep({ campaigns: staged.campaigns, wake: steps.wake(), log: keptLog() });

  it('adds the coordinator of a queued campaign', async () => {
    const staged = await sealed(steps.redis());
    await swept(staged);
    expect(await steps.redis().exists(jobKey(STEPS_QUEUE, jobId.coordinate(staged.id, 1)))).toBe(1);
  });

  it.each(['a chunk', 'the aggregator', 'everything'])(
    'repairs a sending campaign whose jobs lack %s',
    async (what) => {
      const staged = await sealed(steps.redis());
      await coordinate(staged.id, 1, ports(staged));
      await finishChunk(staged, 1);
      if (what === 'a chunk') await steps.redis().del(jobKey(CHUNKS_QUEUE, jobId.chunk(staged.id, 1, 0)));
      if (what === 'the aggregator') await steps.redis().del(jobKey(STEPS_QUEUE, jobId.aggregate(staged.id, 1, 0)));
      if (what === 'everything') await steps.redis().del(...(await steps.redis().keys(`${QUEUE_PREFIX}:*`)));
      await swept(staged);
      expect([await chunkJob(staged, 0), await endJob(staged)]).toEqual([1, 1]);
    },
  );

  it('adds the flow of the generation that there is by now', async () => {
    const staged = await sending(steps.redis());
    let looks = 0;
    const campaigns = {
      ...staged.campaigns,
      async unfinished(campaign: Campaign) {
        if (looks++ === 0) await staged.campaigns.regenerate(staged.id, 1, 0);
        return staged.campaigns.unfinished(campaign);
      },
    };
    await sweep({ campaigns, wake: steps.wake(), log: keptLog() });
    expect([await endJob(staged, 0), await endJob(staged, 1)]).toEqual([0, 1]);
  });

  it('adds the aggregator of a campaign that was closed and not marked', async () => {
    const staged = await sending(steps.redis());
    await finishChunk(staged, 0);
    await finishChunk(staged, 1);
    await staged.campaigns.close(staged.id, staged.nonce, 1, 'a');
    await swept(staged);
    expect(await endJob(staged)).toBe(1);
  });

  it('adds the notifier of a campaign that ended without, and lets go of one that is done or gone', async () => {
    const staged = await ended('boss@example.org');
    await steps.redis().del(...(await steps.redis().keys(`${QUEUE_PREFIX}:*`)));
    await swept(staged);
    expect(await noticeJob(staged)).toBe(1);
    await staged.campaigns.notice(staged.id, 1, 't', 'unknown');
    await steps.redis().sadd('fanmail:open', 'gone');
    await swept(staged);
    expect(await staged.campaigns.open()).toEqual([]);
  });

  it('goes on to the others where one can not be read', async () => {
    const broken = await sealed(steps.redis());
    await steps.redis().hset(`fanmail:{${broken.id}}:campaign`, 'format', '99');
    const staged = await sealed(steps.redis());
    await swept(staged);
    expect(await steps.redis().exists(jobKey(STEPS_QUEUE, jobId.coordinate(staged.id, 1)))).toBe(1);
    expect(await staged.campaigns.open()).toContain(broken.id);
  });
});

describe('the notice', () => {
  const quiet = new AbortController().signal;
  const portsOf = (staged: Staged, relay: ScriptedRelay | string): NotifierPorts => ({
    campaigns: staged.campaigns,
    routes: (campaign) => (typeof relay === 'string' ? relay : [routeTo(campaign, relay)]),
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
    const staged = await sending(steps.redis(), { notify: 'boss@example.org' });
    const relay = new ScriptedRelay();
    await notify(staged.id, 1, portsOf(staged, relay), quiet);
    await notify(staged.id, 7, portsOf(staged, relay), quiet);
    expect(relay.handed).toEqual([]);
    expect(await bytesOf(staged)).toBe('PPPPPP');
    expect(await staged.campaigns.open()).toEqual([staged.id]);
  });
});
