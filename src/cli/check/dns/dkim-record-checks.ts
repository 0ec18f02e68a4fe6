import type { KeyObject } from 'node:crypto';
import { type Finding, finding } from '../finding.js';
import { type Lookups, recordsOf } from './lookups.js';
import { type Tags, tagsOf } from './tags.js';

/** A DKIM key that messages are signed with, as receivers look it up. */
export interface SigningKey {
  /** In ASCII and lower case, like the selector. */
  readonly domain: string;
  readonly selector: string;
  /** RSA or Ed25519. */
  readonly publicKey: KeyObject;
}

/** Bytes of an Ed25519 key, which stand at the end of its SubjectPublicKeyInfo (RFC 8410 4). */
const ED25519_BYTES = 32;

/** Whether receivers find the key under its name in the DNS (RFC 6376 3.6), and that very key. */
export async function dkimRecordFindings(key: SigningKey, lookups: Lookups): Promise<Finding[]> {
  const name = `${key.selector}._domainkey.${key.domain}`;
  const answer = await lookups.txt(name);
  if (answer.kind === 'failed') return [];
  const record = `v=DKIM1; k=${kindOf(key)}; p=${formsOf(key)[0]}`;
  const [published, ...more] = recordsOf(answer).map(tagsOf).filter(isKeyRecord);
  if (published === undefined) {
    const hint = `Without it no receiver can verify the signature. Publish as TXT: ${record}`;
    return [finding('DKIM_RECORD_MISSING', `there is no DKIM key at ${name}`, hint)];
  }
  const wrong = more.length > 0 ? `has ${more.length + 1} keys, where one may be` : faultOf(published, key);
  return wrong === null ? [] : [finding('DKIM_RECORD_WRONG', `${name} ${wrong}`, `Publish as TXT: ${record}`)];
}

/** RFC 6376 3.6.1: v= may be missing, p= may not. */
function isKeyRecord(tags: Tags): boolean {
  return tags.has('p') && (tags.get('v') ?? 'DKIM1') === 'DKIM1';
}

function faultOf(tags: Tags, key: SigningKey): string | null {
  const p = (tags.get('p') ?? '').replaceAll(/\s/g, '');
  if (p === '') return 'says that this key is revoked (an empty p=)';
  if ((tags.get('k') ?? 'rsa').toLowerCase() !== kindOf(key) || !formsOf(key).some((form) => sameBase64(form, p)))
    return 'has another key than the one that signs';
  if (!allows(tags.get('h'), 'sha256')) return 'does not allow SHA-256 (h=), by which messages are signed';
  return allows(tags.get('s'), 'email') ? null : 'is not for email (s=)';
}

/** Of a list of words with colons between; what isn't there allows everything. */
function allows(list: string | undefined, word: string): boolean {
  const words = list
    ?.toLowerCase()
    .split(':')
    .map((one) => one.trim());
  return words === undefined || words.includes(word) || words.includes('*');
}

function kindOf({ publicKey }: SigningKey): 'rsa' | 'ed25519' {
  return publicKey.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'rsa';
}

/** Padding may be missing. */
function sameBase64(one: string, other: string): boolean {
  return one.replace(/=*$/, '') === other.replace(/=*$/, '');
}

/**
 * The forms in which `p=` may have the key, in base64, the usual one first. For RSA that is
 * SubjectPublicKeyInfo, and RSAPublicKey by the letter (RFC 6376 3.6.1 and its erratum 3017); RFC 8463 4.2 for the other.
 */
function formsOf(key: SigningKey): string[] {
  const whole = key.publicKey.export({ type: 'spki', format: 'der' });
  const forms =
    kindOf(key) === 'ed25519'
      ? [whole.subarray(-ED25519_BYTES)]
      : [whole, key.publicKey.export({ type: 'pkcs1', format: 'der' })];
  return forms.map((form) => form.toString('base64'));
}
