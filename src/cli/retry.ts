import type { Settings } from '../config/settings.js';
import type { Campaign } from '../domain/campaign.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { sum } from '../domain/state.js';
import { openRound, planRetry, type RetryPlan } from '../pipeline/retrier.js';
import { parseRelayUrls } from '../relay/urls.js';
import { count } from '../report/format.js';
import { attachTo } from './attach.js';
import { openContext, pickCampaign, sayFindings } from './context.js';
import { throughText } from './relay-options.js';
import type { Session } from './session.js';
import { keysOf } from './signing.js';

type RetrySettings = Settings<'retry'>;

/** `fanmail retry <id>`: opens a further round for those who failed, and follows it to its end unless told to detach. */
export async function retry(settings: RetrySettings, session: Session): Promise<number> {
  // Refused here, before anything is changed.
  if (settings.smtp !== null) parseRelayUrls(settings.smtp.reveal());
  keysOf(settings, session.cwd);
  const context = await openContext(settings, session, 'retry');
  const { backend } = context;
  try {
    await sayFindings(context, session.terminal);
    const { id } = await pickCampaign(backend, settings.campaign);
    const asked = { unknown: settings.unknown, skipped: settings.skipped, where: settings.where?.text ?? null };
    const plan = await planRetry(id, asked, settings.where?.condition ?? null, backend);
    sayLeftOut(plan, session);
    if (sum(plan.retried) === 0) return nothing(plan, settings, session);
    await confirm(plan, settings, session);
    if (session.quiet.aborted) return interrupted(session);
    const campaign = await openRound(plan, backend);
    await (await backend.wake()).coordinator(campaign);
    if (settings.detach) return detached(campaign, plan, context.home !== null, settings.json, session);
    session.terminal.say(`${openedWords(campaign)}.`);
    return await attachTo(id, context, settings, session);
  } finally {
    await backend.close();
  }
}

/** Who fits, and is left as they are: with the option that takes them in. */
function sayLeftOut({ others, lost }: RetryPlan, { terminal }: Session): void {
  for (const state of ['unknown', 'skipped'] as const) {
    if (others[state] > 0)
      terminal.say(`${count(others[state])} ${state} ones are left as they are; --${state} takes them in.`);
  }
  if (lost > 0) terminal.say(`${count(lost)} can't be tried again: their data was lost.`);
}

/** Nothing is changed, and that is no failure: all that was asked for is done. */
function nothing({ standing, asked }: RetryPlan, { json }: RetrySettings, { terminal }: Session): number {
  const { id, phase, round } = standing.campaign;
  if (json) terminal.out(JSON.stringify({ campaign: id, phase, round, retried: 0, ...asked }));
  else
    terminal.say(
      `Nobody of ${id} is to be tried again${asked.where === null ? '' : ' of those who fit'}; nothing was changed.`,
    );
  return EXIT.ok;
}

/** On a terminal, a retry asks before anything is changed; of second copies it warns in any case. */
async function confirm({ retried, standing }: RetryPlan, settings: RetrySettings, session: Session): Promise<void> {
  const { terminal } = session;
  const { options } = standing.campaign;
  if (retried.unknown > 0) {
    terminal.say(`Of ${count(retried.unknown)} nobody knows whether they got the message: they may get a second copy.`);
  }
  if (settings.yes || settings.json) return;
  const figures = (['failed', 'unknown', 'skipped'] as const)
    .filter((state) => retried[state] > 0)
    .map((state) => `${count(retried[state])} ${state}`);
  const messages = sum(retried) === 1 ? 'message' : 'messages';
  const what = `${count(sum(retried))} ${messages} again (${figures.join(', ')}) from ${options.from} through ${throughText(options)}`;
  const answer = await terminal.ask(`Send ${what}? [y/N] `, session.quiet).catch(() => 'n');
  if (answer === null || /^y(es)?$/i.test(answer.trim())) return;
  throw new FanmailError('USAGE', 'no round was opened: nothing was changed', { hint: '--yes answers in advance' });
}

function interrupted({ terminal }: Session): number {
  terminal.say('No round was opened: nothing was changed.');
  return EXIT.interrupted;
}

/** How many they are is known now: late words may have come since the plan was made. */
function openedWords({ id, round, opening }: Campaign): string {
  const retried = opening?.retried ?? 0;
  return `Round ${round} of ${id} is open: ${count(retried)} ${retried === 1 ? 'recipient is' : 'recipients are'} tried again`;
}

function detached(campaign: Campaign, { asked }: RetryPlan, embedded: boolean, json: boolean, { terminal }: Session) {
  const { id, phase, round } = campaign;
  const retried = campaign.opening?.retried ?? 0;
  if (json) terminal.out(JSON.stringify({ campaign: id, phase, round, retried, ...asked }));
  else {
    terminal.say(`${openedWords(campaign)}. fanmail attach ${id} follows it.`);
    if (embedded) terminal.say('It moves when workers run: fanmail worker, or fanmail attach.');
  }
  return EXIT.ok;
}
