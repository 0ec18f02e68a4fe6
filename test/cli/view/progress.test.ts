import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { progressLines } from '../../../src/cli/view/progress.js';
import { progressObject } from '../../../src/cli/view/progress-object.js';
import { columnsOf } from '../../../src/report/format.js';
import { BREAKER, countersOf, NOW, relayView, standingOf, WORKER } from './views.js';

const PLAIN = { width: 80, color: false, bars: true };
const view = (...standing: Parameters<typeof standingOf>) => ({
  standing: standingOf(...standing),
  relays: [relayView()],
  workers: [WORKER],
  opensAt: null,
});
const text = (...args: Parameters<typeof progressLines>) => progressLines(...args).join('\n');

describe('progress for people', () => {
  it('has phase, bar, counters, rates, time left, chunks, what waits, workers and refusals', () => {
    expect(progressLines({ ...view(), workers: [WORKER, { ...WORKER, pid: 7 }] }, PLAIN)).toEqual([
      'spring-2026  sending  Spring newsletter',
      `[${'#'.repeat(24)}${'-'.repeat(31)}] 45.0%  4,500 of 10,000`,
      'pending     5,430    in flight      50    deferred       20    sent        4,390',
      'failed        108    suppressed      0    skipped         0    unknown         2',
      'rate       55/s now, 45/s on average, about 1 min 40 s left',
      'chunks     8 of 20 done, 34 retries so far',
      'waiting    20 deferred, the next try in 42 s',
      'workers    2 connected, 40 connections',
      'refusals   550 5.1.1 dead (80), 450 4.2.1 transient (34), 554 (20), and 2 other',
      '           codes',
    ]);
  });

  it('leaves out counters of zero where there is little room', () => {
    expect(text(view(), { ...PLAIN, width: 60 })).not.toMatch(/suppressed|skipped/);
    expect(text(view(), { ...PLAIN, width: 60 })).toMatch(/in flight +50/);
  });

  it('says who paused it, when and why, and promises no time left', () => {
    const paused = { by: 'relay', reason: '535 5.7.8 not accepted', at: NOW - 300_000 };
    const lines = text(view({}, { flags: { paused, cancelling: false } }), PLAIN);
    expect(lines).toMatch(/^spring-2026 {2}sending, paused {2}/m);
    expect(lines).toMatch(/^waits for {2}fanmail resume spring-2026: paused by relay 5 min ago \(535 5\.7\.8 not/m);
    expect(lines).not.toContain('left');
  });

  it('says that it is cancelling, and which round this is', () => {
    const lines = text(view({}, { round: 2, flags: { paused: null, cancelling: true } }), PLAIN);
    expect(lines).toMatch(/^spring-2026 {2}sending, cancelling, round 2 {2}/m);
  });

  it('says since when the breaker is open, why, and when the relay is asked again', () => {
    const lines = text({ ...view(), relays: [relayView({ breaker: BREAKER })] }, PLAIN);
    expect(lines).toMatch(/^breaker {4}open since 3 min ago, 5 failures, the next try in 12 s$/m);
    expect(lines).toMatch(/^ +unreachable: connect ECONNREFUSED 192\.0\.2\.7:587$/m);
    expect(lines).not.toContain('left');
  });

  it('says what limits it, and what the relay has shown to be too fast', () => {
    const pace = { perSecond: 50, domains: { 'gmail.com': { perSecond: 20, connections: 5 } }, groups: {} };
    const standing = standingOf({}, { options: { ...standingOf().campaign.options, pace } });
    const slow = [
      { group: 'yahoo.com', perSecond: 9.6, cutAt: NOW - 60_000, nextAt: NOW, leftMs: 540_000 },
      { group: 'gmail.com', perSecond: 12.5, cutAt: NOW - 2_000, nextAt: NOW, leftMs: 598_000 },
    ];
    const lines = text({ ...view(), standing, relays: [relayView({ pace: { perSecond: 500, slow } })] }, PLAIN);
    expect(lines).toContain('limits     50/s for the campaign, 500/s for all through');
    expect(lines).toContain('gmail.com 20/s, gmail.com 5 at a time');
    expect(lines).toMatch(/^throttled {2}gmail\.com 13\/s \(just now\), yahoo\.com 9\.6\/s \(1 min ago\)$/m);
    const object = progressObject({ ...view(), standing, relays: [relayView({ pace: { perSecond: 500, slow } })] });
    expect(object.limits).toEqual({
      campaignPerSecond: 50,
      relayPerSecond: 500,
      domains: pace.domains,
      throttled: slow.map(({ cutAt, nextAt, ...one }) => ({
        ...one,
        cutAt: new Date(cutAt).toISOString(),
        nextAt: new Date(nextAt).toISOString(),
      })),
    });
  });

  it('names the trouble of workers, and what to start where there are none', () => {
    const workers = Array.from({ length: 5 }, (_, pid) => ({ ...WORKER, pid, trouble: 'no credentials' }));
    const lines = text({ ...view(), workers }, PLAIN);
    expect(lines).toMatch(/^workers {4}5 connected, 100 connections$/m);
    expect(lines.match(/mail-1:\d: no credentials/g)).toHaveLength(3);
    expect(lines).toContain('and 2 more with trouble');
    expect(text({ ...view(), workers: [] }, PLAIN)).toContain('start one with: fanmail worker');
    expect(text({ ...view({}, { phase: 'completed', endedAt: NOW }), workers: [] }, PLAIN)).not.toContain('worker');
  });

  it('is coloured only where asked, and says the same then', () => {
    const colored = text(view(), { width: 80, color: true, bars: true });
    expect(colored).toContain('\u001b[32m');
    expect(text(view(), PLAIN)).not.toContain('\u001b');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the escape sequences of colours
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(text(view(), PLAIN));
  });

  it('shows a staging campaign without recipients yet', () => {
    const counters = countersOf({});
    const staging = view(
      { counters, total: 0, refusals: [], nextDueAt: null },
      { phase: 'staging', startedAt: null, totals: null },
    );
    expect(text(staging, PLAIN)).toMatch(/0\.0% {2}0 of 0$/m);
    expect(text(staging, PLAIN)).toMatch(/^rate {7}0\/s on average$/m);
  });

  it('fits any width and holds no control characters, whatever list, relay and workers say', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 200 });
    fc.assert(
      fc.property(hostile, hostile, fc.maxSafeNat(), fc.integer({ min: 60, max: 200 }), (a, b, big, width) => {
        const hostileView = {
          standing: standingOf(
            {
              total: big,
              counters: countersOf({ sent: big }),
              refusals: [{ code: a, replyClass: 'throttle', count: big }],
            },
            { flags: { paused: { by: a, reason: b, at: NOW }, cancelling: true } },
          ),
          relays: [
            relayView({
              breaker: { ...BREAKER, cause: a, why: b },
              pace: { perSecond: big, slow: [{ group: a, perSecond: big, cutAt: big, nextAt: big, leftMs: big }] },
            }),
          ],
          workers: [{ ...WORKER, host: a, trouble: b }],
          opensAt: null,
        };
        for (const line of progressLines(hostileView, { width, color: false, bars: true })) {
          expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
          expect(columnsOf(line)).toBeLessThanOrEqual(width);
        }
      }),
    );
  });
});

