/** When a campaign may send, as its operator said. */
export interface Schedule {
  /** Not before, epoch milliseconds; null: at once. */
  readonly at: number | null;
  /** The hours in which it may; null: at any time. */
  readonly hours: Hours | null;
}

/** Windows of the day in one zone. */
export interface Hours {
  readonly windows: readonly Window[];
  /** Its IANA name, such as `Europe/Paris`. */
  readonly zone: string;
}

export interface Window {
  /** On which days it begins, 1 for Monday to 7 (ISO 8601); all of them where there are none. */
  readonly days: readonly number[];
  /** Minutes after midnight; where it ends no later than it begins, it ends on the next day. */
  readonly from: number;
  readonly to: number;
}

/** A time in which a campaign may send, epoch milliseconds; `closesAt` does not belong to it, null: it has no end. */
export interface Span {
  readonly opensAt: number;
  readonly closesAt: number | null;
}

/** A first part of a campaign, after which it waits, and goes on or ends by what became of it. */
export interface Canary {
  /** Of the recipients, above 0 and below 1. */
  readonly share: number;
  readonly holdMs: number;
  /** The share of its recipients that may fail. */
  readonly abortAbove: number;
}

/** What became of a canary. */
export interface CanaryFound {
  /** Recipients that have an outcome: sent, or failed in the sense of the next. */
  readonly tried: number;
  /** Failed, unknown, or refused for now when it was judged; not who was throttled. */
  readonly failed: number;
}

/**
 * How many of the recipients from `first` on, `size` of them, belong to the canary: over all of them its share, rounded up.
 * The canary is spread over the list, since its beginning may not be like the rest.
 */
export function canaryPart({ share }: Canary, first: number, size: number): number {
  return upTo(share, first + size) - upTo(share, first);
}

/** Without what a product of fractions is off by, which grows with it: 0.07 × 100 is 7, not 8. */
function upTo(share: number, count: number): number {
  return Math.ceil(share * count * (1 - 4 * Number.EPSILON));
}
