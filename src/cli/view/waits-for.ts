import { relaysOf } from '../../domain/campaign.js';
import { hoursText } from '../../domain/hours-text.js';
import { scheduleOf } from '../../domain/span.js';
import { isFinal, STATE_NAMES } from '../../domain/state.js';
import { count, duration, percent, perSecond, printable } from '../../report/format.js';
import { ago, until } from './format.js';
import type { ProgressView } from './progress-view.js';
import { nameOf } from './relay-lines.js';

/** What a campaign waits for: why nothing moves. */
export interface Cause {
  readonly kind:
    | 'staging'
    | 'paused'
    | 'time'
    | 'hours'
    | 'hold'
    | 'workers'
    | 'relay'
    | 'credentials'
    | 'throttled'
    | 'pace'
    | 'retry'
    | 'canary'
    | 'results'
    | 'others';
  /** In words that go on after "waits for". */
  readonly text: string;
  /** Epoch milliseconds; null where nobody knows. */
  readonly until: number | null;
}

/** A staging that says nothing for so long has ended without a seal. */
const SILENT_MS = 60_000;
/** Workers take up a campaign within this. */
const TAKEN_UP_MS = 15_000;
const GROUPS_NAMED = 3;

/**
 * What a campaign waits for, the most decisive first; nothing where it moves, or has ended. What stops all of it is said at once;
 * what slows it down only when nothing moves.
 */
export function waitsFor(view: ProgressView): readonly Cause[] {
  const { campaign } = view.standing;
  switch (campaign.phase) {
    case 'staging':
      return staging(view);
    case 'queued':
    case 'sending': {
      const told = stopped(view);
      return told.length > 0 || campaign.flags.cancelling || !isStill(view) ? told : slowed(view);
    }
    case 'aggregating':
      return [...results(), ...noWorkers(view)];
    default:
      return [];
  }
}

function staging({ standing }: ProgressView): Cause[] {
  const { heardAt } = standing.campaign;
  const silentMs = standing.now - heardAt;
  const text =
    silentMs > SILENT_MS
      ? `the launch that stages its list, which was heard last ${ago(silentMs)}; launch it again under the same --id`
      : 'its list to be staged and sealed';
  return [{ kind: 'staging', text, until: null }];
}

function results(): Cause[] {
  return [{ kind: 'results', text: 'its results to be written', until: null }];
}

/** Causes that stop all of it, whatever else is the case. */
function stopped(view: ProgressView): Cause[] {
  return [...paused(view), ...closed(view), ...held(view), ...noWorkers(view), ...noRelay(view)];
}

function paused({ standing: { campaign, now } }: ProgressView): Cause[] {
  const { paused: told, cancelling } = { ...campaign.flags };
  if (!told || cancelling) return [];
  const reason = printable(told.reason);
  const why = reason === '' ? '' : ` (${reason})`;
  const text = `fanmail resume ${campaign.id}: paused by ${printable(told.by)} ${ago(now - told.at)}${why}`;
  return [{ kind: 'paused', text, until: null }];
}

function closed({ standing: { campaign, now }, opensAt }: ProgressView): Cause[] {
  if (opensAt === null || opensAt <= now || campaign.flags.cancelling) return [];
  const { at = null, hours = null } = scheduleOf(campaign) ?? {};
  const when = timeText(opensAt, now);
  if (hours === null || (at !== null && now < at)) return [{ kind: 'time', text: `its time, ${when}`, until: opensAt }];
  return [{ kind: 'hours', text: `its hours, ${hoursText(hours)}: ${when}`, until: opensAt }];
}

function held({ standing: { campaign, now, counters } }: ProgressView): Cause[] {
  const { canary } = campaign;
  if (canary?.kind !== 'hold' || canary.until <= now || campaign.flags.cancelling) return [];
  const figures = `${count(counters.sent)} sent, ${count(counters.failed + counters.unknown)} failed`;
  return [
    {
      kind: 'hold',
      text: `the hold after its canary (${figures}), ${timeText(canary.until, now)}`,
      until: canary.until,
    },
  ];
}

function noWorkers({ workers, starting }: ProgressView): Cause[] {
  if (workers.length > 0 || starting) return [];
  return [{ kind: 'workers', text: 'a worker: none is connected; start one with: fanmail worker', until: null }];
}

function noRelay({ standing: { campaign, now }, relays }: ProgressView): Cause[] {
  const open = relays.flatMap(({ breaker }) => (breaker ? [breaker] : []));
  const [first] = [...open].sort((a, b) => a.until - b.until);
  if (!first || open.length < relays.length || campaign.flags.cancelling) return [];
  const which = relaysOf(campaign.options).length > 1 ? 'its relays, none of which can be used' : 'the relay';
  const why = `${printable(first.cause)} since ${ago(now - first.since)}`;
  return [
    { kind: 'relay', text: `${which}, ${why}; it is tried again ${until(first.until - now)}`, until: first.until },
  ];
}

