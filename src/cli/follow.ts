import type { Backend } from '../backend.js';
import { relaysOf, type Standing } from '../domain/campaign.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { scheduleOf, spanFrom } from '../domain/span.js';
import type { Summary } from '../domain/summary.js';
import { summaryText } from '../report/summary-text.js';
import type { Session } from './session.js';
import { type Terminal, waitOr } from './terminal.js';
import { progressLines } from './view/progress.js';
import type { ProgressView } from './view/progress-view.js';

/** Looks again after so long: at first often, since a small campaign ends in a moment. */
const FIRST_LOOK_MS = 40;
const LOOK_MS = 500;
/** Where lines can't be replaced, they are added this seldom. */
const PLAIN_EVERY_MS = 10_000;

export type Followed =
  | { readonly kind: 'ended'; readonly summary: StoredSummary; readonly standing: Standing }
  | { readonly kind: 'interrupted' };

/** The summary as the ledger keeps it: with the folder of the results, on the machine that wrote them. */
export type StoredSummary = Summary & { readonly resultsDir: string };

/** All that `progress` shows of a campaign, at the same cost for any number of recipients. */
export async function readProgress(backend: Backend, id: string): Promise<ProgressView> {
  const standing = await backend.campaigns.standing(id);
  if (!standing) throw new FanmailError('CAMPAIGN_UNKNOWN', `the campaign ${id} is not in this Redis any more`);
  const choices = relaysOf(standing.campaign.options);
  const [workers, ...relays] = await Promise.all([
    backend.presence.present(),
    ...choices.map(async ({ identity }) => {
      const [breaker, pace] = await Promise.all([backend.breaker.state(identity), backend.pace.state(identity)]);
      return { identity, breaker, pace };
    }),
  ]);
  return { standing, relays, workers, opensAt: await opensAt(standing) };
}

/** When a campaign may send next; null where it may now. Between two spans no worker may have said it yet. */
async function opensAt({ campaign, now }: Standing): Promise<number | null> {
  const { opensAt: from, closesAt } = campaign;
  const schedule = scheduleOf(campaign);
  if (from !== null && now < from) return from;
  if (closesAt === null || now < closesAt || !schedule) return null;
  const next = await spanFrom(schedule, now);
  return next.opensAt > now ? next.opensAt : null;
}

/** Shows a campaign's progress until it has ended, or until told to stop looking; `starting`: workers of our own come. */
export async function follow(
  backend: Backend,
  id: string,
  { terminal, quiet }: Session,
  starting: boolean,
): Promise<Followed> {
  const began = performance.now();
  let printedAt = began - PLAIN_EVERY_MS + 2_000;
  for (;;) {
    const view = { ...(await readProgress(backend, id)), starting };
    const { campaign } = view.standing;
    const ended = campaign.phase === 'completed' || campaign.phase === 'cancelled';
    const now = performance.now();
    if (terminal.interactive) terminal.live(progressLines(view, terminal.style));
    else if (ended || now - printedAt > PLAIN_EVERY_MS) {
      printedAt = now;
      terminal.say(progressLines(view, terminal.style).join('\n'));
    }
    if (ended) return { kind: 'ended', summary: await readSummary(backend, id), standing: view.standing };
    if (await waitOr(Math.min(LOOK_MS, FIRST_LOOK_MS + (now - began) / 10), quiet)) return { kind: 'interrupted' };
  }
}

/** The summary of a campaign that has ended. */
export async function readSummary(backend: Backend, id: string): Promise<StoredSummary> {
  const text = await backend.campaigns.summary(id);
  if (text === null) {
    throw new FanmailError(
      'CAMPAIGN_NOT_OPEN',
      `the campaign ${id} ended before anything was staged; it has no summary`,
    );
  }
  return JSON.parse(text) as StoredSummary;
}

/** Prints how a campaign ended and returns the exit code that says it. */
export function conclude(summary: StoredSummary, json: boolean, terminal: Terminal): number {
  if (json) terminal.out(JSON.stringify(summary));
  else terminal.out(summaryText(summary, { width: terminal.outStyle.width, dir: summary.resultsDir }));
  return exitCodeOf(summary);
}

/** 0 all sent, 4 cancelled, 3 with failed or unknown recipients. */
export function exitCodeOf(summary: Summary): number {
  if (summary.phase === 'cancelled') return EXIT.cancelled;
  return summary.states.failed + summary.states.unknown > 0 ? EXIT.incomplete : EXIT.ok;
}
