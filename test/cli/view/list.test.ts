import { describe, expect, it } from 'vitest';
import { listLines } from '../../../src/cli/view/list.js';
import { columnsOf } from '../../../src/report/format.js';
import { CAMPAIGN, countersOf, NOW, standingOf } from './views.js';

const PLAIN = { width: 120, color: false, bars: true };
const named = (id: string, name: string) => standingOf({}, { id, options: { ...CAMPAIGN.options, name } });

describe('a list of campaigns', () => {
  it('is a table in the order given', () => {
    const done = standingOf(
      { total: 1_000_000, counters: countersOf({ sent: 999_999, unknown: 1 }), refusals: [] },
      { id: 'may', phase: 'completed', createdAt: NOW - 3 * 86_400_000 },
    );
    expect(listLines([standingOf(), done], PLAIN)).toEqual([
      'id           phase          total     sent  failed  unknown  launched   name',
      'spring-2026  sending       10,000    4,390     108        2  3 min ago  Spring newsletter',
      'may          completed  1,000,000  999,999       0        1  3 d ago    Spring newsletter',
    ]);
  });

  it('says what stands beside the phase', () => {
    const paused = { by: 'ana', reason: '', at: NOW };
    const lines = listLines([standingOf({}, { flags: { paused, cancelling: false } })], PLAIN);
    expect(lines[1]).toContain('sending, paused');
  });

  it('cuts a long name, and takes lines where even that does not fit', () => {
    const long = 'A name that goes on for much longer than any terminal is wide, and then for some more';
    const table = listLines([named('spring-2026', long)], PLAIN);
    expect(table).toHaveLength(2);
    expect(table[1]).toMatch(/A name that .*\.\.\.$/);
    expect(listLines([named('spring-2026', long)], { width: 60, color: false, bars: true })).toEqual([
      'spring-2026  A name that goes on for much longer than any...',
      '  sending, launched 3 min ago',
      '  10,000 total, 4,390 sent, 108 failed, 2 unknown',
    ]);
  });

  it('never cuts an id, and fits otherwise', () => {
    const id = 'a'.repeat(64);
    expect(listLines([named(id, 'x')], { width: 60, color: false, bars: true })[0]).toContain(id);
    for (const width of [60, 80, 120]) {
      for (const line of listLines([named('b', '名'.repeat(90)), named('c', 'short')], {
        width,
        color: false,
        bars: true,
      })) {
        expect(columnsOf(line)).toBeLessThanOrEqual(width);
      }
    }
  });

  it('is safe on a terminal, and coloured only where asked', () => {
    const lines = listLines([named('b', 'x\u001b[2J\r\ny')], PLAIN);
    expect(lines.join('|')).not.toMatch(/\p{Cc}/u);
    expect(lines[1]).toMatch(/x \[2J y$/);
    expect(listLines([named('b', 'x')], { ...PLAIN, color: true, bars: true })[0]).toContain('\u001b[1m');
  });

  it('says how to begin where there are none', () => {
    expect(listLines([], PLAIN).join()).toContain('fanmail launch');
  });
});
