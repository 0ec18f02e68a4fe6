import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { type ComposerOptions, createComposer } from '../../src/message/composer.js';
import { relaxedBody, relaxedFields } from '../../src/message/dkim-canonical.js';
import { DkimSigner } from '../../src/message/dkim-signer.js';
import { compileTemplate } from '../../src/message/template.js';
import type { Message } from '../../src/pipeline/relay-ports.js';
import { BOTH, ED25519, keysOf, newKey, verdicts } from '../support/dkim.js';
import { expectDotless } from '../support/dotless.js';

const SIGNER = new DkimSigner(keysOf(BOTH));
const PASSES = ['s1 rsa-sha256 pass', 's2 ed25519-sha256 pass'];

interface Content {
  readonly subject?: string;
  readonly text?: string | null;
  readonly html?: string | null;
}

function composerOf(content: Content, options: Partial<ComposerOptions> = {}) {
  const { subject = 'Hello', text = 'Hello\n', html = null } = content;
  const parts = { text: text === null ? null : '{{{text}}}', html: html === null ? null : '{{{html}}}' };
  const template = compileTemplate({ name: 'test', subject: '{{{subject}}}', digest: '', ...parts });
  const composer = createComposer({
    ...{ template, from: 'Example News <news@example.com>', replyTo: null, campaignId: 'spring', salt: 'salt' },
    ...{ signer: SIGNER, ...options },
  });
  return (address = 'reader@example.org'): Message =>
    composer.compose({ line: 2, address, variables: { subject, text: text ?? '', html: html ?? '' } });
}

async function signed(content: Content, options: Partial<ComposerOptions> = {}, address?: string): Promise<Buffer> {
  const message = composerOf(content, options)(address);
  await message.signed;
  return expectDotless(message).content;
}

const headersOf = (message: Buffer) => message.toString('latin1').split('\r\n\r\n')[0] ?? '';

