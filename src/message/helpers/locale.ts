/** Language and zone of a template: what its helpers write in, where a call names none. */
export interface Locale {
  /** A language tag (BCP 47), such as `de-AT`. */
  readonly locale: string;
  /** A time zone of the IANA database. */
  readonly zone: string;
}

export const PLAIN_LOCALE: Locale = { locale: 'en', zone: 'UTC' };

/** What a call of a helper names: `digits=2`. */
export type Named = Readonly<Record<string, unknown>>;

/** What stands for nothing: an empty cell, a missing field, `null`. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** A value as errors show it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** Keys may come from rows. */
const MOST_KEPT = 200;

/** What Intl makes is kept: making it takes longer than a message. */
export function kept<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found) return found;
  if (known.size >= MOST_KEPT) known.clear();
  const made = make();
  known.set(key, made);
  return made;
}

/** The language that a call names, or the template's. Throws for one that is none. */
export function localeOf({ locale }: Named, at: Locale): string {
  if (isEmpty(locale)) return at.locale;
  try {
    return Intl.getCanonicalLocales(String(locale))[0] ?? at.locale;
  } catch {
    throw new Error(`locale=${shown(locale)} is no language tag; allowed are such as "de" or "pt-BR"`);
  }
}