/** Nobody is on the wire, and nobody reached a final state lately. */
function isStill({ standing: { counters, ratePerSecond, campaign, now } }: ProgressView): boolean {
  const open = STATE_NAMES.some((name) => !isFinal(name) && counters[name] > 0);
  const since = Math.max(campaign.startedAt ?? now, campaign.openedAt ?? now);
  return open && counters.inflight === 0 && ratePerSecond === 0 && now - since >= 1_000;
}

/** Causes that slow it down so much that nothing moves at the moment. */
function slowed(view: ProgressView): Cause[] {
  const causes = [...credentials(view), ...throttled(view), ...ownPace(view), ...retries(view), ...canaryOut(view)];
  return causes.length > 0 ? causes : others(view);
}

/** A worker learns what it lacks only when it takes up a chunk, so others may lack it, too. */
function credentials({ workers, relays }: ProgressView): Cause[] {
  // What a worker says is of any campaign; of this one, it names its relay.
  const speaksOf = (trouble: string | null) => relays.some(({ identity }) => trouble?.includes(nameOf(identity)));
  const troubled = workers.filter(({ trouble }) => speaksOf(trouble)).length;
  if (troubled === 0) return [];
  const have = troubled === 1 ? 'has' : 'have';
  const text = `a worker that can send it: of ${count(workers.length)} that are connected, ${count(troubled)} ${have} trouble`;
  return [{ kind: 'credentials', text, until: null }];
}

function throttled({ standing: { now }, relays }: ProgressView): Cause[] {
  const slow = relays.flatMap(({ identity, pace }) => pace.slow.map((group) => ({ ...group, at: nameOf(identity) })));
  const seen = slow.sort((a, b) => b.nextAt - a.nextAt).slice(0, GROUPS_NAMED);
  return seen.map(({ group, at, perSecond: rate, nextAt, leftMs }) => ({
    kind: 'throttled',
    text:
      `${printable(group)}, which ${at} throttles: ${perSecond(rate)}, the next one ${until(nextAt - now)}; ` +
      `as any other in ${duration(leftMs)} if it is not throttled again`,
    until: nextAt,
  }));
}

/** A limit of less than a message a second is seen as standing still. */
function ownPace({ standing: { campaign }, relays }: ProgressView): Cause[] {
  const own = campaign.options.pace;
  const limits = [
    ...(own && own.perSecond !== null ? [{ of: 'the campaign', perSecond: own.perSecond }] : []),
    ...relays.flatMap(({ identity, pace }) =>
      pace.perSecond === null ? [] : [{ of: `all campaigns at ${nameOf(identity)}`, perSecond: pace.perSecond }],
    ),
    ...Object.entries(own?.domains ?? {}).flatMap(([group, limit]) =>
      limit.perSecond === null ? [] : [{ of: printable(group), perSecond: limit.perSecond }],
    ),
  ];
  return limits
    .filter((limit) => limit.perSecond < 1)
    .slice(0, GROUPS_NAMED)
    .map((limit) => ({
      kind: 'pace',
      text: `its pace: ${limit.of} may have a message every ${duration(1000 / limit.perSecond)}`,
      until: null,
    }));
}

function retries({ standing: { counters, nextDueAt, now, campaign } }: ProgressView): Cause[] {
  if (counters.deferred === 0 || (counters.pending > 0 && campaign.canary === null)) return [];
  const whom = campaign.canary === null ? 'all that are left' : 'all that are left of its canary';
  const text = `the next try${nextDueAt === null ? '' : ` ${until(nextDueAt - now)}`}: ${whom} were refused for now`;
  return [{ kind: 'retry', text, until: nextDueAt }];
}

function canaryOut({ standing: { campaign, counters, total } }: ProgressView): Cause[] {
  if (campaign.canary?.kind !== 'out' || counters.deferred > 0) return [];
  const share = percent((campaign.options.canary?.share ?? 0) * total, total);
  return [{ kind: 'canary', text: `the ${share} of its recipients that go first`, until: null }];
}

function others({ standing: { campaign, now }, workers }: ProgressView): Cause[] {
  if (now - (campaign.startedAt ?? campaign.openedAt ?? now) < TAKEN_UP_MS) return [];
  const busy = `${count(workers.length)} ${workers.length === 1 ? 'is' : 'are'} connected`;
  return [
    {
      kind: 'others',
      text: `its turn at the workers, of whom ${busy}; fanmail list shows what else is sent`,
      until: null,
    },
  ];
}

/** `2026-12-01 08:00:00 UTC (in 4 d 09 h)`. */
function timeText(at: number, now: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC (${until(at - now)})`;
}
