import fc from 'fast-check';
import { type ParsedMail, simpleParser } from 'mailparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import { describe, expect, it } from 'vitest';
import { messageIdOf } from '../../src/domain/message-id.js';
import { type ComposerOptions, createComposer } from '../../src/message/composer.js';
import { parseSender } from '../../src/message/sender.js';
import { compileTemplate, fixedParts, oneLine } from '../../src/message/template.js';
import type { Message } from '../../src/pipeline/relay-ports.js';
import { expectDotless } from '../support/dotless.js';

interface Content {
  readonly subject: string;
  readonly text: string | null;
  readonly html: string | null;
}

const TEMPLATES = {
  both: { text: '{{text}}', html: '{{{html}}}' },
  text: { text: '{{text}}', html: null },
  // One that has HTML alone gets a text from it: this one has none, through a template made by hand.
};

function compose(content: Content, options: Partial<ComposerOptions> = {}, address = 'reader@example.org'): Message {
  const parts = content.html === null ? TEMPLATES.text : TEMPLATES.both;
  const template = compileTemplate({ name: 'test', subject: '{{subject}}', digest: '', ...parts });
  const composer = createComposer({
    template: content.text === null ? fixedParts(content) : template,
    from: 'Example News <news@example.com>',
    replyTo: null,
    campaignId: 'spring',
    salt: 'salt',
    ...options,
  });
  return expectDotless(composer.compose({ line: 2, address, variables: { ...content } }));
}

/** Characters that are special somewhere in a message, among all others. */
const pieces = fc.oneof(
  fc.constantFrom(
    '\n',
    '\r',
    '\r\n',
    '\0',
    ' ',
    '  \n',
    '\t',
    '=',
    '=?',
    '?=',
    '=20',
    '.',
    '\n.\n',
    '--',
    '\n--=_',
    'From ',
  ),
  fc.constantFrom('ü', '漢字', '😀', '👩‍👩‍👧', 'e\u0301', '\u2028', '\u00a0', '\ufeff', '=?UTF-8?B?Zm9v?='),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 100 }),
  fc.nat(1200).map((n) => 'long'.repeat(n / 4)),
);
const texts = fc.array(pieces, { maxLength: 10 }).map((all) => all.join(''));
const words = fc.array(fc.oneof(pieces, fc.constant(' ')), { maxLength: 10 }).map((all) => all.join(''));
const html = texts.map((text) => `<p>${text}</p>`);
const contents = fc.record({ subject: words, text: texts, html });
const names = words.map((text) => parseableName(text)).filter((name) => name !== '');

/** A name as a sender may have it; 150 characters of it are enough. */
function parseableName(text: string): string {
  const name = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, '').replace(/\s+/g, ' ');
  return [...name.trim()].slice(0, 150).join('').trim();
}

/** A part with values in it, and what it is when they are filled in. */
const filled = fc
  .array(
    fc.oneof(
      texts.map((text) => text.replace(/[{}\0]/g, '')),
      fc.nat(3).map((n) => n),
    ),
    { maxLength: 12 },
  )
  .chain((all) => fc.record({ all: fc.constant(all), values: fc.array(texts, { minLength: 4, maxLength: 4 }) }))
  .map(({ all, values }) => ({
    // A backslash before {{ would escape it.
    template: all.map((one) => (typeof one === 'number' ? `{{{v${one}}}}` : one.replace(/\\$/, ''))).join(''),
    text: all.map((one) => (typeof one === 'number' ? values[one] : one.replace(/\\$/, ''))).join(''),
    variables: Object.fromEntries(values.map((value, n) => [`v${n}`, value])),
  }));

/** What a subject becomes on its one line. */
const asSubject = (text: string) => text.replace(/[ \p{Cc}\u2028\u2029]+/gu, ' ').trim();
/** Line ends, and the last of them, are what a mail can't keep. */
const asBody = (text: string) => text.replace(/\r\n|\r/g, '\n').replace(/\n+$/, '');

function headerLines(content: Buffer): string[] {
  const text = content.toString('latin1');
  return text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
}

const addressesOf = (field: ParsedMail['from'] | ParsedMail['to']) => [field].flat().flatMap((one) => one?.value ?? []);