describe('the time left', () => {
  const eta = (...standing: Parameters<typeof standingOf>) => progressObject(view(...standing)).etaMs;

  it('is what is open by the rate of now, by the average where nothing ended of late', () => {
    expect(eta()).toBe(100_000);
    expect(eta({ ratePerSecond: 0 })).toBe(Math.round(5_500_000 / 45));
  });

  it('is never before the next try of what waits', () => {
    expect(eta({ nextDueAt: NOW + 3_600_000 })).toBe(3_600_000);
    expect(eta({ nextDueAt: NOW - 5_000 })).toBe(100_000);
  });

  it('cannot be told before anything ended, or when nothing is being sent', () => {
    expect(eta({ ratePerSecond: 0, counters: countersOf({ pending: 10_000 }) })).toBeNull();
    for (const phase of ['staging', 'queued', 'aggregating', 'completed', 'cancelled'] as const) {
      expect(eta({}, { phase })).toBeNull();
    }
    expect(progressObject({ ...view(), relays: [relayView({ breaker: BREAKER })] }).etaMs).toBeNull();
  });

  it('is nothing when all are done', () => {
    expect(eta({ counters: countersOf({ sent: 10_000 }), ratePerSecond: 0 })).toBe(0);
  });
});

describe('progress for programs', () => {
  it('is one object of figures, ISO times and nulls', () => {
    expect(
      JSON.parse(JSON.stringify(progressObject({ ...view(), relays: [relayView({ breaker: BREAKER })] }))),
    ).toEqual({
      id: 'spring-2026',
      name: 'Spring newsletter',
      phase: 'sending',
      round: 1,
      paused: null,
      cancelling: false,
      cancelled: null,
      waitsFor: [
        {
          kind: 'relay',
          text: 'the relay, unreachable since 3 min ago; it is tried again in 12 s',
          until: '2026-05-01T12:00:12.000Z',
        },
      ],
      opensAt: null,
      closesAt: null,
      canary: null,
      total: 10_000,
      done: 4_500,
      counters: {
        pending: 5430,
        inflight: 50,
        deferred: 20,
        sent: 4390,
        failed: 108,
        suppressed: 0,
        skipped: 0,
        unknown: 2,
      },
      retries: 34,
      chunks: { total: 20, done: 8 },
      ratePerSecond: 55,
      averagePerSecond: 45,
      etaMs: null,
      nextDueAt: '2026-05-01T12:00:42.000Z',
      refusals: standingOf().refusals.map(({ code, replyClass, count }) => ({ code, class: replyClass, count })),
      limits: { campaignPerSecond: null, relayPerSecond: null, domains: {}, throttled: [] },
      breaker: {
        since: '2026-05-01T11:56:48.000Z',
        until: '2026-05-01T12:00:12.000Z',
        failures: 5,
        cause: 'unreachable',
        why: 'connect ECONNREFUSED 192.0.2.7:587',
      },
      relays: [],
      workers: [{ ...WORKER, at: '2026-05-01T11:59:59.000Z' }],
      notice: null,
      createdAt: '2026-05-01T11:56:40.000Z',
      sealedAt: '2026-05-01T11:58:10.000Z',
      startedAt: '2026-05-01T11:58:20.000Z',
      closedAt: null,
      endedAt: null,
      now: '2026-05-01T12:00:00.000Z',
    });
  });

  it('averages over the time of sending, which ends with the close', () => {
    const closed = view({ now: NOW + 1_000_000 }, { phase: 'completed', closedAt: NOW, endedAt: NOW });
    expect(progressObject(closed).averagePerSecond).toBe(45);
  });

  it('holds no secret of the campaign and no control characters', () => {
    const paused = { by: 'me\u009b', reason: 'x\u001b[2J', at: NOW };
    const json = JSON.stringify(progressObject(view({}, { flags: { paused, cancelling: false } })));
    expect(json).not.toMatch(/pepper|nonce|u001b|\u009b/);
  });
});
