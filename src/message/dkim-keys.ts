import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { domainToASCII } from 'node:url';
import { type DkimIdentity, recordName } from '../domain/dkim.js';
import { FanmailError } from '../domain/errors.js';
import type { DkimKey } from './dkim-signer.js';

/** Where one key ends and the next one begins. */
const BETWEEN = /[\s,]+(?=[^\s:=,]+:[^\s:=,]+=)/;
const ENTRY = /^([^\s:=,]+):([^\s:=,]+)=([\s\S]+)$/;
const FORM = 'domain:selector=file, such as example.com:s1=./s1.pem';
/** Each is one more signature in every message. */
const MOST = 5;
const LARGEST_FILE = 65_536;
/** RFC 8301 3.2: what every receiver has to take. */
const RSA_BITS = { least: 1024, most: 4096 } as const;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PATH = /^(?=.*\.|.{1,15}$)[\w./\\~-]{1,200}$/;
/** Base64 has long runs, and letters of both cases and digits in short ones. */
const IS_WORD = /^(?!.*[A-Z].*\d|.*\d.*[A-Z])[\w.~-]{0,15}$|^[a-z.~-]*$/;

const MAKE_ONE = 'Make one: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out s1.pem';

/**
 * Reads `example.com:s1=./s1.pem`, or several with blanks or commas between. A key may stand there itself, in PEM, its line
 * ends written as `\n` where they can't be others. Paths are relative to `cwd`.
 *
 * @throws FanmailError DKIM_KEY naming the key that is wrong, why, and what is allowed; never a part of a key
 */
export function readDkimKeys(text: string, cwd: string): readonly DkimKey[] {
  const entries = text.trim().split(BETWEEN);
  if (entries.length > MOST) throw refusal(`there are ${entries.length} of them`, `At most ${MOST} are possible.`);
  const keys = entries.map((entry) => readEntry(entry, cwd));
  const seen = new Set<string>();
  for (const { identity } of keys) {
    const name = recordName(identity);
    if (seen.has(name)) throw refusal(`${nameOf(identity)} stands there twice`, 'Give each key a selector of its own.');
    seen.add(name);
  }
  return keys;
}

function readEntry(entry: string, cwd: string): DkimKey {
  const [, written = '', selector = '', value = ''] = ENTRY.exec(entry) ?? [];
  if (value === '') throw refusal('one has no domain, no selector or no file', `Write ${FORM}.`);
  const named = { domain: domainOf(written), selector: selectorOf(selector) };
  if (recordName(named).length > 253) throw refusal('the name of one is longer than the DNS allows');
  const pem = value.includes('-----BEGIN') ? value.replaceAll('\\n', '\n') : readKeyFile(value.trim(), named, cwd);
  return keyOf(pem, named);
}

function domainOf(written: string): string {
  const domain = domainToASCII(written).toLowerCase();
  if (domain.length > 253 || isIP(domain) || !isHostname(domain))
    throw refusal(`${quoted(written, 'one domain')} is no domain name`);
  return domain;
}

function selectorOf(selector: string): string {
  if (isHostname(selector.toLowerCase())) return selector.toLowerCase();
  const allowed = 'A selector has letters, digits and hyphens, and may have dots between.';
  throw refusal(`${quoted(selector, 'one')} is no selector`, allowed);
}

function isHostname(text: string): boolean {
  return text.split('.').every((label) => LABEL.test(label));
}

/** The text, where it can be no part of a key; else what it stands for. */
function quoted(text: string, otherwise: string): string {
  return PATH.test(text) && text.split(/[\\/]/).every((word) => IS_WORD.test(word)) ? text : otherwise;
}

type Named = Pick<DkimIdentity, 'domain' | 'selector'>;

function readKeyFile(path: string, named: Named, cwd: string): string {
  const file = `its file ${quoted(path, '')}`.trim();
  const fault = (why: string) => refusalOf(named, `${file} ${why}`, `Write ${FORM}, or the key itself in PEM.`);
  let text: string;
  try {
    const whole = resolve(cwd, path);
    const stats = statSync(whole);
    // A pipe is read only once, and the worker processes need it, too.
    if (!stats.isFile()) throw fault('is no regular file');
    if (stats.size > LARGEST_FILE) throw fault('is too large for a key');
    text = readFileSync(whole, 'utf8');
  } catch (error) {
    if (error instanceof FanmailError) throw error;
    // The error would name the path, which may be a key.
    throw fault(`can't be read (${(error as NodeJS.ErrnoException).code ?? 'no path'})`);
  }
  if (!text.includes('-----BEGIN')) throw refusalOf(named, `${file} holds no key in PEM`, MAKE_ONE);
  return text;
}

function keyOf(pem: string, named: Named): DkimKey {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    const hint = 'Name the file of the private key, which only this program has; the public one is for the DNS.';
    throw refusalOf(named, 'it is no private key', hint);
  }
  if (/-----BEGIN ENCRYPTED|^Proc-Type:.*ENCRYPTED/m.test(pem))
    throw refusalOf(named, 'it is encrypted', 'Take the passphrase off: openssl pkey -in locked.pem -out s1.pem');
  const privateKey = parse(pem, named);
  const { algorithm, signatureBytes } = kindOf(privateKey, named);
  const publicKey = createPublicKey(privateKey);
  if (!agree(privateKey, publicKey))
    throw refusalOf(named, 'it is damaged: what it signs can not be verified', MAKE_ONE);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const key = createHash('sha256').update(der).digest('hex').slice(0, 12);
  return { identity: { ...named, algorithm, key }, privateKey, signatureBytes };
}

/** The words of the parser are left out: nobody knows what of the key they may quote. */
function parse(pem: string, named: Named): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw refusalOf(named, 'it is no whole private key in PEM (PKCS#8 or PKCS#1)', MAKE_ONE);
  }
}

function kindOf(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
  named: Named,
): Pick<DkimKey, 'signatureBytes'> & Pick<DkimIdentity, 'algorithm'> {
  if (type === 'ed25519') return { algorithm: 'ed25519-sha256', signatureBytes: 64 };
  if (type !== 'rsa') throw refusalOf(named, `it is of the kind ${type}`, 'DKIM has RSA and Ed25519.');
  const bits = details?.modulusLength ?? 0;
  if (bits < RSA_BITS.least || bits > RSA_BITS.most) {
    const allowed = `Allowed are ${RSA_BITS.least} to ${RSA_BITS.most} bits; 2048 is what most have.`;
    throw refusalOf(named, `it is of RSA with ${bits} bits`, allowed);
  }
  return { algorithm: 'rsa-sha256', signatureBytes: Math.ceil(bits / 8) };
}

/** A key with a wrong digit may parse, and sign what nobody can verify. */
function agree(privateKey: KeyObject, publicKey: KeyObject): boolean {
  const hash = privateKey.asymmetricKeyType === 'rsa' ? 'sha256' : null;
  const probe = Buffer.from('fanmail');
  try {
    return verify(hash, probe, publicKey, sign(hash, probe, privateKey));
  } catch {
    return false;
  }
}

function nameOf({ domain, selector }: Named): string {
  return `${domain}:${selector}`;
}

function refusalOf(named: Named, what: string, hint: string): FanmailError {
  return refusal(`${nameOf(named)}: ${what}`, hint);
}

function refusal(what: string, hint = `Write ${FORM}.`): FanmailError {
  return new FanmailError('DKIM_KEY', `The DKIM keys can't be used: ${what}.`, { hint });
}
