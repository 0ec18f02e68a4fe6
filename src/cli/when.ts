import type { Settings } from '../config/settings.js';
import { closest } from '../config/suggest.js';
import type { CampaignOptions } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import type { InstantRead } from '../domain/instant.js';
import type { Canary, Hours } from '../domain/schedule.js';
import { duration } from '../report/format.js';

export type WhenSettings = Pick<
  Settings<'launch'>,
  'at' | 'between' | 'zone' | 'canary' | 'hold' | 'abortAbove' | 'giveUp'
>;

const DEFAULT_HOLD_MS = 1_800_000;
const DEFAULT_ABORT_ABOVE = 0.02;
const FARTHEST_MS = 366 * 86_400_000;

const FORMS =
  '2026-12-01T09:00+01:00, 2026-12-01T08:00Z, "2026-12-01 09:00 Europe/Paris", or "2026-12-01 09:00" with --zone Europe/Paris';

/**
 * When a campaign goes out, from what was asked for.
 * @throws FanmailError OPTION_INVALID, naming the value and what is allowed.
 */
export async function whenOf(
  settings: WhenSettings,
  now: number,
): Promise<Pick<CampaignOptions, 'schedule' | 'canary'>> {
  const at = settings.at === null ? null : await readAt(settings.at, settings.zone, now);
  const hours = hoursOf(settings);
  const canary = canaryOf(settings);
  return {
    ...((at !== null || hours !== null) && { schedule: { at, hours } }),
    ...(canary && { canary }),
  };
}

async function readAt(text: string, zone: string | null, now: number): Promise<number> {
  const { readInstant } = await import('../domain/instant.js');
  const read = readInstant(text.trim(), zone);
  if (read.kind !== 'instant') throw invalid('--at', text, refusalOf(read));
  if (read.ms <= now) throw invalid('--at', text, [`that was ${duration(now - read.ms)} ago`, 'a time to come']);
  if (read.ms - now > FARTHEST_MS) throw invalid('--at', text, ['that is too far away', 'a time within a year']);
  return read.ms;
}

function refusalOf(read: Exclude<InstantRead, { kind: 'instant' }>): [why: string, allowed: string] {
  switch (read.kind) {
    case 'malformed':
      return ['that is no time', FORMS];
    case 'local':
      return ['it has no time zone', FORMS];
    case 'unknown-zone':
      return [`there is no time zone ${read.zone}`, meantZone(read.zone)];
    case 'left-out':
      return [`the clocks of ${read.zone} are put forward over that time`, 'a time before or after'];
    case 'twice':
      return [`in ${read.zone} that time comes twice`, `the time with its offset, ${read.offsets.join(' or ')}`];
    case 'at-odds':
      return [
        `the offset of ${read.zone} is not ${read.offset} then`,
        'the offset of the zone, or one of the two alone',
      ];
    default:
      return read satisfies never;
  }
}

function meantZone(name: string): string {
  const meant = closest(name, Intl.supportedValuesOf('timeZone'));
  return `the IANA name of a time zone, such as ${meant ?? 'Europe/Paris'}`;
}

function hoursOf({ between, zone }: WhenSettings): Hours | null {
  if (between === null) return null;
  if (zone !== null) return { windows: between, zone };
  throw new FanmailError('USAGE', '--between needs a time zone.', {
    hint: 'Add --zone …, such as Europe/Paris, or set FANMAIL_ZONE.',
  });
}

function canaryOf({ canary: share, hold, abortAbove, giveUp }: WhenSettings): Canary | null {
  if (share === null) {
    if (hold === null && abortAbove === null) return null;
    throw new FanmailError('USAGE', `${hold === null ? '--abort-above' : '--hold'} says nothing without --canary.`, {
      hint: 'Add --canary …, such as 1%.',
    });
  }
  const holdMs = hold ?? DEFAULT_HOLD_MS;
  if (holdMs >= giveUp) {
    const why = `what is open is given up ${duration(giveUp)} after the launch`;
    throw invalid('--hold', duration(holdMs), [why, 'less than --give-up']);
  }
  return { share, holdMs, abortAbove: abortAbove ?? DEFAULT_ABORT_ABOVE };
}

function invalid(flag: string, value: string, [why, allowed]: readonly [string, string]): FanmailError {
  return new FanmailError('OPTION_INVALID', `${flag} can't be "${value}": ${why}.`, { hint: `Allowed: ${allowed}.` });
}
