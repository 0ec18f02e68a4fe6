import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { readDkimKeys } from '../../src/message/dkim-keys.js';

/** A private key in PEM, and the TXT record that publishes it (RFC 6376 3.6.1, RFC 8463 4). */
export interface TestKey {
  readonly pem: string;
  readonly record: string;
}

export function newKey(kind: 'rsa' | 'ed25519', bits = 2048): TestKey {
  const { privateKey } =
    kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync(kind);
  return { pem: pemOf(privateKey), record: recordOf(privateKey) };
}

export function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function recordOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const isRsa = key.asymmetricKeyType === 'rsa';
  return `v=DKIM1; k=${key.asymmetricKeyType}; p=${(isRsa ? der : der.subarray(-32)).toString('base64')}`;
}

export const RSA = newKey('rsa');
export const ED25519 = newKey('ed25519');

/** What of `--dkim` signs for example.com: `rsa` under s1, `ed25519` under s2. */
export const BOTH = `example.com:s1=${RSA.pem}\nexample.com:s2=${ED25519.pem}`;
export const DNS: Readonly<Record<string, string>> = {
  's1._domainkey.example.com': RSA.record,
  's2._domainkey.example.com': ED25519.record,
};

export const keysOf = (text: string) => readDkimKeys(text, '/');

/** What mailauth says of each signature, in order: `s1 rsa-sha256 pass`, or why not. */
export async function verdicts(message: Buffer, dns: Readonly<Record<string, string>> = DNS): Promise<string[]> {
  const resolver = async (name: string) => {
    const record = dns[name];
    if (record === undefined) throw Object.assign(new Error(`no record ${name}`), { code: 'ENOTFOUND' });
    // As a DNS server gives a record of more than 255 bytes.
    return [record.match(/.{1,255}/g) ?? []];
  };
  const { results } = await dkimVerify(message, { resolver });
  return results.map(({ selector, status }) =>
    [selector, status.header?.a, status.result, status.comment].filter(Boolean).join(' '),
  );
}
