import { type Lookups, recordsOf } from './lookups.js';
import { type Tags, tagsOf } from './tags.js';

/** RFC 9989 4.10: no more names are asked for, however many labels there are. */
const MOST_NAMES = 8;

export interface DmarcRecord {
  /** Under whose `_dmarc` it stands. */
  readonly domain: string;
  readonly tags: Tags;
}

/** What the DNS says of DMARC for a domain and all above it. */
export interface TreeWalk {
  readonly domain: string;
  /** From the longest name to the shortest. */
  readonly records: readonly DmarcRecord[];
  /** Names with more than one record, which count for nothing. */
  readonly several: readonly string[];
  /** Whether every name was answered for. */
  readonly whole: boolean;
}

/** The walk of RFC 9989 4.10, which needs no list of public suffixes. The names are asked for all at once. */
export async function walkOf(domain: string, lookups: Lookups): Promise<TreeWalk> {
  const names = namesOf(domain);
  const answers = await Promise.all(names.map((name) => lookups.txt(`_dmarc.${name}`)));
  const records: DmarcRecord[] = [];
  const several: string[] = [];
  for (const [i, name] of names.entries()) {
    const answer = answers[i];
    const [record, ...more] = answer ? recordsOf(answer).filter((text) => /^v\s*=\s*DMARC1\s*(?:;|$)/.test(text)) : [];
    if (more.length > 0) several.push(name);
    else if (record !== undefined) records.push({ domain: name, tags: tagsOf(record) });
    // RFC 9989 4.10: with either, the walk is at its end.
    if (/^[yn]$/i.test(records.at(-1)?.tags.get('psd') ?? '')) break;
  }
  return { domain, records, several, whole: answers.every(({ kind }) => kind !== 'failed') };
}

function namesOf(domain: string): string[] {
  const labels = domain.split('.');
  const above = labels.slice(Math.max(1, labels.length - (MOST_NAMES - 1)));
  return [domain, ...above.map((_, i) => above.slice(i).join('.'))];
}

/** The organizational domain (RFC 9989 4.10): below a public suffix, or where the walk ended or found its last record. */
export function organizationOf({ domain, records }: TreeWalk): string {
  const last = records.at(-1);
  if (last === undefined) return domain;
  const isSuffix = last.tags.get('psd')?.toLowerCase() === 'y';
  return isSuffix ? oneBelow(last.domain, domain) : last.domain;
}

/** `example.co.uk` for `co.uk` and `news.example.co.uk`. */
function oneBelow(suffix: string, domain: string): string {
  return domain
    .split('.')
    .slice(-(suffix.split('.').length + 1))
    .join('.');
}

/** The record that holds for the domain: its own, that of its organization, or that of the public suffix (RFC 9989 4.10). */
export function recordFor(walk: TreeWalk): DmarcRecord | null {
  const organization = organizationOf(walk);
  const of = (name: string) => walk.records.find(({ domain }) => domain === name);
  return of(walk.domain) ?? of(organization) ?? walk.records.at(-1) ?? null;
}
