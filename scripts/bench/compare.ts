import type { Report } from './report.js';
import { summarize } from './samples.js';
import { aligned, quantity, range } from './table.js';

/** `changed`: today's median lies outside of what was seen then. Better or worse where one of them is. */
export type Change = 'same' | 'better' | 'worse' | 'changed' | 'new' | 'gone';

export interface Compared {
  readonly row: string;
  readonly name: string;
  readonly unit: string;
  readonly now: readonly number[] | null;
  readonly before: readonly number[] | null;
  readonly change: Change;
}

interface Quantity {
  readonly row: string;
  readonly name: string;
  readonly unit: string;
  readonly samples: readonly number[];
  /** Which way is better. */
  readonly better: 'more' | 'less' | null;
}

/** Ratios first, then the quantities of the machine. */
function quantities({ rows }: Report): Quantity[] {
  const of = (kind: 'figures' | 'contenders') =>
    rows.flatMap(({ name: row, result }) => {
      if (result.kind !== 'measured') return [];
      if (kind === 'contenders') return result.contenders.map((one) => ({ ...one, row, better: betterOf(one.unit) }));
      return result.figures.map(({ bar, ...one }) => {
        const better = bar === null ? null : bar.at === 'least' ? ('more' as const) : ('less' as const);
        return { ...one, row, better };
      });
    });
  return [...of('figures'), ...of('contenders')];
}

/** Rates are better when they are higher; times and bytes when they are lower. */
function betterOf(unit: string): Quantity['better'] {
  return unit.endsWith('/s') ? 'more' : 'less';
}

/** Rows that only one of the two runs measured are left out where the row is missing as a whole in today's. */
export function compareReports(now: Report, then: Report): Compared[] {
  const key = ({ row, name, unit }: Quantity) => `${row}\n${name}\n${unit}`;
  const before = new Map(quantities(then).map((one) => [key(one), one]));
  const today = quantities(now);
  const known = new Set(today.map(key));
  const measured = new Set(today.map(({ row }) => row));
  const gone = [...before.values()].filter((one) => measured.has(one.row) && !known.has(key(one)));
  return [
    ...today.map((one): Compared => {
      const old = before.get(key(one));
      const { row, name, unit, samples } = one;
      return { row, name, unit, now: samples, before: old?.samples ?? null, change: old ? changeOf(one, old) : 'new' };
    }),
    ...gone.map(
      ({ row, name, unit, samples }): Compared => ({ row, name, unit, now: null, before: samples, change: 'gone' }),
    ),
  ];
}

function changeOf(now: Quantity, then: Quantity): Change {
  const { median } = summarize(now.samples);
  const { min, max } = summarize(then.samples);
  if (median >= min && median <= max) return 'same';
  if (now.better === null) return 'changed';
  return median > max === (now.better === 'more') ? 'better' : 'worse';
}

export function comparisonTable(now: Report, then: Report): string {
  const cell = (samples: readonly number[] | null, unit: string) => {
    if (samples === null) return '';
    const all = summarize(samples);
    return `${quantity(all.median, unit)} (${range(all)})`;
  };
  const rows = compareReports(now, then).map(({ row, name, unit, now: today, before, change }) => [
    row,
    name,
    cell(before, unit),
    cell(today, unit),
    change === 'same' ? '' : change,
  ]);
  const head = ['row', '', `${then.date.slice(0, 10)} ${then.commit}`, `now ${now.commit}`, 'beyond its range'];
  return [...differences(now, then), ...aligned([head, ...rows]), ''].join('\n');
}

/** What makes the two runs hard to compare. */
function differences(now: Report, then: Report): string[] {
  const names = ['cores', 'cpu', 'platform', 'node', 'redis', 'sink'] as const;
  const machine = names
    .filter((name) => now.machine[name] !== then.machine[name])
    .map((name) => `other ${name}: ${then.machine[name]} then, ${now.machine[name]} now`);
  const mode = now.mode === then.mode ? [] : [`other mode: ${then.mode} then, ${now.mode} now`];
  const found = [...machine, ...mode];
  return found.length === 0 ? [] : [...found, 'Only ratios compare well.', ''];
}
