import { isEmpty, kept, type Locale, localeOf, type Named, shown } from './locale.js';

const STYLES = ['short', 'medium', 'long', 'full'] as const;
type Style = (typeof STYLES)[number];

/** A day; or a day and a time, with the offset from UTC or without one (RFC 3339, and what it leaves out of ISO 8601). */
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;
const ALLOWED = 'allowed are such as 2026-11-30, 2026-11-30T18:00 and 2026-11-30T18:00:00+01:00';

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * A day, and the time where the value has one. A value with an offset is shown in the zone of the call or the template; one
 * without is what a clock showed, and is shown as it is.
 * Throws an Error whose text tells what is wrong with the value.
 */
export function dateText(value: unknown, style: unknown, named: Named, at: Locale): string {
  if (isEmpty(value)) return '';
  const chosen = STYLES.find((one) => one === (style ?? 'long'));
  if (!chosen) throw new Error(`${shown(style)} is no style; allowed are ${STYLES.join(', ')}`);
  const { epochMs, hasTime, isFixed } = parse(value);
  const zone = isFixed ? 'UTC' : zoneOf(named.zone, at);
  return formatOf(localeOf(named, at), zone, chosen, hasTime).format(epochMs);
}

interface Parsed {
  readonly epochMs: number;
  readonly hasTime: boolean;
  /** It is no instant, but what a clock or a calendar showed, taken as if it were UTC's. */
  readonly isFixed: boolean;
}

function parse(value: unknown): Parsed {
  const [, day, time, offset] = ISO.exec(typeof value === 'string' ? value.trim() : '') ?? [];
  const epochMs = day === undefined ? Number.NaN : Date.parse(`${day}T${time ?? '00:00'}${isoOffset(offset)}`);
  // `Date` takes the 31st of February for a day in March.
  if (Number.isNaN(epochMs) || new Date(`${day}T00:00Z`).toISOString().slice(0, 10) !== day)
    throw new Error(`${shown(value)} is no date; ${ALLOWED}`);
  return { epochMs, hasTime: time !== undefined, isFixed: offset === undefined };
}

function isoOffset(offset: string | undefined): string {
  if (offset === undefined || offset.toUpperCase() === 'Z') return 'Z';
  return offset.includes(':') ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`;
}

function zoneOf(zone: unknown, at: Locale): string {
  return isEmpty(zone) ? at.zone : String(zone);
}

function formatOf(locale: string, timeZone: string, dateStyle: Style, hasTime: boolean): Intl.DateTimeFormat {
  return kept(formats, `${locale} ${timeZone} ${dateStyle} ${hasTime}`, () => {
    try {
      return new Intl.DateTimeFormat(locale, { timeZone, dateStyle, ...(hasTime && { timeStyle: 'short' }) });
    } catch {
      throw new Error(`zone=${shown(timeZone)} is no time zone; allowed are such as "Europe/Paris"`);
    }
  });
}
