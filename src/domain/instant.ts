import { Temporal } from 'temporal-polyfill';

const TEXT =
  /^(\d{4}-\d{2}-\d{2})(?:T|\s+)(\d{2}:\d{2}(?::\d{2})?)\s*(?:(Z|[+-]\d{2}(?::?\d{2})?)\s*)?(?:\[?([A-Za-z][\w+-]*(?:\/[\w+-]+)*)\]?)?$/;

/** A text that says a time, or why it does not. */
export type InstantRead =
  | { readonly kind: 'instant'; readonly ms: number }
  /** Not of a form that is known, or no such date or time. */
  | { readonly kind: 'malformed' }
  /** A time of day that needs a zone. */
  | { readonly kind: 'local' }
  | { readonly kind: 'unknown-zone'; readonly zone: string }
  /** The clocks are put forward over it. */
  | { readonly kind: 'left-out'; readonly zone: string }
  /** The clocks are put back over it: with each offset it is another. */
  | { readonly kind: 'twice'; readonly zone: string; readonly offsets: readonly [string, string] }
  /** Offset and zone disagree. */
  | { readonly kind: 'at-odds'; readonly zone: string; readonly offset: string };

/**
 * Reads `2026-12-01T09:00+01:00`, `2026-12-01 09:00 Europe/Paris`, RFC 9557's `2026-12-01T09:00+01:00[Europe/Paris]`, or a local
 * time in `zone`. Seconds may be left out.
 */
export function readInstant(text: string, zone: string | null): InstantRead {
  const [, date, time, offset, named] = TEXT.exec(text) ?? [];
  const local = `${date}T${time}`;
  if (date === undefined || !isLocal(local)) return { kind: 'malformed' };
  const where = named ?? (offset === undefined ? zone : null);
  if (where === null) {
    if (offset === undefined) return { kind: 'local' };
    const ms = orNull(() => Temporal.Instant.from(`${local}${offset}`).epochMilliseconds);
    return ms === null ? { kind: 'malformed' } : { kind: 'instant', ms };
  }
  const earlier = zoned(local, where, 'earlier');
  const later = zoned(local, where, 'later');
  if (!earlier || !later) return { kind: 'unknown-zone', zone: where };
  if (offset !== undefined) return withOffset(`${local}${offset}[${where}]`, where, offset);
  if (earlier.equals(later)) return { kind: 'instant', ms: earlier.epochMilliseconds };
  const isThere = later.toPlainDateTime().equals(Temporal.PlainDateTime.from(local));
  return isThere
    ? { kind: 'twice', zone: where, offsets: [earlier.offset, later.offset] }
    : { kind: 'left-out', zone: where };
}

function isLocal(text: string): boolean {
  return orNull(() => Temporal.PlainDateTime.from(text, { overflow: 'reject' })) !== null;
}

function zoned(local: string, zone: string, disambiguation: 'earlier' | 'later') {
  return orNull(() => Temporal.PlainDateTime.from(local).toZonedDateTime(zone, { disambiguation }));
}

function withOffset(text: string, zone: string, offset: string): InstantRead {
  const found = orNull(() => Temporal.ZonedDateTime.from(text, { offset: 'reject' }));
  return found ? { kind: 'instant', ms: found.epochMilliseconds } : { kind: 'at-odds', zone, offset };
}

/** What Temporal refuses it throws as a RangeError. */
function orNull<T>(make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
