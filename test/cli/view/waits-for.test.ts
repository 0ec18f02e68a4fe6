import { describe, expect, it } from 'vitest';
import type { Cause } from '../../../src/cli/view/cause.js';
import type { ProgressView } from '../../../src/cli/view/progress-view.js';
import { waitsFor } from '../../../src/cli/view/waits-for.js';
import type { Campaign, CampaignOptions, Standing } from '../../../src/domain/campaign.js';
import { page, table } from '../../docs/markdown.js';
import { BREAKER, CAMPAIGN, countersOf, FREE, NOW, relayView, standingOf, WORKER } from './views.js';

const HOUR = 3_600_000;
const STILL: Partial<Standing> = { ratePerSecond: 0, counters: countersOf({ pending: 90, sent: 10 }), total: 100 };
const HOURS = { windows: [{ days: [1, 2, 3, 4, 5], from: 540, to: 1020 }], zone: 'Europe/Paris' };

interface Changes {
  readonly standing?: Partial<Standing>;
  readonly campaign?: Partial<Campaign>;
  readonly options?: Partial<CampaignOptions>;
  readonly view?: Partial<ProgressView>;
}

function viewOf({ standing = {}, campaign = {}, options = {}, view = {} }: Changes): ProgressView {
  const chosen = { ...campaign, options: { ...CAMPAIGN.options, ...options } };
  return { standing: standingOf(standing, chosen), relays: [relayView()], workers: [WORKER], opensAt: null, ...view };
}

const slow = (pace: Partial<typeof FREE>) => ({ relays: [relayView({ pace: { ...FREE, ...pace } })] });
const throttled = { group: 'gmail.com', perSecond: 0.5, cutAt: NOW - 9_000, nextAt: NOW + 2_000, leftMs: 540_000 };
const paused = { by: 'ada', reason: 'asked for', at: NOW - 300_000 };
const canary = { share: 0.01, holdMs: 1_800_000, abortAbove: 0.02 };

/** Of every kind what makes it, in words, and until when. */
const CAUSES: Readonly<Record<Cause['kind'], readonly [Changes, text: RegExp, until: number | null]>> = {
  staging: [
    { campaign: { phase: 'staging', heardAt: NOW - 180_000 } },
    /^the launch that stages its list, which was heard last 3 min ago/,
    null,
  ],
  paused: [
    { campaign: { flags: { paused, cancelling: false } } },
    /^fanmail resume spring-2026: paused by ada 5 min ago \(asked for\)$/,
    null,
  ],
  time: [
    {
      campaign: { phase: 'queued', startedAt: null },
      options: { schedule: { at: NOW + HOUR, hours: HOURS } },
      view: { opensAt: NOW + HOUR },
    },
    /^its time, 2026-05-01 13:00:00 UTC \(in 1 h 00 min\)$/,
    NOW + HOUR,
  ],
  hours: [
    { options: { schedule: { at: null, hours: HOURS } }, view: { opensAt: NOW + 2 * HOUR } },
    /^its hours, mon-fri 09:00-17:00 Europe\/Paris: 2026-05-01 14:00:00 UTC \(in 2 h 00 min\)$/,
    NOW + 2 * HOUR,
  ],
  hold: [
    { campaign: { canary: { kind: 'hold', until: NOW + HOUR } }, options: { canary } },
    /^the hold after its canary \(4,390 sent, 110 failed\), 2026-05-01 13:00:00 UTC \(in 1 h 00 min\)$/,
    NOW + HOUR,
  ],
  workers: [{ view: { workers: [] } }, /^a worker: none is connected; start one with: fanmail worker$/, null],
  relay: [
    { view: { relays: [relayView({ breaker: BREAKER })] } },
    /^the relay, unreachable since 3 min ago; it is tried again in 12 s$/,
    BREAKER.until,
  ],
  credentials: [
    {
      standing: STILL,
      view: { workers: [WORKER, { ...WORKER, trouble: 'no credentials here for smtp://relay.example.com:587' }] },
    },
    /^a worker that can send it: of 2 that are connected, 1 has trouble$/,
    null,
  ],
  throttled: [
    { standing: STILL, view: slow({ slow: [throttled] }) },
    /^gmail\.com, which relay\.example\.com:587 throttles: 0\.5\/s, the next one in 2 s; as any other in 9 min 00 s if/,
    NOW + 2_000,
  ],
  pace: [
    { standing: STILL, options: { pace: { perSecond: 0.1, domains: {}, groups: {} } } },
    /^its pace: the campaign may have a message every 10 s$/,
    null,
  ],
  retry: [
    { standing: { ...STILL, counters: countersOf({ deferred: 5, sent: 95 }), nextDueAt: NOW + 42_000 } },
    /^the next try in 42 s: all that are left were refused for now$/,
    NOW + 42_000,
  ],
  canary: [
    { standing: STILL, campaign: { canary: { kind: 'out' } }, options: { canary } },
    /^the 1\.0% of its recipients that go first$/,
    null,
  ],
  results: [{ campaign: { phase: 'aggregating' } }, /^its results to be written$/, null],
  others: [{ standing: STILL }, /^its turn at the workers, of whom 1 is connected; fanmail list shows what else/, null],
};

