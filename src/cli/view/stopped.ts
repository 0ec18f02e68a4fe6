import { relaysOf } from '../../domain/campaign.js';
import { hoursText } from '../../domain/hours-text.js';
import { scheduleOf } from '../../domain/span.js';
import { count, printable } from '../../report/format.js';
import type { Cause } from './cause.js';
import { ago, until } from './format.js';
import type { ProgressView } from './progress-view.js';

/** Causes that stop all of it, whatever else is the case. */
export function stopped(view: ProgressView): Cause[] {
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

export function noWorkers({ workers, starting }: ProgressView): Cause[] {
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

/** `2026-12-01 08:00:00 UTC (in 4 d 09 h)`. */
function timeText(at: number, now: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC (${until(at - now)})`;
}
