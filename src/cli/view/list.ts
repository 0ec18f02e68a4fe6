import type { Standing } from '../../domain/campaign.js';
import { clip, columnsOf, count, pad, printable } from '../../report/format.js';
import { ago, lineOf, type Piece, type Style } from './format.js';
import { phaseText } from './progress.js';

const TITLES = ['id', 'phase', 'total', 'sent', 'failed', 'unknown', 'launched', 'name'] as const;
type Title = (typeof TITLES)[number];
type Row = Readonly<Record<Title, string>>;

const FIGURES: ReadonlySet<Title> = new Set(['total', 'sent', 'failed', 'unknown']);
const GAP = '  ';
/** A name that is cut to fewer columns says nothing. */
const NAME_MIN = 12;

/**
 * Campaigns in the order given: a table with a heading, or, where that doesn't fit, some lines each. A name may be cut; an
 * id never is, since other commands want it typed, so that only a very long one goes beyond the width.
 */
export function listLines(standings: readonly Standing[], style: Style): string[] {
  if (standings.length === 0) return ['No campaigns yet. Start one with: fanmail launch'];
  const rows = standings.map(rowOf);
  const widths = TITLES.map((title) => Math.max(title.length, ...rows.map((row) => columnsOf(row[title]))));
  const longestName = widths.pop() ?? 0;
  const forName = style.width - widths.reduce((sum, width) => sum + width + GAP.length, 0);
  if (forName < Math.min(NAME_MIN, longestName)) return rows.flatMap((row) => stacked(row, style));
  const line = (row: Row) =>
    TITLES.map((title, i) => (title === 'name' ? clip(row.name, forName) : cell(title, row, widths[i] ?? 0))).join(GAP);
  const heading = Object.fromEntries(TITLES.map((title) => [title, title])) as Row;
  return [lineOf([['bold', line(heading)]], style), ...rows.map(line)];
}

function cell(title: Title, row: Row, width: number): string {
  return FIGURES.has(title) ? row[title].padStart(width) : pad(row[title], width);
}

function stacked(row: Row, style: Style): string[] {
  const rest: Piece[][] = [
    [`${GAP}${row.phase}, launched ${row.launched}`],
    [`${GAP}${row.total} total, ${row.sent} sent, ${row.failed} failed, ${row.unknown} unknown`],
  ];
  const id = lineOf([['bold', row.id]], { ...style, width: row.id.length });
  const name = lineOf([GAP, row.name], { ...style, width: Math.max(0, style.width - row.id.length) });
  return [`${id}${name}`, ...rest.map((pieces) => lineOf(pieces, style))];
}

function rowOf({ campaign, counters, total, now }: Standing): Row {
  return {
    id: campaign.id,
    name: printable(campaign.options.name),
    phase: phaseText(campaign),
    total: count(total),
    sent: count(counters.sent),
    failed: count(counters.failed),
    unknown: count(counters.unknown),
    launched: ago(now - campaign.createdAt),
  };
}