describe('a composed message', () => {
  it('holds an address outside ASCII as it is, in UTF-8, and parses to it', async () => {
    const content = { subject: 'Hello', text: 'Hello', html: '<p>Hello</p>' };
    for (const address of ['jörg@example.org', '例え@example.jp', `${'é'.repeat(32)}@${'d'.repeat(60)}.example`]) {
      const message = compose(content, {}, address);
      expect(message.to).toBe(address);
      expect(message.content.includes(Buffer.from(address, 'utf8'))).toBe(true);
      expect(addressesOf((await simpleParser(message.content)).to).map((one) => one.address)).toEqual([address]);
      expect(headerLines(message.content).filter((line) => line.length > 998)).toEqual([]);
    }
  });

  it.each(['Hi', 'Hi é', '\u00a0Hi', 'Hi é\ufeff', ' Hi', 'Hi ', 'a  é', 'a\té', 'a\u2028b', 'a\u00a0\u00a0b', ''])(
    'has its subject %j on one line, without blanks around it',
    (subject) => expect(oneLine(subject)).toBe(asSubject(subject)),
  );

  it('has the same headers, text and HTML as what Nodemailer composes', async () => {
    await fc.assert(
      fc.asyncProperty(contents, names, names, async (content, name, replyName) => {
        const quoted = (text: string) => parseSender(`"${text.replace(/["\\]/g, '\\$&')}" <n@example.com>`).header;
        const ours = compose(content, { from: quoted(name), replyTo: quoted(replyName) });
        const theirs = await new MailComposer({
          from: { name, address: 'n@example.com' },
          to: 'reader@example.org',
          replyTo: { name: replyName, address: 'n@example.com' },
          subject: asSubject(content.subject),
          messageId: ours.messageId,
          // Nodemailer passes a lone CR on.
          text: asBody(content.text),
          html: asBody(content.html),
        })
          .compile()
          .build();
        const [a, b] = [await simpleParser(ours.content), await simpleParser(theirs)];
        expect(addressesOf(a.from)).toEqual([{ name, address: 'n@example.com' }]);
        expect(addressesOf(a.to)).toEqual(addressesOf(b.to));
        expect(a.messageId).toBe(b.messageId);
        // Nodemailer passes on what looks like an encoded word, so that it reads as another text.
        if (!name.includes('=?')) expect(addressesOf(a.from)).toEqual(addressesOf(b.from));
        if (!replyName.includes('=?')) expect(addressesOf(a.replyTo)).toEqual(addressesOf(b.replyTo));
        if (!content.subject.includes('=?')) expect(a.subject ?? '').toBe(b.subject ?? '');
        expect(a.subject ?? '').toBe(asSubject(content.subject));
        // Nodemailer leaves out an empty text, and the parser then makes one.
        if (asBody(content.text) !== '') expect(asBody(a.text ?? '')).toBe(asBody(b.text ?? ''));
        expect(asBody(a.html || '')).toBe(asBody(b.html || ''));
        expect(asBody(a.text ?? '')).toBe(asBody(content.text));
        expect(asBody(a.html || '')).toBe(asBody(content.html));
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  it('with values between texts is the same as what Nodemailer composes of the whole', async () => {
    const small = filled.map((one) => ({ ...one, blow: 0 }));
    const large = fc
      .record({ one: filled, blow: fc.integer({ min: 90_000, max: 110_000 }) })
      .map(({ one, blow }) => ({ ...one, blow }));
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: small }, { weight: 1, arbitrary: large }), async (made) => {
        const static_ = 'Grüße aus Lyon. '.repeat(made.blow / 16);
        const part = (escaped: boolean) => `${escaped ? '<p>' : ''}${static_}${made.template}`;
        const template = compileTemplate({ name: 't', subject: 's', html: part(true), text: part(false), digest: '' });
        const composer = createComposer({ template, from: 'a@x.test', replyTo: null, campaignId: 'c', salt: 's' });
        const ours = await simpleParser(
          expectDotless(composer.compose({ line: 2, address: 'b@x.test', variables: made.variables })).content,
          { skipTextToHtml: true },
        );
        const [text, html] = [asBody(static_ + made.text), asBody(`<p>${static_}${made.text}`)];
        const theirs = await new MailComposer({ from: 'a@x.test', to: 'b@x.test', subject: 's', text, html })
          .compile()
          .build();
        const other = await simpleParser(theirs, { skipTextToHtml: true });
        expect([asBody(ours.text ?? ''), asBody(ours.html || '')]).toEqual([text, html]);
        if (text !== '') expect([asBody(other.text ?? ''), asBody(other.html || '')]).toEqual([text, html]);
      }),
      { numRuns: 200 },
    );
  }, 120_000);

  it('has one part where the template has one', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async ({ subject, text, html }) => {
        const plain = await simpleParser(compose({ subject, text, html: null }).content);
        expect([asBody(plain.text ?? ''), plain.html]).toEqual([asBody(text), false]);
        const rich = await simpleParser(compose({ subject: '', text: null, html }).content);
        expect(asBody(rich.html || '')).toBe(asBody(html));
        expect(rich.headers.get('content-type')).toMatchObject({ value: 'text/html' });
      }),
    );
  }, 60_000);

  it('keeps to the form of RFC 5322 and 2045, whatever variables hold', () => {
    fc.assert(
      fc.property(contents, (content) => {
        const message = compose(content).content.toString('latin1');
        expect(message).toMatch(/^[\t\r\n\x20-\x7e]*$/);
        expect(message.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        expect(message.endsWith('\r\n')).toBe(true);
        for (const line of message.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
        const lines = headerLines(Buffer.from(message, 'latin1'));
        for (const line of lines) {
          expect(line.length).toBeLessThanOrEqual(76);
          expect(line.trim()).not.toBe('');
        }
        for (const word of lines.join('\n').match(/=\?\S+\?=/g) ?? []) expect(word.length).toBeLessThanOrEqual(75);
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  it('has no header but its own, whatever variables hold', () => {
    const own = ['from', 'to', 'reply-to', 'subject', 'date', 'message-id', 'mime-version', 'content-type'];
    const attack = fc
      .constantFrom('\r\n', '\n', '\r', '\u2028', '\x0b', '\x85')
      .map((end) => `x${end}Bcc: v@x.y${end}${end}body`);
    fc.assert(
      fc.property(fc.oneof(attack, texts), texts, (subject, text) => {
        const { content } = compose({ subject, text, html: '<p>' }, { replyTo: 'r@example.com' });
        const names = headerLines(content)
          .filter((line) => !line.startsWith(' '))
          .map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
        expect(names).toEqual(own);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('never splits a character between encoded words', () => {
    fc.assert(
      fc.property(words, (subject) => {
        const header = headerLines(compose({ subject, text: '', html: null }).content).join('\r\n');
        for (const [, base64 = ''] of header.matchAll(/=\?UTF-8\?B\?([^?]*)\?=/g)) {
          expect(() => new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'))).not.toThrow();
        }
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  it('is the same for one second and has its Date', async () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const { content } = compose({ subject: 's', text: 't', html: null });
    const line = headerLines(content).find((one) => one.startsWith('Date: '));
    expect(line).toMatch(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/);
    const date = (await simpleParser(content)).date?.getTime() ?? 0;
    expect(date).toBeGreaterThanOrEqual(before);
    expect(date).toBeLessThanOrEqual(Date.now());
  });

  it('encodes nothing where nothing needs it, and each part for itself', () => {
    const encodings = (content: Content) =>
      [
        ...compose(content)
          .content.toString('latin1')
          .matchAll(/Transfer-Encoding: (\S+)/g),
      ].map(([, name]) => name);
    expect(encodings({ subject: '', text: 'a', html: '<p>' })).toEqual(['7bit', '7bit']);
    expect(encodings({ subject: '', text: 'a', html: '<p>ü' })).toEqual(['7bit', 'quoted-printable']);
    expect(encodings({ subject: '', text: 'x'.repeat(999), html: '<p>' })).toEqual(['quoted-printable', '7bit']);
  });

  it('holds its boundary nowhere but at its parts', async () => {
    const id = messageIdOf('spring', 'salt', 'example.com', 'reader@example.org').slice(1, 23);
    const text = `a\n--=_${id}--\n--=_${id}\nContent-Type: text/html\n\nb`;
    const { content } = compose({ subject: 's', text, html: text });
    expect(content.toString('latin1').split(`--=_${id}`)).toHaveLength(4);
    const parsed = await simpleParser(content);
    expect([asBody(parsed.text ?? ''), asBody(parsed.html || '')]).toEqual([text, text]);
  });

  it('folds ASCII headers between words, without encoding them', () => {
    const word = fc.stringMatching(/^[a-z,.!]{1,60}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 66 }), (all, length) => {
        const subject = all.join(' ');
        const from = `${'n'.repeat(length)} <${'a'.repeat(40)}@${'b'.repeat(20)}.example>`;
        const lines = headerLines(compose({ subject, text: '', html: null }, { from }).content);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(76);
        const unfolded = lines.join('\r\n').replaceAll('\r\n ', ' ');
        expect(unfolded).toContain(`Subject: ${subject}\r\n`);
        expect(unfolded).toContain(`From: ${from}\r\n`);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('folds long addresses and quotes names that need it', () => {
    const address = `${'a'.repeat(60)}@${'b'.repeat(30)}.example`;
    const lines = headerLines(
      compose({ subject: '', text: '', html: null }, { from: '"Doe, J." <j@x.test>' }, address).content,
    );
    expect(lines.slice(0, 3)).toEqual(['From: "Doe, J." <j@x.test>', 'To:', ` ${address}`]);
  });

  it('composes one message after the other, of any size', () => {
    const template = compileTemplate({ name: 't', subject: 's', text: '{{x}}', html: null, digest: '' });
    const composer = createComposer({ template, from: 'a@x.test', replyTo: null, campaignId: 'c', salt: 's' });
    const sizes = [1, 300_000, 5, 0, 70_000];
    const messages = sizes.map((size) =>
      composer.compose({ line: 1, address: 'b@x.test', variables: { x: 'ü'.repeat(size) } }),
    );
    for (const [index, size] of sizes.entries()) {
      expect(messages[index]?.content.toString().match(/=C3=BC|=C3=\r\n=BC|=C3=BC/g) ?? []).toHaveLength(size);
    }
  });

  it('leaves every message as it was when others follow', () => {
    const template = compileTemplate({ name: 't', subject: 's', text: 'a{{x}}', html: '<p>ü{{x}}', digest: '' });
    const size = fc.oneof(fc.nat(3_000), fc.constantFrom(5_000, 7_000, 20_000, 70_000));
    fc.assert(
      fc.property(fc.array(size, { maxLength: 40 }), (sizes) => {
        const composer = createComposer({ template, from: 'a@x.test', replyTo: null, campaignId: 'c', salt: 's' });
        const messages = sizes.map((length, n) => {
          const address = `r${n}@x.test`;
          const { content } = composer.compose({ line: n, address, variables: { x: 'x'.repeat(length) } });
          return { content, address, length, copy: Buffer.from(content) };
        });
        for (const { content, copy, address, length } of messages) {
          expect(content.equals(copy)).toBe(true);
          const text = content.toString('latin1');
          expect(text).toContain(`\r\nTo: ${address}\r\n`);
          expect(text.split('--=_')).toHaveLength(4);
          expect(text.match(/x/g)?.length).toBeGreaterThanOrEqual(2 * length);
        }
      }),
      { numRuns: 50 },
    );
  }, 60_000);

  it('leaves nothing behind when the template fails on a recipient', () => {
    const template = compileTemplate({ name: 't', subject: 's', text: '{{x}}', html: null, digest: '' });
    const composer = createComposer({ template, from: 'a@x.test', replyTo: null, campaignId: 'c', salt: 's' });
    expect(() => composer.compose({ line: 1, address: 'b@x.test', variables: {} })).toThrow(/\{\{x\}\}/);
    const { content } = composer.compose({ line: 2, address: 'b@x.test', variables: { x: 'y' } });
    expect(content.toString().match(/^From:/gm)).toHaveLength(1);
  });
});

describe('the envelope and the Message-ID', () => {
  it('come without and with angle brackets, and are the same at every attempt', () => {
    const first = compose({ subject: 'a', text: 'b', html: null });
    const second = compose({ subject: 'c', text: 'd', html: '<p>' });
    expect(first).toMatchObject({ from: 'news@example.com', to: 'reader@example.org' });
    expect(first.messageId).toMatch(/^<[\w-]{22}@example\.com>$/);
    expect(second.messageId).toBe(first.messageId);
    expect(headerLines(first.content)).toContain(`Message-ID: ${first.messageId}`);
    expect(first.messageId).toBe(messageIdOf('spring', 'salt', 'example.com', 'reader@example.org'));
  });

  it('differ by campaign, salt and address, and where those touch', () => {
    const ids = [
      ['a', 's', 'x@y.z'],
      ['b', 's', 'x@y.z'],
      ['a', 't', 'x@y.z'],
      ['a', 's', 'w@y.z'],
      ['ab', 's', 'c@y.z'],
      ['a', 's', 'bc@y.z'],
    ].map(([campaign = '', salt = '', address = '']) => messageIdOf(campaign, salt, 'x.test', address));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
