import {
  dateOfDay,
  SUPPRESSION_HASH_BYTES,
  SUPPRESSION_REASONS,
  SUPPRESSION_SECRET,
  type SuppressionItem,
  TOPIC,
} from './suppression.js';

/** The version of what `exportHeader` and `exportLine` write. */
const VERSION = '1';
const NAME = 'fanmail-suppression';
const HASH = new RegExp(`^[0-9a-f]{${SUPPRESSION_HASH_BYTES * 2}}$`);
/** As many days as two bytes count: up to June 2149. */
const MOST_DAYS = 65_535;

/** One reason of one address, as a line of an export holds it. */
export interface ExportedItem extends SuppressionItem {
  readonly hash: Buffer;
}

/** The first line of an export: without its key, the hashes of the others would mean nothing in another Redis. */
export function exportHeader(secret: string): string {
  return `${NAME},${VERSION},${secret}`;
}

/** `0a1b…,news,unsubscribe,2026-11-25`; the topic is empty for all. */
export function exportLine({ hash, topic, why, day }: ExportedItem): string {
  return `${hash.toString('hex')},${topic ?? ''},${why},${dateOfDay(day)}`;
}

export function isExportHeader(line: string): boolean {
  return line.startsWith(`${NAME},`);
}

/** The key of an export, or what is wrong with its first line. */
export function parseExportHeader(line: string): { readonly secret: string } | string {
  const [, version, secret = '', ...rest] = line.trimEnd().split(',');
  if (version !== VERSION) return `it is an export of version ${version}, and this fanmail knows ${VERSION}`;
  if (rest.length > 0 || !SUPPRESSION_SECRET.test(secret)) return 'its key is not 64 digits from 0-9 and a-f';
  return { secret };
}

/** A line of an export, or what is wrong with it. */
export function parseExportLine(line: string): ExportedItem | string {
  const [hash = '', topic, why, date = '', ...rest] = line.trimEnd().split(',');
  if (rest.length > 0 || topic === undefined || !HASH.test(hash)) return 'it is not hash,topic,why,date';
  if (topic !== '' && !TOPIC.test(topic)) return 'its topic is none';
  const reason = SUPPRESSION_REASONS.find((name) => name === why);
  if (reason === undefined) return `its reason is none of ${SUPPRESSION_REASONS.join(', ')}`;
  const ms = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) : Number.NaN;
  const day = ms / 86_400_000;
  if (!(day >= 1 && day <= MOST_DAYS)) return 'its date is not like 2026-11-25, from 1970 to 2149';
  return { hash: Buffer.from(hash, 'hex'), topic: topic === '' ? null : topic, why: reason, day };
}
