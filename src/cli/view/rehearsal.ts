import { sep } from 'node:path';
import type { Compared } from '../../rehearsal/comparison.js';
import type { RehearsalFigures } from '../../rehearsal/figures.js';
import type { Scenario } from '../../rehearsal/scenario.js';
import { count, duration, percent, printable, wrap } from '../../report/format.js';
import type { Check } from '../../report/verify.js';
import { lineOf, type Paint, type Piece, type Style } from './format.js';

/** A rehearsal that came to its end. */
export interface Rehearsal {
  readonly id: string;
  /** The list's name. */
  readonly source: string;
  /** Of the scenario. */
  readonly name: string;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly total: number;
  readonly rows: number;
  readonly rejects: Readonly<Record<string, number>>;
  /** Worker processes that were killed. */
  readonly kills: number;
  /** The relay's words that paused the campaign; the rest was skipped then. */
  readonly paused: string | null;
  readonly figures: RehearsalFigures;
  /** List, results and record against each other, then the ledger's recount. */
  readonly checks: readonly (Compared | Check)[];
  readonly durationMs: number;
  /** Of the results. */
  readonly folder: string;
}

export interface Intention {
  readonly source: string;
  readonly name: string;
  readonly scenario: Scenario;
  readonly seed: number;
  /** Milliseconds. */
  readonly waits: readonly number[];
}

type Shown = Pick<Compared | Check, 'name' | 'holds' | 'detail'>;

const LABEL = 18;
const REASON = 30;
const STATES = ['sent', 'failed', 'unknown', 'skipped'];
const PAINTS: Readonly<Record<string, Paint>> = { sent: 'green', failed: 'red', unknown: 'yellow' };

const FAULT_WORDS: Readonly<Record<string, string>> = {
  throttle: 'throttled (421)',
  greylist: 'greylisted',
  refuse: 'refusals',
  drop: 'connections dropped',
  slow: 'slow answers',
};

const REASON_WORDS: Readonly<Record<string, string>> = {
  reply: 'failed: refused for good',
  'attempts-used': 'failed: all tries used up',
  dropped: 'failed: dropped at every try',
  render: 'failed: the template failed',
  unanswered: 'unknown: no answer to the end',
  interrupted: 'unknown: its worker was killed',
};

/** What is going to happen, before anything does. */
export function rehearsalIntroduction({ source, name, scenario, seed, waits }: Intention, style: Style): string[] {
  const about = scenario.about === undefined ? '' : ` ${printable(scenario.about)}`;
  return [
    ...wrap(`Rehearsing ${printable(source)}, scenario ${printable(name)}, seed ${seed}.${about}`, style.width),
    ...wrap(
      `Nothing leaves this machine: relay, Redis and workers are the rehearsal's own. Waits between tries are short (${waits.map(duration).join(', ')}).`,
      style.width,
    ),
  ];
}

/** What would have happened, and the proof. */
export function rehearsalLines(rehearsal: Rehearsal, style: Style): string[] {
  const { source, name, figures, checks, folder, total } = rehearsal;
  const lines: Piece[][] = [
    [['bold', `${printable(source)}, rehearsed on the day ${printable(name)}`]],
    ...section('What would have happened', outcome(figures, total)),
    ...section('Tries that the relay saw', tries(figures)),
    ...section('Why recipients are failed or unknown', ranked(figures.reasons, REASON_WORDS)),
    ...section('Failed by the last code', ranked(figures.refused, {})),
    ...section('What the day was like', day(rehearsal)),
    ...section('What was proved', []),
  ];
  return [
    ...lines.map((pieces) => lineOf(pieces, style)),
    ...checks.flatMap(({ detail, ...check }) =>
      checkLines({ ...check, detail: detail.replaceAll(`${folder}${sep}`, '') }, style),
    ),
    '',
    ...wrap(verdict(rehearsal), style.width),
    ...wrap('Every recipient is in results.csv, every word of the relay in relay.ndjson, in', style.width),
    `  ${printable(folder)}`,
  ];
}

