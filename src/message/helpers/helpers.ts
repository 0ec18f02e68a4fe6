import { dateText } from './dates.js';
import { isEmpty, type Locale, type Named } from './locale.js';
import { asNumber, currencyText, numberText, pluralText } from './numbers.js';

/** What a template can call beside what Handlebars has. */
export interface Helper {
  /** How it is written, for the message to whoever wrote it otherwise. */
  readonly usage: string;
  /** How many values it takes, at least and at most. */
  readonly takes: readonly [least: number, most: number];
  /** What a call may name: `digits=2`. */
  readonly named: readonly string[];
  /** Some values can't be written so: then a row is at fault. */
  readonly fails: boolean;
  /** Throws an Error whose text tells what is wrong with the value. */
  call(values: readonly unknown[], named: Named, at: Locale): unknown;
}

type Own = Partial<Pick<Helper, 'named' | 'fails'>>;
const helper = (usage: string, takes: Helper['takes'], call: Helper['call'], own: Own = {}): Helper => ({
  ...{ usage, takes, call, named: [], fails: false },
  ...own,
});
const FORMS = ['zero', 'one', 'two', 'few', 'many', 'other'];

/** An empty value is printed as nothing, and is in no order with others. */
export const HELPERS: Readonly<Record<string, Helper>> = {
  default: helper('{{default name "friend"}}', [2, 2], ([value, instead]) => (isEmpty(value) ? instead : value)),
  number: helper('{{number total digits=2}}', [1, 1], ([value], named, at) => numberText(value, named, at), {
    named: ['digits', 'locale'],
    fails: true,
  }),
  currency: helper(
    '{{currency total "EUR"}}',
    [2, 2],
    ([value, currency], named, at) => currencyText(value, currency, named, at),
    { named: ['digits', 'locale'], fails: true },
  ),
  date: helper('{{date when "long"}}', [1, 2], ([value, style], named, at) => dateText(value, style, named, at), {
    named: ['locale', 'zone'],
    fails: true,
  }),
  plural: helper(
    '{{plural seats one="# seat" other="# seats"}}',
    [1, 1],
    ([value], named, at) => pluralText(value, named, at),
    { named: [...FORMS, 'locale'], fails: true },
  ),
  eq: helper('{{#if (eq plan "Plus")}}', [2, 2], ([a, b]) => same(a, b)),
  ne: helper('{{#if (ne plan "Plus")}}', [2, 2], ([a, b]) => !same(a, b)),
  gt: helper(
    '{{#if (gt seats 1)}}',
    [2, 2],
    ordered((a, b) => a > b),
    { fails: true },
  ),
  gte: helper(
    '{{#if (gte seats 1)}}',
    [2, 2],
    ordered((a, b) => a >= b),
    { fails: true },
  ),
  lt: helper(
    '{{#if (lt seats 1)}}',
    [2, 2],
    ordered((a, b) => a < b),
    { fails: true },
  ),
  lte: helper(
    '{{#if (lte seats 1)}}',
    [2, 2],
    ordered((a, b) => a <= b),
    { fails: true },
  ),
  and: helper('{{#if (and a b)}}', [2, 10], (values) => values.every(isTrue)),
  or: helper('{{#if (or a b)}}', [2, 10], (values) => values.some(isTrue)),
  not: helper('{{#if (not a)}}', [1, 1], ([value]) => !isTrue(value)),
};

export function helperOf(name: string | null): Helper | null {
  return name !== null && Object.hasOwn(HELPERS, name) ? (HELPERS[name] ?? null) : null;
}

/** Cells are texts, so that 1 and "1" are the same. */
function same(a: unknown, b: unknown): boolean {
  const isThing = (value: unknown) => typeof value === 'object' && value !== null;
  return isThing(a) || isThing(b) ? a === b : String(a ?? '') === String(b ?? '');
}

/** As `{{#if}}` takes it. */
function isTrue(value: unknown): boolean {
  return Boolean(value) && !(Array.isArray(value) && value.length === 0);
}

function ordered(holds: (a: number, b: number) => boolean): Helper['call'] {
  return ([a, b]) => !isEmpty(a) && !isEmpty(b) && holds(asNumber(a), asNumber(b));
}
