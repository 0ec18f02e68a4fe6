import { describe, expect, it } from 'vitest';
import { chart, reach } from '../../scripts/bench/chart.js';
import { compareReports, comparisonTable } from '../../scripts/bench/compare.js';
import { parseOptions } from '../../scripts/bench/options.js';
import { isMissed, parseReport, passes, type Report, type Row } from '../../scripts/bench/report.js';
import { ratios, summarize } from '../../scripts/bench/samples.js';
import { figureLines, markdownTable, terminalTable } from '../../scripts/bench/table.js';

const least = { at: 'least', value: 6 } as const;

function reportOf(rows: readonly Row[], more: Partial<Report> = {}): Report {
  const machine = {
    ...{ cores: 2, cpu: 'Some CPU', memoryGB: 8, load: 0.1, platform: 'linux x64' },
    ...{ node: '20.20.2', redis: '7.0.15', sink: 'Postfix smtp-sink' },
  };
  const now = { date: '2026-05-01T12:00:00.000Z', commit: 'abc1234' };
  return { version: 1, ...now, mode: 'short', rounds: 3, machine, rows, ...more };
}

function rowOf(ratio: readonly number[], rate: readonly number[], name = 'one-worker'): Row {
  const figures = [{ name: '÷ other', unit: '×', samples: ratio, bar: least }];
  const contenders = [{ name: 'fanmail', unit: 'messages/s', samples: rate }];
  return { name, what: 'this & that', result: { kind: 'measured', figures, contenders, notes: ['a note'] } };
}

const skipped: Row = { name: 'other', what: 'x', result: { kind: 'skipped', why: 'no smtp-source' } };
const failed: Row = { name: 'third', what: 'x', result: { kind: 'failed', why: '3 of 4 arrived' } };

