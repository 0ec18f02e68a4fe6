import { type Figure, passes, type Report, type Row } from './report.js';
import { type Summary, summarize } from './samples.js';

/** `7,640 messages/s`; the unit × stands without a space. */
export function quantity(value: number, unit: string): string {
  return `${number(value)}${unit === '×' ? '' : ' '}${unit}`;
}

function number(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function range({ min, max }: Summary): string {
  return `${number(min)}–${number(max)}`;
}

function barText({ bar, unit }: Figure): string {
  if (bar === null) return '';
  const aim = bar.aim === undefined ? '' : `, aim ${number(bar.aim)}`;
  return `${bar.at === 'least' ? '≥' : '≤'} ${quantity(bar.value, unit)}${aim}`;
}

const VERDICT = { true: 'reached', false: 'MISSED', null: '' } as const;

type Cells = readonly string[];
const FIGURE_HEAD: Cells = ['row', 'figure', 'median', 'range', 'bar', ''];
const CONTENDER_HEAD: Cells = ['row', 'contender', 'median', 'range'];

function figureCells(row: Row): Cells[] {
  if (row.result.kind !== 'measured') return [[row.name, row.result.why, '', '', '', row.result.kind]];
  return row.result.figures.map((figure) => {
    const all = summarize(figure.samples);
    const verdict = VERDICT[`${passes(figure)}`];
    return [row.name, figure.name, quantity(all.median, figure.unit), range(all), barText(figure), verdict];
  });
}

/** A row's figures, a line each, for who does not want to wait for the table. */
export function figureLines(row: Row): string[] {
  return figureCells(row).map((cells) => cells.filter((cell) => cell !== '').join('  '));
}

function contenderCells(row: Row): Cells[] {
  if (row.result.kind !== 'measured') return [];
  return row.result.contenders.map(({ name, unit, samples }) => {
    const all = summarize(samples);
    return [row.name, name, quantity(all.median, unit), range(all)];
  });
}

function notes(row: Row): string[] {
  return row.result.kind === 'measured' ? row.result.notes.map((note) => `${row.name}: ${note}`) : [];
}

function machineText({ machine, mode, rounds, date, commit }: Report): string {
  const { cores, cpu, memoryGB, load, platform, node, redis, sink } = machine;
  return (
    `${date.slice(0, 10)}, commit ${commit}, ${mode} mode${rounds > 0 ? `, ${rounds} rounds` : ''}; ` +
    `${cores} cores (${cpu}), a load of ${load} for each before, ${memoryGB} GB, ${platform}, Node ${node}, Redis ${redis}; relay: ${sink}`
  );
}

/** For the terminal: ratios and other judged figures first, then what they come from. */
export function terminalTable(report: Report): string {
  const figures = aligned([FIGURE_HEAD, ...report.rows.flatMap(figureCells)]);
  const contenders = aligned([CONTENDER_HEAD, ...report.rows.flatMap(contenderCells)]);
  return [...figures, '', ...contenders, '', ...report.rows.flatMap(notes), machineText(report), ''].join('\n');
}

/** Columns from the third on hold numbers and stand to the right, but for the last of the figures. */
export function aligned(rows: readonly Cells[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((cells) => (cells[at] ?? '').length)));
  return rows.map((cells) =>
    cells
      .map((cell, at) => (at === 2 || at === 3 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

export function markdownTable(report: Report): string {
  const table = (head: Cells, rows: readonly Cells[]) =>
    [head, head.map((_, at) => (at === 2 || at === 3 ? '---:' : '---')), ...rows]
      .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
      .join('\n');
  const what = report.rows.map((row) => `- **${row.name}**: ${row.what}`).join('\n');
  return `# Benchmark

${machineText(report)}.

Medians and ranges of figures that were measured side by side. Repeat with \`npm run bench${report.mode === 'full' ? ' -- --full' : ''}\`.

${table(FIGURE_HEAD, report.rows.flatMap(figureCells))}

What they come from; figures of one machine compare with each other only.

${table(CONTENDER_HEAD, report.rows.flatMap(contenderCells))}

${[...report.rows.flatMap(notes).map((note) => `- ${note}`), ''].join('\n')}
${what}
`;
}