describe('what a campaign waits for', () => {
  it.each(Object.entries(CAUSES))('%s', (kind, [changes, text, until]) => {
    const [first] = waitsFor(viewOf(changes));
    expect(first).toMatchObject({ kind, until });
    expect(first?.text).toMatch(text);
  });

  it('is nothing while it moves, has ended, or somebody is on the wire', () => {
    expect(waitsFor(viewOf({}))).toEqual([]);
    expect(waitsFor(viewOf({ campaign: { phase: 'completed', endedAt: NOW }, view: { workers: [] } }))).toEqual([]);
    const wire = { ...STILL, counters: countersOf({ pending: 89, inflight: 1, sent: 10 }) };
    expect(waitsFor(viewOf({ standing: wire, view: slow({ slow: [throttled] }) }))).toEqual([]);
  });

  it('is no worker that has trouble with the relay of another campaign', () => {
    const workers = [{ ...WORKER, trouble: 'no credentials here for smtp://other.example.com:587' }];
    expect(waitsFor(viewOf({ standing: STILL, view: { workers } })).map(({ kind }) => kind)).toEqual(['others']);
  });

  it('is a worker with the DKIM key of this campaign, which others have no use for', () => {
    const workers = [
      { ...WORKER, trouble: 'no DKIM key here for s1._domainkey.example.com: start this worker with …' },
    ];
    const dkim = [{ domain: 'example.com', selector: 's1', algorithm: 'rsa-sha256' as const, key: 'abc' }];
    const kinds = (options: Partial<CampaignOptions>) =>
      waitsFor(viewOf({ standing: STILL, options, view: { workers } })).map(({ kind }) => kind);
    expect(kinds({ dkim })).toEqual(['credentials']);
    expect(kinds({})).toEqual(['others']);
  });

  it('is said all at once, the most decisive first', () => {
    const all = viewOf({
      campaign: { flags: { paused, cancelling: false } },
      options: { schedule: { at: NOW + HOUR, hours: null } },
      view: { opensAt: NOW + HOUR, workers: [], relays: [relayView({ breaker: BREAKER })] },
    });
    expect(waitsFor(all).map(({ kind }) => kind)).toEqual(['paused', 'time', 'workers', 'relay']);
  });

  it('is not its time, its operator or its relay once it is cancelled', () => {
    const view = { opensAt: NOW + HOUR, relays: [relayView({ breaker: BREAKER })] };
    expect(waitsFor(viewOf({ campaign: { flags: { paused, cancelling: true } }, view }))).toEqual([]);
  });

  it('is not the relay while another one can be used, nor a worker that this command starts', () => {
    const relays = [relayView({ breaker: BREAKER }), relayView()];
    expect(waitsFor(viewOf({ view: { relays } }))).toEqual([]);
    expect(waitsFor(viewOf({ view: { workers: [], starting: true } }))).toEqual([]);
  });

  it('is in the docs, every kind of it, in order', () => {
    const shown = page('docs/how-to/when.md').split('<!-- waits-for -->')[1]?.split('<!-- /waits-for -->')[0] ?? '';
    expect(table(shown).map(([kind = '']) => kind)).toEqual(Object.keys(CAUSES).map((kind) => `\`${kind}\``));
  });
});
