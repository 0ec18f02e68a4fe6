import type { CampaignFlags, Standing } from '../../domain/campaign.js';
import { STATE_NAMES, type State } from '../../domain/state.js';
import { count, duration, percent, perSecond, printable } from '../../report/format.js';
import { ago, bar, entry, LABEL, lineOf, type Paint, type Piece, type Style, until } from './format.js';
import { paceOf } from './pace.js';
import type { ProgressView } from './progress-view.js';
import { breakers, limits, reachable, relayFigures } from './relay-lines.js';
import { waitsFor } from './waits-for.js';

/** From here on all counters are shown, not only those that are not zero. */
const ROOMY = 80;
const REFUSALS_SHOWN = 3;
const TROUBLES_SHOWN = 3;
const NAMES: Readonly<Partial<Record<State, string>>> = { inflight: 'in flight' };
const PAINTS: Readonly<Partial<Record<State, Paint>>> = { sent: 'green', failed: 'red', unknown: 'yellow' };

/** A campaign's progress for people, no line longer than the style's width, none ending in a line feed. */
export function progressLines(view: ProgressView, style: Style): string[] {
  const lines = [
    title(view.standing),
    progressBar(view, style),
    ...waitsFor(view).flatMap(({ text }, at) => entry(at === 0 ? 'waits for' : '', text, style, 'yellow')),
    ...cancelled(view.standing, style),
    ...canary(view.standing, style),
    ...counterRows(view.standing, style),
    ...pace(view, style),
    ...limits(view, style),
    ...waiting(view.standing, style),
    ...breakers(view, style),
    ...relayFigures(view, style),
    ...workers(view, style),
    ...refusals(view.standing, style),
  ];
  return lines.map((pieces) => lineOf(pieces, style));
}

function title({ campaign }: Standing): Piece[] {
  const round = campaign.round > 1 ? `, round ${campaign.round}` : '';
  const name = printable(campaign.options.name);
  return [['bold', campaign.id], `  ${phaseText(campaign)}${round}`, ...(name === campaign.id ? [] : [`  ${name}`])];
}

/** The phase and its flags in a few words: `sending, paused`. */
export function phaseText({ phase, flags }: { readonly phase: string; readonly flags: CampaignFlags }): string {
  const ended = phase === 'completed' || phase === 'cancelled';
  const words = [phase];
  if (flags.paused && !ended) words.push('paused');
  if (flags.cancelling && !ended) words.push('cancelling');
  return words.join(', ');
}

function progressBar({ standing, relays }: ProgressView, { width, bars }: Style): Piece[] {
  const { done } = paceOf(standing, reachable(relays));
  const { total } = standing;
  const figures = ` ${percent(done, total)}  ${count(done)} of ${count(total)}`;
  if (!bars) return [figures.trimStart()];
  return [['cyan', bar(total === 0 ? 0 : done / total, Math.min(60, width - figures.length))], figures];
}

function cancelled({ campaign, now }: Standing, style: Style): Piece[][] {
  const { cancelled: told } = campaign;
  if (!told) return [];
  const reason = printable(told.reason);
  const who = `by ${printable(told.by)} ${ago(now - told.at)}`;
  return entry('cancelled', reason === '' ? who : `${who}: ${reason}`, style, 'yellow');
}

function canary({ campaign }: Standing, style: Style): Piece[][] {
  const { canary: asked } = campaign.options;
  if (!asked || campaign.round > 1) return [];
  if (campaign.canaryFound) {
    const { tried, failed } = campaign.canaryFound;
    return entry(
      'canary',
      `${count(failed)} of ${count(tried)} failed, ${percent(asked.abortAbove, 1)} allowed`,
      style,
    );
  }
  if (campaign.canary === null) return [];
  const then = `then ${duration(asked.holdMs)} nobody, then all if no more than ${percent(asked.abortAbove, 1)} failed`;
  return entry('canary', `${percent(asked.share, 1)} go first, ${then}`, style);
}

function counterRows({ counters }: Standing, { width }: Style): Piece[][] {
  const shown = STATE_NAMES.filter((name) => width >= ROOMY || counters[name] > 0);
  const digits = Math.max(6, ...shown.map((name) => count(counters[name]).length));
  const cell = LABEL + 1 + digits;
  const gap = 4;
  const perRow = Math.max(1, Math.floor((width + gap) / (cell + gap)));
  const rows: Piece[][] = [];
  for (let at = 0; at < shown.length; at += perRow) {
    const row = shown.slice(at, at + perRow).flatMap((name, i): Piece[] => {
      const text = `${(NAMES[name] ?? name).padEnd(LABEL)} ${count(counters[name]).padStart(digits)}`;
      const paint = counters[name] > 0 ? PAINTS[name] : 'dim';
      return [' '.repeat(i === 0 ? 0 : gap), paint ? [paint, text] : text];
    });
    rows.push(row);
  }
  return rows;
}

function pace({ standing, relays, opensAt }: ProgressView, style: Style): Piece[][] {
  const { campaign, ratePerSecond, chunksDone, retries } = standing;
  const { averagePerSecond, etaMs } = paceOf(standing, reachable(relays) && opensAt === null);
  const now = campaign.phase === 'sending' ? `${perSecond(ratePerSecond)} now, ` : '';
  const eta = etaMs === null ? '' : `, about ${duration(etaMs)} left`;
  const again = retries > 0 ? `, ${count(retries)} ${retries === 1 ? 'retry' : 'retries'} so far` : '';
  return [
    ...entry('rate', `${now}${perSecond(averagePerSecond)} on average${eta}`, style),
    ...entry('chunks', `${count(chunksDone)} of ${count(campaign.totals?.chunks ?? 0)} done${again}`, style),
  ];
}

function waiting({ counters, nextDueAt, now }: Standing, style: Style): Piece[][] {
  if (counters.deferred === 0 && nextDueAt === null) return [];
  const next = nextDueAt === null ? '' : `, the next try ${until(nextDueAt - now)}`;
  return entry('waiting', `${count(counters.deferred)} deferred${next}`, style);
}

function workers({ workers: all }: ProgressView, style: Style): Piece[][] {
  if (all.length === 0) return [];
  const connections = all.reduce((sum, worker) => sum + worker.connections, 0);
  const troubled = all.filter((worker) => worker.trouble !== null);
  const lines = entry('workers', `${count(all.length)} connected, ${count(connections)} connections`, style);
  for (const { host, pid, trouble } of troubled.slice(0, TROUBLES_SHOWN)) {
    lines.push(...entry('', `${printable(host)}:${pid}: ${printable(trouble ?? '')}`, style));
  }
  const more = troubled.length - TROUBLES_SHOWN;
  return more > 0 ? [...lines, ...entry('', `and ${count(more)} more with trouble`, style)] : lines;
}

function refusals({ refusals: all }: Standing, style: Style): Piece[][] {
  if (all.length === 0) return [];
  const shown = all
    .slice(0, REFUSALS_SHOWN)
    .map(
      ({ code, replyClass, count: times }) =>
        `${printable(code)}${replyClass ? ` ${replyClass}` : ''} (${count(times)})`,
    );
  const more = all.length > REFUSALS_SHOWN ? `, and ${count(all.length - REFUSALS_SHOWN)} other codes` : '';
  return entry('refusals', `${shown.join(', ')}${more}`, style);
}
