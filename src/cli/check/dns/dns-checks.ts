import { type Finding, finding } from '../finding.js';
import { dkimRecordFindings, type SigningKey } from './dkim-record-checks.js';
import { alignmentFindings, dmarcFindings } from './dmarc-checks.js';
import { Lookups } from './lookups.js';
import { incomingFindings } from './sender-domain-checks.js';
import { spfFindings } from './spf-checks.js';
import { walkOf } from './tree-walk.js';
import { excerpt } from './words.js';

/** Names that the DNS of the world has nothing about (RFC 2606, 6761, 6762, 8375), and a name without a dot. */
const PRIVATE =
  /^(?:.+\.)?(?:example\.(?:com|net|org)|test|example|invalid|localhost|local|internal|home\.arpa)$|^[^.]+$/;
/** Names that a note shows. */
const NAMED = 3;
const ASK_OTHER =
  'What receivers would find there was not looked at. --dns 192.0.2.53 asks another server, --dns off asks none.';

export interface SenderOptions {
  /** Of From, in ASCII and lower case. */
  readonly domain: string;
  readonly keys: readonly SigningKey[];
  /** Whom to ask: nobody, the system's servers, or this IP address, with a port where it isn't 53. */
  readonly dns: 'off' | 'system' | { readonly server: string };
}

/**
 * What receivers would find in the DNS about the sender: SPF, DMARC, keys of DKIM, and whether answers can arrive. What the
 * DNS gives no answer about is not warned of, and a note says so. Names for examples and tests are asked for only of a
 * server that is named.
 */
export async function dnsFindings({ domain, keys, dns }: SenderOptions): Promise<Finding[]> {
  const signing = keys.map((key) => key.domain);
  const isAsked = (name: string) => dns !== 'off' && (dns !== 'system' || !PRIVATE.test(name));
  if (!isAsked(domain)) return alignmentFindings(domain, signing, null);
  const lookups = new Lookups(typeof dns === 'object' ? dns.server : null);
  try {
    const [walks, records] = await Promise.all([
      Promise.all([...new Set([domain, ...signing])].filter(isAsked).map((name) => walkOf(name, lookups))),
      recordFindings(
        domain,
        keys.filter((key) => isAsked(key.domain)),
        lookups,
      ),
    ]);
    const alignment = alignmentFindings(domain, signing, new Map(walks.map((walk) => [walk.domain, walk])));
    const unknown = await unknownDomain(domain, lookups);
    if (unknown) return [unknown];
    return [...records, ...walks.slice(0, 1).flatMap(dmarcFindings), ...alignment, ...noAnswer(lookups)];
  } finally {
    lookups.close();
  }
}

async function recordFindings(domain: string, keys: readonly SigningKey[], lookups: Lookups): Promise<Finding[]> {
  const found = await Promise.all([
    incomingFindings(domain, lookups),
    spfFindings(domain, lookups),
    ...keys.map((key) => dkimRecordFindings(key, lookups)),
  ]);
  return found.flat();
}

/** One word instead of all that a domain lacks that isn't there. */
async function unknownDomain(domain: string, lookups: Lookups): Promise<Finding | null> {
  const answers = await Promise.all([lookups.txt(domain), lookups.mx(domain)]);
  if (answers.some((answer) => answer.kind !== 'none' || answer.nameExists)) return null;
  // A network may have a DNS of its own, which denies the rest of the world.
  const top = domain.slice(domain.lastIndexOf('.') + 1);
  const topAnswer = await lookups.nameServers(top);
  if (topAnswer.kind !== 'none' || topAnswer.nameExists) {
    const hint = 'Receivers refuse it: look for a slip of the pen, or whether it has run out.';
    return finding('SENDER_DOMAIN_UNKNOWN', `the DNS knows no domain ${domain}, which is the sender's`, hint);
  }
  return finding(
    'DNS_NO_ANSWER',
    `the DNS here knows nothing of .${top}, so that ${domain} was not looked up`,
    ASK_OTHER,
  );
}

function noAnswer({ failures, reachable }: Lookups): Finding[] {
  const [first] = failures;
  if (!first) return [];
  const [, code] = first;
  if (!reachable) return [finding('DNS_NO_ANSWER', `no DNS can be reached (${code})`, ASK_OTHER)];
  const names = [...failures.keys()];
  const more = names.length > NAMED ? ', …' : '';
  const message = `the DNS gave no answer (${code}) about ${names.slice(0, NAMED).map(excerpt).join(', ')}${more}`;
  return [finding('DNS_NO_ANSWER', message, ASK_OTHER)];
}
