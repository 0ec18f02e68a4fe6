import { type RelayFigures, type RelayIdentity, relaysOf, type Standing } from '../../domain/campaign.js';
import type { BreakerState } from '../../pipeline/breaker-ports.js';
import type { PaceState } from '../../pipeline/pace-ports.js';
import { count, perSecond, printable } from '../../report/format.js';
import { ago, entry, type Piece, type Style, until } from './format.js';

const LIMITS_SHOWN = 5;

/** A relay as everybody may see it. */
export interface RelayView {
  readonly identity: RelayIdentity;
  /** Null while it is closed. */
  readonly breaker: BreakerState | null;
  readonly pace: PaceState;
}

interface View {
  readonly standing: Standing;
  readonly relays: readonly RelayView[];
}

/** Whether any of a campaign's relays can be used. */
export function reachable(relays: readonly RelayView[]): boolean {
  return relays.some(({ breaker }) => breaker === null);
}

/** What the operator allows, and what relays have shown to be too fast. */
export function limits({ standing, relays }: View, style: Style): Piece[][] {
  const { campaign, now } = standing;
  if (campaign.endedAt !== null) return [];
  const allowed = allowedBy(campaign.options.pace, relays);
  const slow = relays
    .flatMap(({ identity, pace }) =>
      pace.slow.map((one) => ({ ...one, at: relays.length > 1 ? ` at ${nameOf(identity)}` : '' })),
    )
    .sort((a, b) => b.cutAt - a.cutAt);
  const shown = slow
    .slice(0, LIMITS_SHOWN)
    .map(
      ({ group, at, perSecond: rate, cutAt }) => `${printable(group)}${at} ${perSecond(rate)} (${ago(now - cutAt)})`,
    );
  const more = slow.length > LIMITS_SHOWN ? `, and ${count(slow.length - LIMITS_SHOWN)} more` : '';
  return [
    ...(allowed.length > 0 ? entry('limits', allowed.join(', '), style) : []),
    ...(shown.length > 0 ? entry('throttled', `${shown.join(', ')}${more}`, style, 'yellow') : []),
  ];
}

function allowedBy(pace: Standing['campaign']['options']['pace'], relays: readonly RelayView[]): string[] {
  const parts: string[] = [];
  if (pace && pace.perSecond !== null) parts.push(`${perSecond(pace.perSecond)} for the campaign`);
  for (const { identity, pace: own } of relays)
    if (own.perSecond !== null) parts.push(`${perSecond(own.perSecond)} for all through ${nameOf(identity)}`);
  for (const [group, limit] of Object.entries(pace?.domains ?? {}).slice(0, LIMITS_SHOWN)) {
    if (limit.perSecond !== null) parts.push(`${group} ${perSecond(limit.perSecond)}`);
    if (limit.connections !== null) parts.push(`${group} ${count(limit.connections)} at a time`);
  }
  return parts;
}

/** Of each relay that can't be used: since when, why, and when it is tried again. */
export function breakers({ standing, relays }: View, style: Style): Piece[][] {
  const { now } = standing;
  return relays.flatMap(({ identity, breaker: open }) => {
    if (!open) return [];
    const name = relays.length > 1 ? `of ${nameOf(identity)} ` : '';
    const since = `${ago(now - open.since)}, ${count(open.failures)} ${open.failures === 1 ? 'failure' : 'failures'}`;
    return [
      ...entry('breaker', `${name}open since ${since}, the next try ${until(open.until - now)}`, style, 'red'),
      ...entry('', `${printable(open.cause)}: ${printable(open.why)}`, style),
    ];
  });
}

/** What became of messages at each of several relays. */
export function relayFigures({ standing }: View, style: Style): Piece[][] {
  const choices = relaysOf(standing.campaign.options);
  return standing.relays.flatMap((figures, at) => {
    const choice = choices[at];
    if (!choice) return [];
    const spare = choice.spare ? ' (spare)' : '';
    return entry(at === 0 ? 'relays' : '', `${nameOf(choice.identity)}${spare} ${figuresText(figures)}`, style);
  });
}

function figuresText(figures: RelayFigures): string {
  const { sent, ...others } = figures;
  const seen = Object.entries(others).filter(([, value]) => value > 0);
  return [`${count(sent)} sent`, ...seen.map(([name, value]) => `${count(value)} ${name}`)].join(', ');
}

export function nameOf({ host, port }: RelayIdentity): string {
  return `${host}:${port}`;
}
