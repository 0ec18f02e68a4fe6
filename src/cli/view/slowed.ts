import { recordName } from '../../domain/dkim.js';
import { count, duration, percent, perSecond, printable } from '../../report/format.js';
import type { Cause } from './cause.js';
import { until } from './format.js';
import type { ProgressView } from './progress-view.js';
import { nameOf } from './relay-lines.js';

/** Workers take up a campaign within this. */
const TAKEN_UP_MS = 15_000;
const GROUPS_NAMED = 3;

/** Causes that slow it down so much that nothing moves at the moment. */
export function slowed(view: ProgressView): Cause[] {
  const causes = [...credentials(view), ...throttled(view), ...ownPace(view), ...retries(view), ...canaryOut(view)];
  return causes.length > 0 ? causes : others(view);
}

/** A worker learns what it lacks only when it takes up a chunk, so others may lack it, too. */
function credentials({ standing: { campaign }, workers, relays }: ProgressView): Cause[] {
  // What a worker says is of any campaign; of this one, it names its relay, or a key that signs it.
  const names = [...relays.map(({ identity }) => nameOf(identity)), ...(campaign.options.dkim ?? []).map(recordName)];
  const speaksOf = (trouble: string | null) => names.some((name) => trouble?.includes(name));
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
