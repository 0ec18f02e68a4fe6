import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FanmailError } from '../../src/domain/errors.js';
import { readDkimKeys } from '../../src/message/dkim-keys.js';
import { ED25519, newKey, pemOf, RSA } from '../support/dkim.js';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'fm-dkim-'));
  writeFileSync(join(cwd, 's1.pem'), RSA.pem);
  writeFileSync(join(cwd, 's2.pem'), ED25519.pem);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const read = (text: string) => readDkimKeys(text, cwd);
const namesOf = (text: string) => read(text).map(({ identity: { domain, selector } }) => `${domain}:${selector}`);
const pkcs1 = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

function refusal(text: string): FanmailError {
  try {
    read(text);
  } catch (error) {
    if (error instanceof FanmailError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('DKIM keys', () => {
  it('are read from files, with what others may know of them', () => {
    const [rsa, ed25519] = read('example.com:s1=./s1.pem Example.COM:S2=s2.pem');
    expect(rsa?.identity).toEqual({
      ...{ domain: 'example.com', selector: 's1', algorithm: 'rsa-sha256' },
      key: expect.stringMatching(/^[0-9a-f]{12}$/),
    });
    expect(ed25519?.identity).toMatchObject({ domain: 'example.com', selector: 's2', algorithm: 'ed25519-sha256' });
    expect(rsa?.identity.key).not.toBe(ed25519?.identity.key);
    expect([rsa?.signatureBytes, ed25519?.signatureBytes]).toEqual([256, 64]);
  });

  it.each([
    ['blanks', 'a.com:s1=s1.pem b.com:s1=s2.pem'],
    ['commas', 'a.com:s1=s1.pem,b.com:s1=s2.pem'],
    ['lines', '\n a.com:s1=s1.pem\n\tb.com:s1=s2.pem\n'],
  ])('may be several, with %s between', (_name, text) => {
    expect(namesOf(text)).toEqual(['a.com:s1', 'b.com:s1']);
  });

  it('are the same from PKCS#8 and PKCS#1, from a file, as text, and as text with its line ends written out', () => {
    const key = (text: string) => read(text)[0]?.identity.key;
    const file = key('a.com:s1=s1.pem');
    expect(key(`a.com:s1=${RSA.pem}`)).toBe(file);
    expect(key(`a.com:s1=${RSA.pem.replaceAll('\n', '\\n')}`)).toBe(file);
    expect(key(`a.com:s1=${RSA.pem.replaceAll('\n', '\r\n')}`)).toBe(file);
    expect(key(`a.com:s1=${pkcs1()}`)).toMatch(/^[0-9a-f]{12}$/);
    expect(namesOf(`a.com:s1=${RSA.pem} b.com:x.y=${ED25519.pem}`)).toEqual(['a.com:s1', 'b.com:x.y']);
  });

  it('may lie in a folder with blanks in its name, and be of a domain that is not ASCII', () => {
    mkdirSync(join(cwd, 'my keys'));
    writeFileSync(join(cwd, 'my keys/s1.pem'), ED25519.pem);
    expect(namesOf('grüße.example:s1=my keys/s1.pem a.com:s1=s1.pem')).toEqual([
      'xn--gre-6ka8l.example:s1',
      'a.com:s1',
    ]);
  });

  it('show nothing of themselves', () => {
    const [key] = read(`a.com:s1=${ED25519.pem}`);
    const secret = ED25519.pem.split('\n')[1] ?? '';
    for (const shown of [JSON.stringify(key), inspect(key, { depth: 9, showHidden: true })])
      expect(shown).not.toContain(secret.slice(20, 40));
  });
});

describe('a DKIM key', () => {
  const other = (type: 'ec' | 'rsa-pss' | 'x25519') =>
    pemOf(
      type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
        : type === 'x25519'
          ? generateKeyPairSync('x25519').privateKey
          : generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
    );
  const locked = (type: 'pkcs8' | 'pkcs1') =>
    generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();
  const publicPem = () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  /** One digit in the middle of it is another one: it is still well-formed. */
  const damaged = () => {
    const lines = RSA.pem.split('\n');
    const line = lines[3] ?? '';
    lines[3] = `${line.slice(0, 30)}${line[30] === 'A' ? 'B' : 'A'}${line.slice(31)}`;
    return lines.join('\n');
  };

  it.each<[string, () => string, RegExp]>([
    [
      'is text of any kind',
      () => '-----BEGIN PRIVATE KEY-----\nhello\n-----END PRIVATE KEY-----',
      /no whole private key/,
    ],
    ['is cut off', () => RSA.pem.slice(0, 900), /no whole private key/],
    ['is cut off before its end', () => ED25519.pem.replace(/-----END.*\n/, ''), /no whole private key/],
    ['is empty', () => '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----', /no whole private key/],
    ['has a wrong digit', damaged, /it is damaged/],
    ['is encrypted (PKCS#8)', () => locked('pkcs8'), /it is encrypted/],
    ['is encrypted (PKCS#1)', () => locked('pkcs1'), /it is encrypted/],
    ['is a public one', publicPem, /it is no private key/],
    ['is a certificate', () => '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----', /it is no private key/],
    ['is of an elliptic curve', () => other('ec'), /it is of the kind ec$/],
    ['is of RSA-PSS', () => other('rsa-pss'), /it is of the kind rsa-pss$/],
    ['is for agreement', () => other('x25519'), /it is of the kind x25519$/],
    ['is of 512 bits', () => newKey('rsa', 512).pem, /it is of RSA with 512 bits$/],
    ['is of 1023 bits', () => newKey('rsa', 1023).pem, /it is of RSA with 1023 bits$/],
    ['is of 4104 bits', () => newKey('rsa', 4104).pem, /it is of RSA with 4104 bits$/],
  ])('that %s is refused, in a file and as text', (_name, make, why) => {
    const pem = make();
    writeFileSync(join(cwd, 'bad.pem'), pem);
    for (const value of ['bad.pem', pem]) {
      const { code, message, hint } = refusal(`a.com:s1=s1.pem example.com:s9=${value}`);
      expect(code).toBe('DKIM_KEY');
      expect(message).toContain('example.com:s9: ');
      expect(message.replace(/\.$/, '')).toMatch(why);
      expect(hint).toMatch(/\S/);
    }
  });

  it.each([
    ['whose file is not there', 'a.com:s1=./none.pem', "a.com:s1: its file ./none.pem can't be read (ENOENT)"],
    ['whose file is a folder', 'a.com:s1=.', 'a.com:s1: its file . is no regular file'],
    ['whose file is a pipe', 'a.com:s1=/dev/null', 'a.com:s1: its file /dev/null is no regular file'],
    ['whose path has a NUL', 'a.com:s1=a\0b', "a.com:s1: its file can't be read (ERR_INVALID_ARG_VALUE)"],
    ['without a selector', 'a.com:=s1.pem', 'one has no domain, no selector or no file'],
    ['without a domain', ':s1=s1.pem', 'one has no domain, no selector or no file'],
    ['without a file', 'a.com:s1=', 'one has no domain, no selector or no file'],
    ['of an address', '127.0.0.1:s1=s1.pem', '127.0.0.1 is no domain name'],
    ['of no domain', 'a..com:s1=s1.pem', 'a..com is no domain name'],
    ['of a domain with an underscore', 'a_b.com:s1=s1.pem', 'a_b.com is no domain name'],
    ['with no selector in its place', 'a.com:s_1=s1.pem', 's_1 is no selector'],
    ['with a selector of 64 characters', `a.com:${'s'.repeat(64)}=s1.pem`, 'one is no selector'],
    ['whose selector is there before', 'a.com:s1=s1.pem A.com:S1=s2.pem', 'a.com:s1 stands there twice'],
    [
      'whose name is too long for the DNS',
      `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(63)}.com:${'s'.repeat(60)}=s1.pem`,
      'is longer than the DNS allows',
    ],
    ['beyond the fifth', Array.from({ length: 6 }, (_, n) => `a.com:s${n}=s1.pem`).join(' '), 'there are 6 of them'],
  ])('%s is refused', (_name, text, why) => {
    const { code, message } = refusal(text);
    expect(code).toBe('DKIM_KEY');
    expect(message).toContain(why);
  });

  it('whose file is something else is refused: no key in it, or too large', () => {
    writeFileSync(join(cwd, 'list.csv'), 'email\n');
    expect(refusal('a.com:s1=list.csv').message).toContain('its file list.csv holds no key in PEM');
    writeFileSync(join(cwd, 'large.pem'), `${' '.repeat(70_000)}${RSA.pem}`);
    expect(refusal('a.com:s1=large.pem').message).toContain('its file large.pem is too large for a key');
  });

  it('that is refused is never shown, wherever a part of it stands', () => {
    for (const { pem } of [RSA, ED25519]) {
      const body = pem.split('\n').slice(1, -2).join('');
      const parts = Array.from({ length: body.length - 15 }, (_, at) => body.slice(at, at + 16));
      const pieces = fc.oneof(
        fc.constantFrom(
          'example.com',
          ':',
          's1',
          '=',
          ' ',
          ',',
          '\n',
          '\\n',
          './s1.pem',
          '-----BEGIN PRIVATE KEY-----',
        ),
        fc.constantFrom('-----END PRIVATE KEY-----', 'Proc-Type: 4,ENCRYPTED', pem, body, pem.replaceAll('\n', '')),
        fc.nat(body.length - 40).map((at) => body.slice(at)),
      );
      const texts = fc.tuple(fc.nat(2), fc.array(pieces, { minLength: 1, maxLength: 6 })).map(([place, all]) => {
        const text = all.join('');
        return [`example.com:s1=${text}`, `${text}:s1=./s1.pem`, `example.com:${text}=./s1.pem`][place] ?? '';
      });
      fc.assert(
        fc.property(texts, (text) => {
          let shown = '';
          try {
            read(text);
          } catch (error) {
            shown = inspect(error, { showHidden: true }) + String((error as FanmailError).hint);
          }
          return !parts.some((part) => shown.includes(part));
        }),
        { numRuns: 500 },
      );
    }
  });
});