/** What `--json` prints, and `rehearsal.json` holds. */
export function rehearsalObject({ id, source, folder, checks, figures, durationMs, scenario, ...rest }: Rehearsal) {
  const { name, seed, total, rows, rejects, kills, paused } = rest;
  return {
    rehearsal: id,
    list: source,
    scenario: { name, about: scenario.about ?? null, seed },
    holds: holds(checks),
    ...{ total, rows, rejects },
    ...figures,
    ...{ kills, paused, checks, durationMs: Math.round(durationMs), resultsDir: folder },
  };
}

function holds(checks: Rehearsal['checks']): boolean {
  return checks.every((check) => check.holds === true);
}

function section(title: string, lines: readonly Piece[][]): Piece[][] {
  if (lines.length === 0 && title !== 'What was proved') return [];
  return [[''], [title], ...lines];
}

function outcome({ states, sentLater, unknownTaken }: RehearsalFigures, total: number): Piece[][] {
  const names = [...STATES, ...Object.keys(states).filter((name) => !STATES.includes(name))];
  const rows = names
    .filter((name) => name !== 'skipped' || (states[name] ?? 0) > 0)
    .map((name): Piece[] => {
      const value = states[name] ?? 0;
      const text = `${figure(name, value)}${percent(value, total).padStart(9)}`;
      const paint = value > 0 ? PAINTS[name] : undefined;
      const more = name === 'sent' && sentLater > 0 ? `  ${count(sentLater)} of them not at the first try` : '';
      const arrived = name === 'unknown' && value > 0 ? `  the relay took ${count(unknownTaken)} of them` : '';
      return [paint ? [paint, text] : text, `${more}${arrived}`];
    });
  return [...rows, [figure('total', total)]];
}

function tries({ tries: counted }: RehearsalFigures): Piece[][] {
  return Object.entries(counted).map(([times, value]) => [
    figure(times === '0' ? 'none that it saw' : `${times} ${times === '1' ? 'try' : 'tries'}`, value),
  ]);
}

function ranked(counts: Readonly<Record<string, number>>, words: Readonly<Record<string, string>>): Piece[][] {
  return Object.entries(counts).map(([name, value]) => [figure(words[name] ?? printable(name), value, REASON)]);
}

function day({ figures, kills, scenario, paused, durationMs }: Rehearsal): Piece[][] {
  const struck = Object.entries(figures.faults).filter(([, value]) => value > 0);
  const rows = struck.map(([fault, value]): Piece[] => [figure(FAULT_WORDS[fault] ?? fault, value, REASON)]);
  const late = kills === 0 && scenario.kills ? '  all was over before the first' : '';
  return [
    [figure('messages taken', figures.taken, REASON)],
    ...rows,
    ...(scenario.kills ? [[`${figure('workers killed', kills, REASON)}${late}`]] : []),
    ...(paused === null ? [] : [[['yellow', `  paused by the relay's words: ${printable(paused)}`] as const]]),
    [`  ${'took'.padEnd(REASON)}${duration(durationMs).padStart(12)}`],
  ];
}

function checkLines({ name, holds: right, detail }: Shown, style: Style): string[] {
  const paint: Paint = right === true ? 'green' : 'red';
  const label = right === true ? 'ok' : right === null ? 'open' : 'WRONG';
  const indent = 20;
  const [head = '', ...more] = wrap(printable(detail), Math.max(20, style.width - indent));
  return [
    lineOf(['  ', [paint, label.padEnd(8)], name.padEnd(10), head], style),
    ...more.map((line) => lineOf([' '.repeat(indent), line], style)),
  ];
}

function verdict({ checks, total, figures }: Rehearsal): string {
  if (!holds(checks)) return 'It does NOT hold: see what is WRONG above.';
  const twice =
    figures.secondCopies === 0
      ? 'nobody got a second copy'
      : `${count(figures.secondCopies)} second copies were risked`;
  return `Nothing was lost: each of ${count(total)} recipients is accounted for, and ${twice}.`;
}

function figure(label: string, value: number, width = LABEL): string {
  return `  ${label.padEnd(width)}${count(value).padStart(12)}`;
}
