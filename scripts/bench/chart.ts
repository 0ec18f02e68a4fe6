import { type Figure, passes, type Report } from './report.js';
import { summarize } from './samples.js';
import { quantity } from './table.js';

const LINE = 30;
const TOP = 64;
const LABEL = 330;
const PLOT = 340;
const WIDTH = 940;
/** Twice as good as asked for fills the plot; more is not drawn. */
const MOST = 2;

/** How far a value is on the way to its bar: 1 reaches it, where less is better, too. */
export function reach(value: number, { at, value: asked }: NonNullable<Figure['bar']>): number {
  if (value === 0) return at === 'least' ? 0 : MOST;
  const ratio = at === 'least' ? value / asked : asked / value;
  return Math.min(MOST, Math.max(0, ratio));
}

interface Line {
  readonly row: string;
  readonly figure: Figure;
  readonly bar: NonNullable<Figure['bar']>;
}

/** A bar for each judged figure, against one line that all of them have to reach; the whisker is the range. */
export function chart(report: Report): string {
  const lines = report.rows.flatMap(({ name, result }): Line[] =>
    result.kind === 'measured'
      ? result.figures.flatMap((figure) => (figure.bar ? [{ row: name, figure, bar: figure.bar }] : []))
      : [],
  );
  const height = TOP + lines.length * LINE + 24;
  const missed = lines.filter(({ figure }) => passes(figure) === false).length;
  const words = `${lines.length - missed} of ${lines.length} bars reached; ${report.date.slice(0, 10)}, ${report.commit}`;
  const asked = LABEL + PLOT / MOST;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="13">
<title id="t">fanmail’s benchmark: how far each figure is on the way to its bar</title>
<desc id="d">${xml(words)}</desc>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="16" y="26" font-size="16" font-weight="600" fill="#1a1a1a">How far each figure is on the way to its bar</text>
<text x="16" y="46" fill="#555">${xml(words)}</text>
${lines.map((line, at) => drawn(line, TOP + at * LINE)).join('\n')}
<path d="M${asked} ${TOP - 6}V${TOP + lines.length * LINE}" stroke="#1a1a1a" stroke-dasharray="4 3"/>
<text x="${asked}" y="${height - 8}" text-anchor="middle" fill="#555">the bar</text>
</svg>
`;
}

function drawn({ row, figure, bar }: Line, y: number): string {
  const { median, min, max } = summarize(figure.samples);
  const x = (value: number) => round(LABEL + (PLOT * reach(value, bar)) / MOST);
  const colour = passes(figure) ? '#1b7f4b' : '#b3402a';
  const asked = `${bar.at === 'least' ? '≥' : '≤'} ${quantity(bar.value, figure.unit)}`;
  const middle = y + LINE / 2;
  const ends = [x(min), x(max)].sort((a, b) => a - b);
  return `<text x="${LABEL - 10}" y="${middle + 4}" text-anchor="end" fill="#1a1a1a">${xml(shorten(`${row}: ${figure.name}`))}</text>
<rect x="${LABEL}" y="${y + 5}" width="${round(x(median) - LABEL)}" height="${LINE - 12}" fill="${colour}"><title>${xml(`${figure.name}: ${quantity(median, figure.unit)}`)}</title></rect>
<path d="M${ends[0]} ${middle - 1}H${ends[1]}" stroke="#1a1a1a" stroke-width="2"/>
<text x="${LABEL + PLOT + 10}" y="${middle + 4}" fill="${colour}">${xml(`${quantity(median, figure.unit)} (${asked})`)}</text>`;
}

function shorten(text: string): string {
  return text.length <= 46 ? text : `${text.slice(0, 45)}…`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
