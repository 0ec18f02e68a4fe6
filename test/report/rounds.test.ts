import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paceOf } from '../../src/cli/view/pace.js';
import { type Opening, roundOf } from '../../src/domain/round.js';
import type { Summary } from '../../src/domain/summary.js';
import { summaryPage } from '../../src/report/page.js';
import { summaryText } from '../../src/report/summary-text.js';
import { countersOf, NOW, standingOf } from '../cli/view/views.js';
import { SUMMARY } from './summaries.js';

const OPENING: Opening = {
  ...{ retried: 541, unknown: true, skipped: false, where: 'code=4xx or <b>' },
  states: countersOf({ pending: 541, sent: 24_459 }),
};

/** Of the campaign of SUMMARY, after a retry. */
const ROUNDS: NonNullable<Summary['rounds']> = [
  roundOf({
    ...{ round: 1, cancelled: false, openedAt: NOW, closedAt: NOW + 9_000, opening: null, total: 25_000 },
    states: SUMMARY.states,
  }),
  roundOf({
    ...{
      round: 2,
      cancelled: true,
      openedAt: NOW + 86_400_000,
      closedAt: NOW + 86_500_000,
      opening: OPENING,
      total: 25_000,
    },
    states: countersOf({ sent: 24_900, failed: 60, unknown: 38, skipped: 2 }),
  }),
];
const LATER: Summary = { ...SUMMARY, round: 2, rounds: ROUNDS };

describe('the rounds of a campaign', () => {
  it('say how the recipients of each ended', () => {
    expect(ROUNDS[0]).toMatchObject({
      recipients: 25_000,
      asked: null,
      ended: { sent: 24_459, failed: 503, unknown: 38 },
    });
    expect(ROUNDS[1]).toMatchObject({
      ...{ phase: 'cancelled', recipients: 541, asked: { unknown: true, skipped: false, where: 'code=4xx or <b>' } },
      ended: { sent: 441, failed: 60, unknown: 38, skipped: 2, suppressed: 0 },
    });
  });

  it('add up to their recipients, whatever became of whom', () => {
    const total = 1_000;
    const parts = fc.array(fc.nat({ max: 100 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(parts, parts, (before, after) => {
        const final = ['sent', 'failed', 'suppressed', 'skipped', 'unknown'] as const;
        const of = (counts: readonly number[]) => countersOf(Object.fromEntries(final.map((s, i) => [s, counts[i]])));
        const retried = after.reduce((a, b) => a + b, 0);
        const states = of(before.map((count, i) => count + (after[i] ?? 0)));
        const opening = { ...OPENING, retried, states: { ...of(before), pending: retried } };
        const facts = { round: 2, cancelled: false, openedAt: 0, closedAt: 1, opening, total };
        const { ended, recipients } = roundOf({ ...facts, states });
        expect(Object.values(ended).reduce((a, b) => a + b, 0)).toBe(recipients);
      }),
    );
  });

  it('stand in the text and on the page where there is more than one, and what was asked for is only text', () => {
    expect(summaryText(SUMMARY)).not.toContain('Rounds');
    expect(summaryPage(SUMMARY)).not.toContain('Rounds');
    const text = summaryText(LATER, { width: 100 });
    expect(text).toContain(
      '\nRounds\n  1, opened 2026-05-01T12:00:00.000Z: 25,000 recipients, 24,459 sent, 503 failed, 38 unknown\n',
    );
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      '2, opened 2026-05-02T12:00:00.000Z, cancelled: 541 tried again (failed, unknown; code=4xx or <b>), 441 sent, 60 failed, 2 skipped, 38 unknown',
    );
    const page = summaryPage(LATER);
    expect(page).toContain('<td>failed, unknown; code=4xx or &lt;b&gt;</td>');
    expect(page).toContain('Rounds of the campaign');
    expect(page).not.toContain('<b>');
  });
});

describe('the pace of a later round', () => {
  it('counts only who reached a final state since it was opened', () => {
    const counters = countersOf({ pending: 41, sent: 24_859, failed: 100 });
    const campaign = { round: 2, opening: OPENING, startedAt: NOW - 100_000 };
    expect(paceOf(standingOf({ counters, total: 25_000 }, campaign), true).averagePerSecond).toBe(5);
    expect(paceOf(standingOf({ counters, total: 25_000 }, { startedAt: NOW - 100_000 }), true).averagePerSecond).toBe(
      249.59,
    );
  });
});
