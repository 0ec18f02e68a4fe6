import type { DkimKey } from '../../message/dkim-signer.js';
import { type Finding, finding } from './finding.js';

/** RFC 8301 3.2: what a signer should have at least. */
const RSA_BITS = 2048;

/** What is possible, and makes receivers think less of a message. `domain` is the sender's, null where there is none. */
export function dkimFindings(keys: readonly DkimKey[], domain: string | null): Finding[] {
  const short = keys.flatMap(({ identity, signatureBytes }) => {
    const bits = signatureBytes * 8;
    if (identity.algorithm !== 'rsa-sha256' || bits >= RSA_BITS) return [];
    const message = `the DKIM key ${identity.domain}:${identity.selector} is of RSA with ${bits} bits`;
    return [finding('DKIM_KEY_SHORT', message, `Some receivers take less than ${RSA_BITS} for no signature.`)];
  });
  if (domain === null || keys.length === 0 || keys.some(({ identity }) => isAligned(identity.domain, domain)))
    return short;
  const names = [...new Set(keys.map(({ identity }) => identity.domain))].join(', ');
  const hint = 'DMARC counts a signature only where its domain is that of From, or one above or below it.';
  return [...short, finding('DKIM_OTHER_DOMAIN', `the sender is of ${domain}, and the DKIM keys of ${names}`, hint)];
}

/** Near enough to RFC 7489 3.1.1, which asks for the same organization. */
function isAligned(signing: string, domain: string): boolean {
  return signing === domain || domain.endsWith(`.${signing}`) || signing.endsWith(`.${domain}`);
}
