import { createPublicKey } from 'node:crypto';
import type { DkimKey } from '../../message/dkim-signer.js';
import type { SigningKey } from './dns/dkim-record-checks.js';
import { type Finding, finding } from './finding.js';

/** RFC 8301 3.2: what a signer should have at least. */
const RSA_BITS = 2048;

/** What is possible, and makes receivers think less of a message. */
export function dkimFindings(keys: readonly DkimKey[]): Finding[] {
  return keys.flatMap(({ identity, signatureBytes }) => {
    const bits = signatureBytes * 8;
    if (identity.algorithm !== 'rsa-sha256' || bits >= RSA_BITS) return [];
    const message = `the DKIM key ${identity.domain}:${identity.selector} is of RSA with ${bits} bits`;
    return [finding('DKIM_KEY_SHORT', message, `Some receivers take less than ${RSA_BITS} for no signature.`)];
  });
}

/** The key as receivers look it up. */
export function recordedKey({ identity, privateKey }: DkimKey): SigningKey {
  return { domain: identity.domain, selector: identity.selector, publicKey: createPublicKey(privateKey) };
}
