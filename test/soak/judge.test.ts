import { describe, expect, it } from 'vitest';
import { emails } from '../faults/field.js';
import type { ResultRow, Seen } from '../support/audit.js';
import { freshRedis } from '../support/redis.js';
import { type Evidence, judge, judgeTogether } from './judge.js';
import type { Mood } from './mood.js';
import { watchCounters } from './watch.js';
import type { CampaignPlan } from './world.js';

const MOOD: Mood = { seed: 's', delayMs: 1, pipelining: true, faults: [], refused: 0, poison: null };
const PLAN: CampaignPlan = { id: 'c0', rows: 10, chunkSize: 5, onUnknown: 'hold', at: 0, launch: 'whole' };
const LIST = emails(PLAN.id, PLAN.rows);
const at = (i: number) => LIST[i] ?? '';

/** Ten were sent and arrived; then whatever a case makes of it. */
function evidence(change: {
  plan?: Partial<CampaignPlan>;
  states?: Record<number, string>;
  copies?: Record<number, number>;
}) {
  const rows: ResultRow[] = LIST.map((email, i) => ({
    ...{ email, state: change.states?.[i] ?? 'sent', code: '250', attempts: '1', message_id: `<${i}>`, time: '' },
  }));
  const record = new Map<string, Seen>(
    LIST.map((email, i) => {
      const accepted = change.copies?.[i] ?? 1;
      return [email, { accepted, permanent: 0, transient: 0, messageIds: new Set(accepted > 0 ? [`<${i}>`] : []) }];
    }),
  );
  const states: Record<string, number> = {};
  for (const { state } of rows) states[state] = (states[state] ?? 0) + 1;
  const plan = { ...PLAN, ...change.plan };
  const made: Evidence = {
    ...{ plan, cancelled: false, rows, summary: { total: 10, states }, record, faults: [], notices: 1 },
  };
  return made;
}

const doubt = (i: number) => ({ stage: 'message', name: 'drop-kept', address: at(i), doubt: true });
const resend = { plan: { onUnknown: 'resend' as const } };
const told = (of: Evidence, wire = 0, mood = MOOD) => judge(of, wire, mood).breaches.join('\n');

describe('the judge of a round', () => {
  it('finds nothing where everybody got one copy', () => {
    expect(judge(evidence({}), 0, MOOD)).toEqual({
      ...{ id: 'c0', onUnknown: 'hold', accepted: 10, secondCopies: 0, unknown: 0, lost: 0, bound: 0, byDeeds: 0 },
      breaches: [],
    });
  });

  it('finds a second copy with hold, however much was on the wire', () => {
    const found = judge(evidence({ copies: { 3: 2 } }), 50, MOOD);
    expect(found.secondCopies).toBe(1);
    expect(found.breaches).toEqual([`1 second copies, of 0: ${at(3)}`]);
  });

  it('finds who is sent without a copy, and who stands in no result: lost', () => {
    const unsent = judge(evidence({ copies: { 3: 0 } }), 50, MOOD);
    expect([unsent.lost, unsent.breaches]).toEqual([1, [`${at(3)} is sent, and the relay has no copy`]]);
    const whole = evidence({});
    const missing = judge({ ...whole, rows: whole.rows.slice(1) }, 50, MOOD);
    expect([missing.lost, missing.breaches[0]]).toEqual([1, `${at(0)} stands 0 times in the results`]);
  });

  it('lets no more be unknown than were on the wire, or ended in doubt by the relay', () => {
    const two = evidence({ states: { 1: 'unknown', 2: 'unknown' } });
    expect(told(two)).toContain('2 are unknown, of 0 on the wire');
    expect(told(two, 1)).toContain('2 are unknown, of 1 on the wire');
    expect(told(two, 2)).toBe('');
    expect(told({ ...two, faults: [doubt(1), doubt(2)] })).toBe('');
    // The doubt about others excuses nobody.
    expect(told({ ...two, faults: [doubt(1), doubt(8)] })).toContain('1 are unknown or second copies by no fault');
  });

  it('with resend, allows second copies for what was in doubt, and nobody unknown', () => {
    const twice = evidence({ ...resend, copies: { 1: 2, 2: 2 } });
    expect(told(twice, 1)).toContain('2 second copies, of 1');
    expect(told(twice, 2)).toBe('');
    expect(told({ ...twice, faults: [doubt(1)] }, 1)).toBe('');
    expect(told(evidence({ ...resend, states: { 1: 'unknown' } }), 9)).toContain(
      'is unknown with resend, and the relay refused nothing',
    );
  });

  it('lets nobody fail whom the relay did not refuse, but for the one that it always drops', () => {
    const failed = evidence({ states: { 4: 'failed' }, copies: { 4: 0 } });
    expect(told(failed)).toContain(`${at(4)} is failed, and the relay did not refuse it`);
    const refused = { stage: 'message', name: '554 5.6.0 not with this content', address: at(4), doubt: false };
    expect(told({ ...failed, faults: [refused] })).toBe('');
    expect(told(failed, 0, { ...MOOD, poison: 'user4@' })).toBe('');
    expect(told(evidence({ states: { 4: 'failed' } }), 0, { ...MOOD, poison: 'user4@' })).toContain('the relay has it');
  });

  it('finds who is skipped though nobody cancelled, a second notice, and a summary that says otherwise', () => {
    const skipped = evidence({ states: { 4: 'skipped' }, copies: { 4: 0 } });
    expect(told(skipped)).toContain('1 are skipped, and nobody cancelled');
    expect(told({ ...skipped, cancelled: true })).toBe('');
    expect(told({ ...evidence({}), notices: 2 })).toBe('the notice arrived 2 times');
    expect(told({ ...evidence({}), summary: { total: 10, states: { sent: 9 } } })).toContain('counts 9 sent');
  });

  it('does not let two campaigns lose the same wire', () => {
    const one = judge(evidence({ states: { 1: 'unknown', 2: 'unknown' } }), 3, MOOD);
    expect([one.breaches, judgeTogether([one], 3)]).toEqual([[], []]);
    expect(judgeTogether([one, one], 3)).toEqual([
      '4 in all are unknown or second copies by no fault of the relay, of 3 on the wire',
    ]);
  });
});

describe('the watch over the counters', () => {
  it('notices when they do not add up while a campaign runs, and not before its seal', async () => {
    const redis = await freshRedis();
    try {
      const client = redis.client();
      await client.hset('fanmail:{c0}:campaign', 'phase', 'staging');
      await client.hset('fanmail:{c0}:counters', { sent: 3, pending: 6 });
      const watch = watchCounters(client, new Map([['c0', 10]]));
      await client.ping();
      expect(watch.found).toEqual([]);
      await client.hset('fanmail:{c0}:campaign', 'phase', 'sending');
      await expect.poll(() => watch.found[0]).toContain('add up to 9 of 10');
      await watch.stop();
    } finally {
      await redis.stop();
    }
  });
});
