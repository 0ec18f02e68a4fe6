import { count, printable, wrap } from '../../report/format.js';
import type { Finding, Severity } from '../check/finding.js';
import { lineOf, type Paint, type Piece, type Style } from './format.js';

/** What a check found. */
export interface Checked {
  /** The list's name. */
  readonly source: string;
  /** Rows that were read. */
  readonly rows: number;
  readonly sendable: number;
  /** Of the messages that were composed; null where none could be. */
  readonly largest: { readonly bytes: number; readonly line: number } | null;
  readonly findings: readonly Finding[];
  /** A warning is as good as a refusal. */
  readonly strict: boolean;
}

const ORDER: readonly Severity[] = ['refusal', 'warning', 'note'];
const PAINT: Readonly<Record<Severity, Paint>> = { refusal: 'red', warning: 'yellow', note: 'cyan' };
const MANY: Readonly<Record<Severity, string>> = { refusal: 'refusals', warning: 'warnings', note: 'notes' };

/** Whether it should not be launched so. */
export function isRefused({ findings, strict }: Pick<Checked, 'findings' | 'strict'>): boolean {
  return findings.some(({ severity }) => severity === 'refusal' || (strict && severity === 'warning'));
}

/** The findings, the gravest first, then what they come to. */
export function checkLines(checked: Checked, style: Style): string[] {
  const { source, rows, sendable, largest } = checked;
  const lines = inOrder(checked.findings).flatMap((found) => [...findingLines(found, style), '']);
  lines.push(lineOf([`${source}: ${count(sendable)} of ${count(rows)} rows can be sent to.`], style));
  if (largest)
    lines.push(lineOf([`The largest message: ${count(largest.bytes)} bytes, of line ${largest.line}.`], style));
  return [...lines, ...wrap(verdict(checked), style.width)];
}

/** What `--json` prints. */
export function checkObject({ source, rows, sendable, largest, findings, strict }: Checked) {
  const counts = Object.fromEntries(ORDER.map((severity) => [MANY[severity], numberOf(findings, severity)]));
  return {
    ok: !isRefused({ findings, strict }),
    list: source,
    rows,
    sendable,
    largest,
    ...counts,
    findings: inOrder(findings),
  };
}

function inOrder(findings: readonly Finding[]): Finding[] {
  return ORDER.flatMap((severity) => findings.filter((found) => found.severity === severity));
}

function numberOf(findings: readonly Finding[], severity: Severity): number {
  return findings.filter((found) => found.severity === severity).length;
}

function findingLines({ severity, code, message, hint, samples }: Finding, style: Style): string[] {
  const [first = '', ...excerpt] = message.split('\n');
  const label: Piece = [PAINT[severity], severity.toUpperCase()];
  const [head = '', ...more] = wrap(printable(first), Math.max(20, style.width - severity.length - 2));
  const lines = [lineOf([label, `  ${head}`], style)];
  lines.push(...more.map((line) => lineOf([`  ${line}`], style)));
  // An excerpt keeps its blanks: the mark stands under the column.
  lines.push(...excerpt.map((line) => lineOf([line], style)));
  for (const { line, text } of samples) lines.push(lineOf([`  line ${line}: ${printable(text)}`], style));
  const way = hint === null ? [] : hint.split('\n').flatMap((part) => wrap(printable(part), style.width - 2));
  lines.push(...way.map((line) => lineOf([['dim', `  ${line}`]], style)));
  return [...lines, lineOf([['dim', `  (${code})`]], style)];
}

function verdict({ findings, strict }: Checked): string {
  const parts = ORDER.map((severity) => {
    const number = numberOf(findings, severity);
    return `${number} ${number === 1 ? severity : MANY[severity]}`;
  });
  return `${parts.join(', ')}: ${wordOf(findings, strict)}.`;
}

function wordOf(findings: readonly Finding[], strict: boolean): string {
  if (numberOf(findings, 'refusal') > 0) return 'launch would refuse this, and nothing would be sent';
  return isRefused({ findings, strict }) ? 'with --strict, warnings are refusals' : 'it can be launched';
}
