import { isEmpty, kept, type Locale, localeOf, type Named, shown } from './locale.js';

const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i;
const MOST_DIGITS = 20;

const formats = new Map<string, Intl.NumberFormat>();
const rules = new Map<string, Intl.PluralRules>();

/** A number, or a text that is one. Throws an Error whose text tells what is wrong with the value. */
export function asNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && NUMBER.test(value.trim())) return Number(value);
  throw new Error(`${shown(value)} is no number; allowed are such as 1234.5, without anything between the thousands`);
}

export function numberText(value: unknown, named: Named, at: Locale, options: Intl.NumberFormatOptions = {}): string {
  if (isEmpty(value)) return '';
  const locale = localeOf(named, at);
  const digits = named.digits === undefined ? null : asNumber(named.digits);
  if (digits !== null && !(Number.isInteger(digits) && digits >= 0 && digits <= MOST_DIGITS))
    throw new Error(`digits=${shown(named.digits)} is not allowed; allowed are 0 to ${MOST_DIGITS}`);
  const exact = digits === null ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const key = `${locale} ${digits} ${options.currency ?? ''}`;
  const format = kept(formats, key, () => new Intl.NumberFormat(locale, { ...options, ...exact }));
  return format.format(asNumber(value));
}

export function currencyText(value: unknown, currency: unknown, named: Named, at: Locale): string {
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency))
    throw new Error(`${shown(currency)} is no currency; allowed are the codes of ISO 4217, such as "EUR"`);
  return numberText(value, named, at, { style: 'currency', currency });
}

/** `#` stands for the number (CLDR's plural categories; `zero` also for 0 where the language has no such category). */
export function pluralText(value: unknown, named: Named, at: Locale): string {
  if (isEmpty(value)) return '';
  const locale = localeOf(named, at);
  const number = asNumber(value);
  const category = kept(rules, locale, () => new Intl.PluralRules(locale)).select(number);
  const form = (number === 0 ? named.zero : undefined) ?? named[category] ?? named.other;
  if (form === undefined) throw new Error(`${shown(value)} has no form here: other="…" is missing`);
  return String(form).replace(/#/g, () => numberText(number, {}, { ...at, locale }));
}
