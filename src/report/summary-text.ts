import type { ReplyClass } from '../domain/reply-class.js';
import { type Counters, STATE_NAMES, type State } from '../domain/state.js';
import type { CanarySummary, Summary } from '../domain/summary.js';
import { clip, columnsOf, count, duration, latency, pad, percent, perSecond, printable, wrap } from './format.js';
import { roundWords } from './round-words.js';

const DOMAINS_SHOWN = 10;
const REFUSALS_SHOWN = 10;
const DOMAIN_FIELDS = ['total', 'sent', 'failed', 'unknown'] as const;
const INDENT = '  ';
const LABEL = 18;
/** Columns of a reason. */
const REASON = 24;

/** These are shown also when nobody is in them. */
const ALWAYS: readonly State[] = ['sent', 'failed', 'unknown'];
const STATE_ORDER: readonly State[] = [...ALWAYS, ...STATE_NAMES.filter((name) => !ALWAYS.includes(name))];

export const UNKNOWN_MEANS =
  'Unknown: a worker or connection was lost after the message was begun and before the relay had answered, so it may or ' +
  'may not have arrived; it is not sent again unless you ask for it.';

export interface SummaryTextOptions {
  /** Columns to fill, from 60; default 72. Only a single long word goes beyond. */
  readonly width?: number;
  /** The folder with the results, to point there. */
  readonly dir?: string;
}

/** The names of the files of a round. */
export function resultNames(round: number): { results: string; summary: string; text: string; page: string } {
  const suffix = round > 1 ? `.round-${round}` : '';
  return {
    results: `results${suffix}.csv`,
    summary: `summary${suffix}.json`,
    text: `summary${suffix}.txt`,
    page: `summary${suffix}.html`,
  };
}

/**
 * A summary for people, as plain text for terminal, file and mail: lines end in LF and hold no control characters,
 * whatever the list or the relay said.
 */
