import { dateOfDay, type SuppressionItem } from '../../domain/suppression.js';
import { count, printable } from '../../report/format.js';

/** What a change came to. */
export interface Changed {
  readonly action: 'add' | 'remove' | 'import';
  /** Null: for all. */
  readonly topic: string | null;
  /** Addresses, or lines of an export. */
  readonly given: number;
  /** Of these, who was not on the list before, or was. */
  readonly changed: number;
}

export interface FoundAddress {
  readonly address: string;
  readonly suppressed: boolean;
  readonly items: readonly SuppressionItem[];
}

export function changedText({ action, topic, given, changed }: Changed): string {
  const other = count(given - changed);
  if (action === 'remove') return `Taken off the list for ${scope(topic)}: ${count(changed)}; not on it: ${other}.`;
  return `Suppressed for ${scope(topic)}: ${count(changed)} new, ${other} there already.`;
}

/** Of an export, whose lines have topics of their own. */
export function restoredText({ given, changed }: Changed): string {
  return `Imported, each for its topic: ${count(changed)} new, ${count(given - changed)} there already.`;
}

/** Of somebody who was taken off, and is on the list for something else. */
export function stillText(address: string, items: readonly SuppressionItem[]): string {
  return `${printable(address)} is still suppressed for ${items.map(({ topic }) => scope(topic)).join(', ')}`;
}

export function foundLine({ address, suppressed, items }: FoundAddress, topic: string | null): string {
  const reasons = items.map((item) => `for ${scope(item.topic)} since ${dateOfDay(item.day)} (${item.why})`);
  const verdict = suppressed
    ? 'suppressed'
    : `may be sent to, ${topic === null ? 'without a topic' : `about ${topic}`}`;
  return [`${printable(address)}: ${verdict}`, ...reasons].join('; ');
}

export function itemObject({ topic, why, day }: SuppressionItem) {
  return { topic, why, since: dateOfDay(day) };
}

/** For whom an address is suppressed, in words. */
export function scope(topic: string | null): string {
  return topic === null ? 'all campaigns' : `the topic ${topic}`;
}