describe('samples', () => {
  it('have a median, of an even number the middle of two', () => {
    expect(summarize([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
    expect(summarize([10, 9, 1, 2])).toEqual({ median: 5.5, min: 1, max: 10 });
    expect(() => summarize([])).toThrow('no samples');
  });

  it('are divided round by round, and one without its other is left out', () => {
    expect(ratios([10, 12, 7], [5, 4])).toEqual([2, 3]);
  });
});

describe('a verdict', () => {
  it('is by the median, whether more or less is better', () => {
    expect(passes({ name: '', unit: '×', samples: [1, 6, 7], bar: least })).toBe(true);
    expect(passes({ name: '', unit: '×', samples: [1, 5.9, 7], bar: least })).toBe(false);
    expect(passes({ name: '', unit: 'ms', samples: [1, 100, 700], bar: { at: 'most', value: 100 } })).toBe(true);
    expect(passes({ name: '', unit: 'ms', samples: [1], bar: null })).toBeNull();
  });

  it('of a run is bad where a bar is missed or a row went wrong, not where one was skipped', () => {
    expect(isMissed(reportOf([rowOf([6, 7, 8], [1]), skipped]))).toBe(false);
    expect(isMissed(reportOf([rowOf([5, 5, 8], [1])]))).toBe(true);
    expect(isMissed(reportOf([rowOf([7], [1]), failed]))).toBe(true);
  });
});

describe('a report', () => {
  it('survives being saved', () => {
    const report = reportOf([rowOf([6, 7], [1000]), skipped, failed]);
    expect(parseReport(JSON.stringify(report))).toEqual(report);
  });

  it.each([
    ['not json', 'it is no JSON'],
    ['[]', 'it: '],
    [JSON.stringify({ ...reportOf([]), version: 2 }), 'version: '],
    [JSON.stringify(reportOf([rowOf([], [1])])), 'rows.0.result.figures.0.samples: '],
  ])('is refused where it is none: %.20s', (text, why) => {
    expect(() => parseReport(text)).toThrow(why);
  });
});

describe('the table', () => {
  const report = reportOf([rowOf([5, 5.5, 7], [900, 1000, 1234]), skipped, failed]);

  it('shows ratios with range, bar and verdict before the quantities of the machine', () => {
    const lines = terminalTable(report).split('\n');
    expect(lines[1]).toMatch(/^one-worker +÷ other +5\.50× +5\.00–7\.00 +≥ 6\.00× +MISSED$/);
    expect(lines[2]).toMatch(/^other +no smtp-source +skipped$/);
    expect(lines[3]).toMatch(/^third +3 of 4 arrived +failed$/);
    expect(lines[6]).toMatch(/^one-worker +fanmail +1,000 messages\/s +900–1,234$/);
    expect(lines).toContain('one-worker: a note');
  });

  it('says each row by itself, as it is measured', () => {
    expect(report.rows.flatMap(figureLines)).toEqual([
      'one-worker  ÷ other  5.50×  5.00–7.00  ≥ 6.00×  MISSED',
      'other  no smtp-source  skipped',
      'third  3 of 4 arrived  failed',
    ]);
  });

  it('is the same in Markdown', () => {
    const text = markdownTable(report);
    expect(text).toContain('| one-worker | ÷ other | 5.50× | 5.00–7.00 | ≥ 6.00× | MISSED |');
    expect(text).toContain('| one-worker | fanmail | 1,000 messages/s | 900–1,234 |');
    expect(text).toContain('Node 20.20.2, Redis 7.0.15; relay: Postfix smtp-sink');
  });
});

describe('the chart', () => {
  it('draws what is judged against one line, and the better the longer', () => {
    expect(reach(9, least)).toBe(1.5);
    expect(reach(50, { at: 'most', value: 100 })).toBe(2);
    expect(reach(200, { at: 'most', value: 100 })).toBe(0.5);
    expect(reach(0, { at: 'most', value: 0 })).toBe(2);
    expect(reach(3, { at: 'most', value: 0 })).toBe(0);
  });

  it('is one well-formed picture with a title, and escapes what it shows', () => {
    const row = rowOf([7, 8], [1], 'a<b>&"c"');
    const svg = chart(reportOf([row, rowOf([5], [1]), skipped]));
    expect(svg).toContain('a&lt;b&gt;&amp;&quot;c&quot;: ÷ other');
    expect(svg).toContain('1 of 2 bars reached');
    expect(svg.match(/<rect /g)).toHaveLength(3);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('a comparison with a saved run', () => {
  const before = reportOf([rowOf([6, 7, 8], [900, 1000, 1100])]);
  const changeOf = (ratio: number[], rate: number[]) =>
    compareReports(reportOf([rowOf(ratio, rate)]), before).map(({ change }) => change);

  it('says what lies outside of the range that was seen, and in which direction', () => {
    expect(changeOf([6.1, 7.9], [901])).toEqual(['same', 'same']);
    expect(changeOf([5], [2000])).toEqual(['worse', 'better']);
    expect(changeOf([9], [100])).toEqual(['better', 'worse']);
  });

  it('names what is new or gone, and not the rows that were not measured today', () => {
    const now = reportOf([rowOf([7], [1000], 'another')]);
    expect(compareReports(now, before).map(({ row, change }) => `${row} ${change}`)).toEqual([
      'another new',
      'another new',
    ]);
    const less = { ...rowOf([7], [1000]), result: { kind: 'measured', figures: [], contenders: [], notes: [] } };
    expect(compareReports(reportOf([less as Row, rowOf([7], [1], 'b')]), before).map((one) => one.change)).toEqual([
      'new',
      'new',
    ]);
  });

  it('warns where machine or mode were others', () => {
    const then = { ...before, mode: 'full' as const, machine: { ...before.machine, cores: 64 } };
    const text = comparisonTable(reportOf([rowOf([7], [1000])]), then);
    expect(text).toContain('other cores: 64 then, 2 now');
    expect(text).toContain('other mode: full then, short now');
    expect(comparisonTable(before, before)).not.toContain('Only ratios');
  });
});

describe('the options', () => {
  const rows = ['one', 'two'];

  it('save under docs/bench, but not a part over the whole', () => {
    expect(parseOptions([], rows)).toMatchObject({ full: false, only: null, rounds: null, out: 'docs/bench/latest' });
    expect(parseOptions(['--only', 'two,one', '--rounds', '2'], rows)).toMatchObject({
      only: ['two', 'one'],
      rounds: 2,
      out: null,
    });
    expect(parseOptions(['--only', 'two', '--out', 'a/b.json'], rows).out).toBe('a/b');
  });

  it.each([
    [['--only', 'one,tow'], '--only has "tow": allowed are one, two'],
    [['--rounds', '0'], '--rounds is "0": allowed is a whole number from 1 to 99'],
    [['--rounds', '1e1'], '--rounds is "1e1"'],
    [['--minutes', '-'], '--minutes is "-": allowed is a number from 0.1 to 1440'],
    [['--fast'], 'Allowed are --full, --only'],
    [['x'], 'Allowed are --full, --only'],
    [['--out', ''], '--out is empty'],
  ])('are refused with what is allowed: %j', (args, why) => {
    expect(() => parseOptions(args, rows)).toThrow(why);
  });
});
