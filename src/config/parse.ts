import { CAMPAIGN_ID } from '../domain/campaign.js';
import type { FanmailError } from '../domain/errors.js';
import { TOPIC } from '../domain/suppression.js';
import { Secret } from './secret.js';

/** The value of an option, or what is allowed instead; an error of its own where it can say more. */
export type Parsed<T> =
  | { readonly value: T; readonly refused?: undefined }
  | { readonly value?: undefined; readonly refused: string | FanmailError };
/** From the text of an option to its value. */
export interface Schema<T> {
  parse(text: string): Parsed<T>;
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const TEN_YEARS_MS = 315_360_000_000;

/** `5d`, `10s`, `500ms`, `1h30m`, `1.5h` in whole milliseconds; undefined for anything else, a number without unit too. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|[smhdw])/g)) {
    sum += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return sum <= TEN_YEARS_MS ? Math.round(sum) : undefined;
}

/** What `parse` makes of the text; where that is undefined, `allowed` says what it may be. */
export function parsed<T>(allowed: string, parse: (text: string) => T | undefined): Schema<T> {
  return {
    parse: (text) => {
      const value = parse(text.trim());
      return value === undefined ? { refused: allowed } : { value };
    },
  };
}

/** A duration in milliseconds, at least `least`. */
export function duration(least = '1ms', most?: string) {
  const leastMs = parseDuration(least) ?? 0;
  const mostMs = most === undefined ? Number.POSITIVE_INFINITY : (parseDuration(most) ?? 0);
  const range = most === undefined ? `from ${least} on` : `from ${least} to ${most}`;
  return parsed(`a time ${range} with its unit, such as 500ms, 10s, 5m, 1h, 5d`, (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined;
  });
}

const PER_SECOND = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const FASTEST = 1_000_000;

/** `200/s`, `5/m`, `0.5/s`: messages a second; undefined for anything else. */
export function parseRate(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,6})?)\/([smhd])$/.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const perSecond = Number(amount) / PER_SECOND[unit as keyof typeof PER_SECOND];
  return perSecond >= 1 / 86_400 && perSecond <= FASTEST ? perSecond : undefined;
}

const RATES = 'a number of messages for each s, m, h or d, such as 200/s, 30/m, 0.5/s';

/** Messages a second. */
export function rate() {
  return parsed(RATES, parseRate);
}

/** The same, or `none`. */
export function rateOrNone() {
  return parsed(`${RATES}, or none`, (text) => (text === 'none' ? ('none' as const) : parseRate(text)));
}

const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;

/** `domain=value` for up to 1,000 domains in lower case; a domain that is named twice is refused. */
function byDomain<T>(allowed: string, parse: (text: string) => T | undefined) {
  return parsed(allowed, (text) => {
    const values = new Map<string, T>();
    for (const part of text.split(',')) {
      const [name = '', value = '', ...more] = part.split('=').map((word) => word.trim());
      const domain = name.toLowerCase();
      const known = parse(value);
      if (known === undefined || more.length > 0 || !DOMAIN.test(domain) || values.has(domain)) return undefined;
      values.set(domain, known);
    }
    return values.size <= 1_000 ? values : undefined;
  });
}

/** Messages a second by domain. */
export function rateByDomain() {
  return byDomain(
    'each domain once with its rate, separated by commas, such as gmail.com=20/s,yahoo.com=10/s',
    parseRate,
  );
}

export function countByDomain(least: number, most: number) {
  const allowed = `each domain once with a whole number from ${least} to ${most}, such as gmail.com=10,yahoo.com=5`;
  return byDomain(allowed, (text) => wholeNumber(text, least, most));
}

/** Durations in milliseconds, up to 50. */
export function schedule() {
  return parsed('one to 50 times with their units, separated by commas, such as 15s,1m,5m,15m,1h', (text) => {
    const waits = text.split(',').map((part) => parseDuration(part.trim()));
    if (waits.length > 50) return undefined;
    return waits.every((wait) => wait !== undefined && wait > 0) ? (waits as number[]) : undefined;
  });
}

export function count(least: number, most: number) {
  return parsed(`a whole number from ${least} to ${most}`, (text) => wholeNumber(text, least, most));
}

/** A whole number, or `auto` for what `auto` returns at that time. */
export function countOrAuto(least: number, most: number, auto: () => number) {
  return parsed(`a whole number from ${least} to ${most}, or auto`, (text) =>
    text === 'auto' ? auto() : wholeNumber(text, least, most),
  );
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  if (!/^\d{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

export function yesOrNo() {
  return parsed('true or false', (text) => {
    if (/^(true|yes|1|on)$/i.test(text)) return true;
    return /^(false|no|0|off)$/i.test(text) ? false : undefined;
  });
}

export function oneOf<const T extends string>(values: readonly T[]): Schema<T> {
  return parsed(values.join(' or '), (text) => values.find((value) => value === text));
}

/** One line that isn't empty: what goes into a header or a path never needs a control character. */
export function line() {
  return parsed('a text without line breaks or control characters, not empty', (text) =>
    /^\P{Cc}+$/u.test(text) ? text : undefined,
  );
}

/** Words of the command line, any number, joined by the one character that none of them can hold. */
export const BETWEEN_WORDS = '\0';
/** Paths with commas between. */
export function paths() {
  return parsed('paths of files with commas between, such as terms.pdf,invoices/{{id}}.pdf', (text) => {
    const all = text.split(',').map((path) => path.trim());
    return all.every((path) => path !== '') ? all : undefined;
  });
}

export function words() {
  return parsed('one word or more', (text) => text.split(BETWEEN_WORDS));
}

export function topic() {
  return parsed(
    'a name of 1 to 64 characters from a-z, 0-9, ".", "_" and "-", beginning and ending with a letter or digit',
    (text) => (TOPIC.test(text) ? text : undefined),
  );
}

export function campaignId() {
  return parsed(
    'an id of 1 to 64 characters from a-z, 0-9, ".", "_" and "-", beginning and ending with a letter or digit',
    (text) => (CAMPAIGN_ID.test(text) ? text : undefined),
  );
}

/** Checks no more than how it begins: whoever uses it parses the rest. */
export function secret(allowed: string, start: RegExp) {
  return parsed(allowed, (text) => (start.test(text) ? new Secret(text) : undefined));
}