export function summaryText(summary: Summary, options: SummaryTextOptions = {}): string {
  const width = Math.max(60, options.width ?? 72);
  const sections = [
    [...head(summary, width), ...states(summary, width)],
    rejects(summary),
    roundLines(summary, width),
    facts(summary, width),
    reasons(summary),
    relays(summary, width),
    refusals(summary, width),
    replies(summary, width),
    domains(summary, width),
    where(summary, width, options.dir),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return `${text.join('\n\n')}\n`;
}

/** The states that are worth a line, in the order in which people ask for them. */
export function shownStates(counters: Counters): readonly State[] {
  return STATE_ORDER.filter((name) => counters[name] > 0 || ALWAYS.includes(name));
}

/** By reason, the commonest first, without what never happened. */
export function ranked(counts: Readonly<Record<string, number>>): [reason: string, count: number][] {
  return Object.entries(counts)
    .filter(([, value]) => value > 0)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}

/** The reasons of the ledger, in a few words each. */
const REASON_WORDS: Readonly<Record<string, string>> = {
  reply: 'refused by the relay',
  dropped: 'connection lost before',
  'attempts-used': 'attempts used up',
  expired: 'given up',
  'data-lost': 'data lost from Redis',
  'chunk-lost': 'chunk failed repeatedly',
  interrupted: 'worker died on the wire',
  unanswered: 'no answer to the end',
  render: 'template failed',
};

function head({ name, campaign, phase, round }: Summary, width: number): string[] {
  const title = `${printable(name)} (${campaign})`;
  return [...wrap(`${title}: ${phase}${round > 1 ? `, round ${round}` : ''}`, width), '='.repeat(width)];
}

function states({ states: counters, total, lateWords }: Summary, width: number): string[] {
  const lines = shownStates(counters).map(
    (name) => `${figure(name, counters[name])}${percent(counters[name], total).padStart(9)}`,
  );
  lines.push(figure('total', total));
  if (counters.unknown > 0) lines.push('', ...wrap(UNKNOWN_MEANS, width));
  if (lateWords > 0) {
    const late = `${count(lateWords)} outcomes came after the end and are not counted here; the results say "late-sent" where a message was taken after all.`;
    lines.push('', ...wrap(late, width));
  }
  return lines;
}

function rejects({ list }: Summary): string[] {
  const rejected = Object.values(list.rejects).reduce((a, b) => a + b, 0);
  if (rejected === 0) return [];
  return [`Rows that were rejected (${count(rejected)} of ${count(list.rows)})`, ...byCount(list.rejects)];
}

function roundLines({ rounds = [] }: Summary, width: number): string[] {
  if (rounds.length === 0) return [];
  const lines = rounds.flatMap((round) =>
    wrap(roundWords(round), width - 2 * INDENT.length).map(
      (line, i) => `${i === 0 ? INDENT : INDENT.repeat(2)}${line}`,
    ),
  );
  return ['Rounds', ...lines];
}

function facts(summary: Summary, width: number): string[] {
  const { latencyMs: l } = summary;
  const rows: [string, string][] = [
    ['from', printable(summary.from)],
    ['relay', printable(summary.relay)],
    ['started', summary.startedAt],
    ['ended', summary.closedAt],
    ['took', duration(summary.durationMs)],
    ['rate', `${perSecond(summary.sentPerSecond)} sent`],
    ['retries', count(summary.retries)],
    ['relay took', l ? `${latency(l.p50)} (median), ${latency(l.p90)} (90%), ${latency(l.p99)} (99%)` : 'no answers'],
    ['list', `${count(summary.list.rows)} rows, sha256 ${summary.list.sha256.slice(0, 12)}`],
    ['template', `sha256 ${summary.template.sha256.slice(0, 12)}`],
    ...whenRows(summary),
  ];
  return rows.map(([label, value]) => clip(`${INDENT}${label.padEnd(12)}${value}`, width));
}

/** What was asked for of its time, what became of its canary, and who ended it. */
export function whenRows({ schedule, canary, cancelled }: Summary): [label: string, text: string][] {
  const rows: [string, string][] = [];
  if (schedule?.at) rows.push(['not before', schedule.at]);
  if (schedule?.between) rows.push(['between', printable(schedule.between)]);
  if (canary) rows.push(['canary', canaryText(canary)]);
  if (cancelled) {
    const reason = printable(cancelled.reason);
    rows.push(['cancelled', `by ${printable(cancelled.by)}${reason === '' ? '' : `: ${reason}`}`]);
  }
  return rows;
}

function canaryText({ share, holdMs, abortAbove, found }: CanarySummary): string {
  const asked = `${percent(share, 1)} first, held ${duration(holdMs)}`;
  if (found === null) return `${asked}; not judged`;
  const { failed, tried } = found;
  return `${asked}; ${count(failed)} of ${count(tried)} failed, ${percent(abortAbove, 1)} allowed`;
}

function reasons(summary: Summary): string[] {
  const lines = ranked(summary.reasons).map(([reason, value]) =>
    figure(REASON_WORDS[reason] ?? printable(reason), value, REASON),
  );
  return lines.length === 0 ? [] : ['Why recipients are failed or unknown', ...lines];
}

function refusals({ refusals: all }: Summary, width: number): string[] {
  if (all.length === 0) return [];
  const lines = all.slice(0, REFUSALS_SHOWN).flatMap(({ code, count: times, sample }) => {
    const words = printable(sample);
    const line = figure(printable(code), times);
    return words === '' ? [line] : [line, ...wrap(words, width - 6).map((text) => `      ${clip(text, width - 6)}`)];
  });
  return [`What the relay refused${more(all.length, REFUSALS_SHOWN)}`, ...lines];
}

function relays({ relays: all = [] }: Summary, width: number): string[] {
  if (all.length === 0) return [];
  const lines = all.map(({ relay, spare, weight: _, ...figures }) => {
    const seen = Object.entries(figures).filter(([name, value]) => value > 0 || name === 'sent');
    return `${INDENT}${printable(relay)}${spare ? ' (spare)' : ''}: ${seen.map(([name, value]) => `${count(value)} ${name}`).join(', ')}`;
  });
  return ['By relay, every try', ...lines.map((line) => clip(line, width))];
}

/** What each class comes to, in a few words. */
export const CLASS_WORDS: Readonly<Record<ReplyClass, string>> = {
  throttle: 'throttled',
  transient: 'later',
  misconfigured: 'sender',
  dead: 'no such recipient',
  permanent: 'for good',
  unavailable: 'not now',
};

function replies({ replies: all = [] }: Summary, width: number): string[] {
  if (all.length === 0) return [];
  const lines = all.slice(0, REFUSALS_SHOWN).flatMap(({ code, class: replyClass, count: times, sample }) => {
    const name = replyClass === null ? printable(code) : `${printable(code)}, ${CLASS_WORDS[replyClass]}`;
    const words = printable(sample);
    const line = figure(name, times, REASON);
    return words === '' ? [line] : [line, ...wrap(words, width - 6).map((text) => `      ${clip(text, width - 6)}`)];
  });
  return [`What refusals were taken for, at every try${more(all.length, REFUSALS_SHOWN)}`, ...lines];
}

function domains({ domains: all }: Summary, width: number): string[] {
  if (all.length === 0) return [];
  const shown = all.slice(0, DOMAINS_SHOWN);
  const digits = DOMAIN_FIELDS.map((field) => Math.max(field.length, ...shown.map((d) => count(d[field]).length)));
  const room = width - digits.reduce((sum, columns) => sum + columns + 2, INDENT.length);
  const name = Math.min(room, Math.max(LABEL, ...shown.map(({ domain }) => columnsOf(domainText(domain)))));
  const row = (domain: string, cells: readonly string[]) =>
    `${INDENT}${pad(clip(domain, name), name)}${cells.map((cell, i) => `  ${cell.padStart(digits[i] ?? 0)}`).join('')}`;
  return [
    `Recipient domains${more(all.length, DOMAINS_SHOWN)}`,
    row('', DOMAIN_FIELDS),
    ...shown.map((d) =>
      row(
        domainText(d.domain),
        DOMAIN_FIELDS.map((field) => count(d[field])),
      ),
    ),
  ];
}

/** What stands for a domain; `*` joins all that have no line of their own. */
export function domainText(domain: string): string {
  return domain === '*' ? '(others)' : printable(domain);
}

function where({ campaign, round }: Summary, width: number, dir: string | undefined): string[] {
  const { results, summary } = resultNames(round);
  const lines = wrap(`Every recipient is in ${results}; these figures and more are in ${summary}.`, width);
  if (dir !== undefined) lines.push(`${INDENT}${printable(dir)}`);
  // A command is not broken: it is there to be copied.
  const command = `fanmail report ${campaign} --out <folder>`;
  const label = 'To have them elsewhere:';
  const fits = label.length + 1 + command.length <= width;
  return [...lines, ...(fits ? [`${label} ${command}`] : [label, `${INDENT}${command}`])];
}

function byCount(counts: Readonly<Record<string, number>>): string[] {
  return ranked(counts).map(([label, value]) => figure(printable(label), value));
}

function figure(label: string, value: number, width = LABEL): string {
  return `${INDENT}${label.padEnd(width)}${count(value).padStart(12)}`;
}

function more(all: number, shown: number): string {
  return all > shown ? ` (the first ${shown} of ${count(all)})` : '';
}