describe('a signed message', () => {
  it.each<[string, Content, Partial<ComposerOptions>?, string?]>([
    ['of text', { text: 'Hello,\nyou.\n' }],
    ['of text and HTML', { text: 'Hello\n', html: '<p>Hello</p>\n' }],
    ['with no text at all', { text: '' }],
    ['of nothing but empty lines', { text: '\n\n\n' }],
    ['of nothing but blanks', { text: '  \n\t\n ' }],
    ['with blanks at the end of lines', { text: 'one  \ntwo\t\n \n  three' }],
    ['with empty lines at its end', { text: 'one\n\n\n\n', html: '<p>one</p>\n\n \n' }],
    ['with runs of blanks and tabs', { text: 'a  b \t c\n\t\td\n', html: '<p>\n\t<b>  x </b>\n</p>' }],
    ['that is quoted-printable', { text: 'Größe  \n=20 déjà vu \n', html: `<p>${'ü'.repeat(300)}</p>` }],
    ['with dots and hyphens at the start of lines', { text: '.\n..\n--=_x\n.a\n' }],
    ['with a long subject, which is folded', { subject: 'word '.repeat(40) }],
    ['with a long subject in encoded words', { subject: `Größe ${'ü'.repeat(200)}` }],
    ['with an empty subject', { subject: '' }],
    ['with runs of blanks in its subject', { subject: `a${' '.repeat(90)}b` }],
    ['to an address outside ASCII', {}, {}, 'jörg@example.org'],
    ['to an address of many scripts', {}, {}, '例えß@例え.jp'],
    ['to an address too long for the line', {}, {}, `${'a'.repeat(64)}@${'b'.repeat(60)}.example.org`],
    ['with Reply-To', {}, { replyTo: 'Größe Büro <office@example.com>' }],
    ['from a long name, which is folded', {}, { from: `"${'Ünï '.repeat(30)}x" <news@example.com>` }],
    ['of 200 kB', { text: 'line of it  \n'.repeat(8_000), html: `<p>${'ü'.repeat(10_000)}</p>` }],
  ])('%s is verified by mailauth', async (_name, content, options = {}, address = undefined) => {
    expect(await verdicts(await signed(content, options, address))).toEqual(PASSES);
  });

  it('is verified by mailauth, whatever it holds', async () => {
    const blanks = fc.constantFrom(
      ' ',
      '  ',
      '\t',
      '\n',
      '\r\n',
      '\r',
      ' \n',
      '\n\n',
      '\0',
      '\u00a0',
      '\u0085',
      '.',
      'ü',
      '=',
    );
    const texts = fc
      .array(fc.oneof(blanks, fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), { maxLength: 12 })
      .map((all) => all.join(''));
    const ed25519 = new DkimSigner(keysOf(`example.com:s2=${ED25519.pem}`));
    await fc.assert(
      fc.asyncProperty(texts, texts, fc.option(texts), async (subject, text, html) => {
        const message = await signed({ subject, text, html }, { signer: ed25519 });
        expect(await verdicts(message)).toEqual(['s2 ed25519-sha256 pass']);
      }),
      { numRuns: 300 },
    );
  });

  it('holds the same as one that is not signed', async () => {
    const content = { subject: 'Größe', text: 'Hello  \n\n', html: '<p>Hello</p>' };
    const unsigned = composerOf(content, { signer: null })().content.toString('latin1');
    const text = (await signed(content)).toString('latin1');
    expect(text.endsWith(unsigned)).toBe(true);
    const before = text.slice(0, -unsigned.length);
    expect(before.match(/^[A-Za-z-]+:/gm)).toEqual(['DKIM-Signature:', 'DKIM-Signature:']);
    expect(before.endsWith('\r\n')).toBe(true);
  });

  it('signs From twice, so that nobody adds another one, and each other header that it has', async () => {
    const text = headersOf(await signed({ html: '<p>Hello</p>' }, { replyTo: 'office@example.com' }));
    const [, listed = ''] = /; ?h=([^;]*);/.exec(text.replace(/\r\n[ \t]+/g, '')) ?? [];
    expect(listed.split(':')).toEqual(
      'from from to subject date message-id reply-to mime-version content-type'.split(' '),
    );
    const second = text.replace(/^From: /m, 'From: <phisher@example.net>\r\nFrom: ');
    expect(await verdicts(Buffer.from(`${second}\r\n\r\nHello\r\n`, 'latin1'))).not.toContain(PASSES[0]);
  });

  it('says the time of its signature, and has short lines', async () => {
    const since = Math.floor(Date.now() / 1000);
    const text = headersOf(await signed({}, { replyTo: 'office@example.com' }));
    for (const [, time] of text.matchAll(/ t=(\d+);/g)) {
      expect(Number(time)).toBeGreaterThanOrEqual(since);
      expect(Number(time)).toBeLessThanOrEqual(Date.now() / 1000);
    }
    expect(text.split('\r\n').filter((line) => line.length > 78)).toEqual([]);
  });

  it('keeps what RFC 5322 allows for a line where names are long', async () => {
    const domain = `${'d'.repeat(63)}.${'e'.repeat(63)}.${'f'.repeat(50)}.example`;
    const key = newKey('ed25519');
    const signer = new DkimSigner(keysOf(`${domain}:${'s'.repeat(40)}=${key.pem}`));
    const message = await signed({}, { signer });
    expect(await verdicts(message, { [`${'s'.repeat(40)}._domainkey.${domain}`]: key.record })).toEqual([
      `${'s'.repeat(40)} ed25519-sha256 pass`,
    ]);
    expect(
      Math.max(
        ...headersOf(message)
          .split('\r\n')
          .map((line) => line.length),
      ),
    ).toBeLessThan(998);
  });

  it.each([1024, 1536, 2047, 3072, 4096])('is verified with RSA of %d bits', async (bits) => {
    const key = newKey('rsa', bits);
    const signer = new DkimSigner(keysOf(`example.com:s1=${key.pem}`));
    expect(await verdicts(await signed({}, { signer }), { 's1._domainkey.example.com': key.record })).toEqual([
      's1 rsa-sha256 pass',
    ]);
  });

  it('fails where any byte of a signed header or of the body is another one', async () => {
    const message = await signed({ subject: 'Hello', text: 'Hello,\nyou.\n' }, { replyTo: 'office@example.com' });
    const text = message.toString('latin1');
    const start = text.indexOf('From: ');
    const survived: string[] = [];
    for (let at = start; at < message.length; at++) {
      const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
      // A line end that is none any more is another message; the names of headers may be in any case.
      if (/[\r\n]/.test(text[at] ?? '')) continue;
      const changed = Buffer.from(message);
      changed[at] = text[at] === 'x' ? 121 : 120;
      if ((await verdicts(changed)).some((verdict) => / pass$/.test(verdict))) survived.push(`${line}|${text[at]}`);
    }
    expect(survived).toEqual([]);
  });

  it('is still verified where a relay folds headers anew, takes blanks off lines and adds empty ones', async () => {
    const message = await signed({ subject: 'one two three', text: 'Hello, \t you. \nMore  of it.\n' });
    const changed = message
      .toString('latin1')
      .replace('Subject: one two', 'SUBJECT:  one\r\n\ttwo')
      .replace('you. \r\n', 'you.\r\n')
      .replace('More  of it.', 'More of it. ');
    expect(changed).not.toBe(message.toString('latin1'));
    expect(await verdicts(Buffer.from(`${changed}\r\n\r\n`, 'latin1'))).toEqual(PASSES);
  });

  it('is not verified with the key of somebody else', async () => {
    const other = {
      's1._domainkey.example.com': newKey('rsa').record,
      's2._domainkey.example.com': newKey('ed25519').record,
    };
    expect(await verdicts(await signed({}), other)).toEqual([
      's1 rsa-sha256 fail bad signature',
      's2 ed25519-sha256 fail bad signature',
    ]);
  });

  it('parses as before', async () => {
    const { subject, text, from } = await simpleParser(await signed({ subject: 'Größe', text: 'Hello\n' }));
    expect([subject, text, from?.text]).toEqual(['Größe', 'Hello\n', '"Example News" <news@example.com>']);
  });
});

