import { type Finding, finding } from '../finding.js';
import { type DmarcRecord, organizationOf, recordFor, type TreeWalk } from './tree-walk.js';
import { excerpt } from './words.js';

const POLICIES = ['none', 'quarantine', 'reject'];

/** What receivers would find of DMARC for the sender's domain (RFC 9989). */
export function dmarcFindings(walk: TreeWalk): Finding[] {
  const [twice] = walk.several;
  if (twice !== undefined) {
    const hint = 'Leave one of them: with more, receivers read none.';
    return [finding('DMARC_INVALID', `_dmarc.${twice} has more than one DMARC record`, hint)];
  }
  const record = recordFor(walk);
  // What was not answered for may have a record that goes before.
  if (!walk.whole && record?.domain !== walk.domain) return [];
  if (record === null) return [missing(walk.domain)];
  const policy = policyFor(walk.domain, record);
  if (!POLICIES.includes(policy)) {
    const message = `the DMARC record of ${record.domain} has ${policy === '' ? 'no policy' : `the policy "${excerpt(policy)}"`}`;
    return [finding('DMARC_INVALID', message, `Allowed are ${POLICIES.map((name) => `p=${name}`).join(', ')}.`)];
  }
  if (policy !== 'none') return [];
  const hint = 'Who forges this sender is not kept from it. Once your own mail passes, p=quarantine and p=reject do.';
  return [finding('DMARC_POLICY_NONE', `the DMARC policy for ${walk.domain} only watches (p=none)`, hint)];
}

function missing(domain: string): Finding {
  const hint = `Gmail and Yahoo ask everybody who sends in bulk for one: TXT at _dmarc.${domain}, v=DMARC1; p=none to begin with.`;
  return finding('DMARC_MISSING', `${domain} has no DMARC record, nor has a domain above it`, hint);
}

/** A record of a domain above may have another policy for those below. */
function policyFor(domain: string, { domain: holder, tags }: DmarcRecord): string {
  const own = tags.get('p') ?? '';
  return (domain === holder ? own : (tags.get('sp') ?? own)).toLowerCase();
}

/**
 * A signature helps a message through DMARC only where its domain is aligned with that of From (RFC 9989 4.4): the same
 * organization, or with `adkim=s` the same domain. `walks` has a walk for each domain; null where the DNS wasn't asked.
 */
export function alignmentFindings(
  domain: string,
  signing: readonly string[],
  walks: ReadonlyMap<string, TreeWalk> | null,
): Finding[] {
  if (signing.length === 0 || signing.some((other) => isAligned(domain, other, walks))) return [];
  const names = [...new Set(signing)].join(', ');
  const hint = 'DMARC counts a signature only where its domain belongs to the organization of the domain in From.';
  return [finding('DKIM_OTHER_DOMAIN', `the sender is of ${domain}, and the DKIM keys of ${names}`, hint)];
}

function isAligned(domain: string, other: string, walks: ReadonlyMap<string, TreeWalk> | null): boolean {
  if (domain === other) return true;
  const [of, ofOther] = [walks?.get(domain), walks?.get(other)];
  // Without the DNS nobody knows where an organization begins: only what has nothing in common is surely another.
  if (!of?.whole || !ofOther?.whole) return lastTwo(domain) === lastTwo(other);
  const record = recordFor(of);
  if (record?.tags.get('adkim')?.toLowerCase() === 's') return false;
  // Without a record there is no DMARC to pass; who has one without a walk goes by public suffixes.
  if (record === null) return lastTwo(domain) === lastTwo(other);
  return organizationOf(of) === organizationOf(ofOther);
}

function lastTwo(domain: string): string {
  return domain.split('.').slice(-2).join('.');
}