describe('signing', () => {
  it('is verified for each of many messages that are under way at a time', async () => {
    const compose = composerOf({ text: 'Hello\n', html: '<p>Hello</p>' });
    const messages = Array.from({ length: 60 }, (_, n) => compose(`reader${n}@example.org`));
    await Promise.all(messages.map(({ signed: done }) => done));
    for (const { content } of messages) expect(await verdicts(content)).toEqual(PASSES);
  });

  it('is there at once with Ed25519 alone: nobody waits', async () => {
    const signer = new DkimSigner(keysOf(`example.com:s2=${ED25519.pem}`));
    const message = composerOf({}, { signer })();
    expect('signed' in message).toBe(false);
    expect(await verdicts(message.content)).toEqual(['s2 ed25519-sha256 pass']);
  });

  it('is done with RSA for all messages of a turn of the event loop together', async () => {
    const compose = composerOf({});
    const messages = Array.from({ length: 20 }, (_, n) => compose(`reader${n}@example.org`));
    await messages[0]?.signed;
    // As they are now: what comes later would come too late.
    const contents = messages.map(({ content }) => Buffer.from(content));
    for (const content of contents) expect(await verdicts(content)).toEqual(PASSES);
  });

  it('leaves alone the bytes of a message that was done with before it was signed', async () => {
    const message = composerOf({})();
    const before = Buffer.from(message.content);
    message.handedOver?.();
    await message.signed;
    expect(message.content.equals(before)).toBe(true);
  });

  it('uses the memory of messages again that were signed and handed over', async () => {
    const compose = composerOf({ text: 'x'.repeat(5_000) });
    const memory = new Set<ArrayBufferLike>();
    for (let n = 0; n < 100; n++) {
      const message = compose(`reader${n}@example.org`);
      memory.add(message.content.buffer);
      await message.signed;
      expect(message.content.toString('latin1')).toMatch(/^DKIM-Signature: [\s\S]* b=[A-Za-z0-9+/]{72}\r\n /);
      message.handedOver?.();
    }
    expect(memory.size).toBe(1);
  });

  it('that fails is told to whoever waits for it, and breaks nobody who does not', async () => {
    const [key] = keysOf(`example.com:s1=${newKey('ed25519').pem}`);
    if (!key) throw new Error('no key');
    // Ed25519 signs no hash that OpenSSL makes: it refuses.
    const wrong = { ...key, identity: { ...key.identity, algorithm: 'rsa-sha256' as const } };
    const message = composerOf({}, { signer: new DkimSigner([wrong]) })();
    await new Promise(setImmediate);
    await expect(message.signed).rejects.toThrow();
  });

  it('costs nothing where there is no key: no promise, and no byte', () => {
    const message = composerOf({}, { signer: null })();
    expect('signed' in message).toBe(false);
    expect(message.content.toString('latin1').startsWith('From: ')).toBe(true);
  });
});

describe('the canonical headers', () => {
  it.each([
    ['A: X ', 'a', 'X'],
    ['B : Y\t\r\n\tZ  ', 'b', 'Y Z'],
    ['Subject:', 'subject', ''],
    ['Subject:  \r\n  a:b', 'subject', 'a:b'],
    // Bytes of UTF-8 that are blanks to JavaScript, and none to the RFC.
    ['To: \u00c3\u00a0\u00c2\u0085@x\u00c3\u00a0', 'to', '\u00c3\u00a0\u00c2\u0085@x\u00c3\u00a0'],
  ])('of %j are %j with %j (RFC 6376 3.4.2, 3.4.5)', (header, name, value) => {
    expect([...relaxedFields(`${header}\r\nX: y`)]).toEqual([
      [name, value],
      ['x', 'y'],
    ]);
  });
});

describe('the canonical body', () => {
  it.each([
    ['\r\n', ''],
    ['', ''],
    ['a\r\n', 'a\r\n'],
    ['a \t\r\n\r\n \r\n', 'a\r\n'],
    ['\r\n\r\na\r\n', '\r\n\r\na\r\n'],
    [' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'],
    ['a\tb\r\n', 'a b\r\n'],
  ])('of %j is %j (RFC 6376 3.4.4, 3.4.5)', (body, canonical) => {
    expect(relaxedBody(Buffer.from(`head${body}`), 4).toString()).toBe(canonical);
  });
});
