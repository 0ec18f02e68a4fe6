import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/domain/recipient.js';
import { openToken, tokensOf } from '../../src/domain/unsubscribe.js';
import { createComposer } from '../../src/message/composer.js';
import { compileTemplate } from '../../src/message/template.js';
import { testUnsubscribing, type Unsubscribing } from '../../src/message/unsubscribe.js';
import type { Message } from '../../src/pipeline/relay-ports.js';
import { expectDotless } from '../support/dotless.js';

const SECRET = randomBytes(32).toString('hex');
const BASE = 'https://news.example.com/u';
const TEXT = { subject: 'Hello', html: null, text: 'Hi' };

function unsubscribing(more: Partial<Unsubscribing> = {}): Unsubscribing {
  return { url: BASE, mailto: 'unsubscribe@example.com', tokenOf: tokensOf(SECRET, 'news'), ...more };
}

function messageOf(
  how: Unsubscribing | null,
  parts: { subject: string; html: string | null; text: string | null } = TEXT,
  variables: Record<string, Value> = {},
  address = 'Ada@example.com',
): Message {
  const template = compileTemplate({ name: 'test', digest: '', ...parts });
  const from = 'News <news@example.com>';
  const composer = createComposer({ template, from, replyTo: null, campaignId: 'c', salt: 's', unsubscribing: how });
  return composer.compose({ line: 1, address, variables });
}

const compose = (...given: Parameters<typeof messageOf>) => messageOf(...given).content.toString('latin1');

/** The header as it stands in the message, with its line breaks. */
function headerOf(message: string, name: string): string | undefined {
  const head = message.slice(0, message.indexOf('\r\n\r\n') + 2);
  return new RegExp(`^${name}:((?:.|\\r\\n )*)\\r\\n`, 'm').exec(head)?.[1];
}

describe('List-Unsubscribe', () => {
  it('is looked through for what could end the message, since its address comes from Redis', () => {
    expectDotless(messageOf(unsubscribing()));
    expect(messageOf(unsubscribing({ url: 'https://x\r\n.\r\nMAIL FROM:<a@b>' })).dotless).toBe(false);
  });

  it('has the link and the mail, each whole on a line, and is understood', async () => {
    const message = compose(unsubscribing());
    const token = tokensOf(SECRET, 'news')('ada@example.com');
    expect(headerOf(message, 'List-Unsubscribe')).toBe(
      `\r\n <${BASE}/${token}>,\r\n <mailto:unsubscribe@example.com?subject=${token}>`,
    );
    expect(headerOf(message, 'List-Unsubscribe-Post')).toBe(' List-Unsubscribe=One-Click');
    const { headers } = await simpleParser(message);
    expect(headers.get('list')).toMatchObject({
      unsubscribe: { url: `${BASE}/${token}`, mail: `unsubscribe@example.com?subject=${token}` },
      'unsubscribe-post': { name: 'List-Unsubscribe=One-Click' },
    });
  });

  it('has no List-Unsubscribe-Post where there is no https', () => {
    const local = compose(unsubscribing({ url: 'http://localhost:8080', mailto: null }));
    expect(headerOf(local, 'List-Unsubscribe')).toMatch(/^\r\n <http:\/\/localhost:8080\/[\w-]{42}>$/);
    expect(local).not.toContain('List-Unsubscribe-Post');
    const mail = compose(unsubscribing({ url: null }));
    expect(headerOf(mail, 'List-Unsubscribe')).toMatch(/^\r\n <mailto:unsubscribe@example.com\?subject=[\w-]{42}>$/);
    expect(mail).not.toContain('List-Unsubscribe-Post');
  });

  it('is not there where nothing was asked for', () => {
    expect(compose(null)).not.toMatch(/unsubscribe/i);
  });

  it('has a mail whose address can be anything that an address can be', async () => {
    const message = compose(unsubscribing({ url: null, mailto: 'a?b&c=d+e%f/g@example.com' }));
    const [, address = ''] = /<mailto:([^?>]*)\?subject=[\w-]+>/.exec(message) ?? [];
    expect(decodeURIComponent(address)).toBe('a?b&c=d+e%f/g@example.com');
    expect(address).toMatch(/^[\w%-]+@example\.com$/);
  });

  it('has lines of 998 characters at most, and breaks in no address, however long they are', () => {
    const topics = fc.option(fc.stringMatching(/^[a-z0-9]{1,64}$/), { nil: null });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 460 }), fc.boolean(), topics, (length, withMail, topic) => {
        const url = `https://example.com/${'x'.repeat(length)}`;
        const tokenOf = tokensOf(SECRET, topic);
        const mailto = withMail ? `${'u'.repeat(64)}@${'d'.repeat(60)}.example.com` : null;
        const header = headerOf(compose({ url, mailto, tokenOf }), 'List-Unsubscribe') ?? '';
        for (const line of `List-Unsubscribe:${header}`.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
        const unfolded = header.replaceAll('\r\n', '').trim();
        const token = tokenOf('ada@example.com');
        const mail = mailto === null ? '' : `, <mailto:${mailto}?subject=${token}>`;
        expect(unfolded).toBe(`<${url}/${token}>${mail}`);
      }),
    );
  });

  it('is the same whenever the message is composed again, and another one for each recipient', () => {
    const [one, again] = [compose(unsubscribing()), compose(unsubscribing())];
    expect(headerOf(again, 'List-Unsubscribe')).toBe(headerOf(one, 'List-Unsubscribe'));
    const other = compose(unsubscribing(), TEXT, {}, 'bob@example.com');
    expect(headerOf(other, 'List-Unsubscribe')).not.toBe(headerOf(one, 'List-Unsubscribe'));
  });

  it('leads to nobody in a test', () => {
    const message = compose(testUnsubscribing(unsubscribing()));
    expect(headerOf(message, 'List-Unsubscribe')).toBe(
      ` <${BASE}/test>,\r\n <mailto:unsubscribe@example.com?subject=test>`,
    );
    expect(testUnsubscribing(null)).toBeNull();
  });
});

describe('{{unsubscribeUrl}}', () => {
  const parts = {
    subject: 'Stop: {{unsubscribeUrl}}',
    html: '<p>{{name}}</p><a href="{{unsubscribeUrl}}">Stop</a>{{#if unsubscribeUrl}}!{{/if}}',
    text: '{{#each names}}{{this}} {{@root.unsubscribeUrl}} {{/each}}{{unsubscribeUrl}}',
  };

  it('is the link of the header, in every part and in blocks', async () => {
    const url = 'https://news.example.com/a&b=c';
    const how = unsubscribing({ url });
    const { subject, html, text } = await simpleParser(compose(how, parts, { name: 'Ada', names: ['a', 'b'] }));
    const link = `${url}/${tokensOf(SECRET, 'news')('ada@example.com')}`;
    expect(subject).toBe(`Stop: ${link}`);
    expect(String(html).trim()).toBe(
      `<p>Ada</p><a href="${link.replace('&', '&amp;').replace('=', '&#x3D;')}">Stop</a>!`,
    );
    expect(text?.trim()).toBe(`a ${link} b ${link} ${link}`);
    expect(openToken(SECRET, link.slice(url.length + 1))?.topic).toBe('news');
  });

  it('is fanmail’s, whatever a row has of that name', async () => {
    const { text } = await simpleParser(
      compose(unsubscribing(), { ...TEXT, text: '{{unsubscribeUrl}}' }, { unsubscribeUrl: 'https://evil.example' }),
    );
    expect(text).toContain(`${BASE}/`);
    expect(text).not.toContain('evil');
  });

  it('is no need that a list has to have a column for', () => {
    const { needs, own } = compileTemplate({ name: 'test', digest: '', ...parts });
    expect(needs.map(({ variable }) => variable)).toEqual(['name', 'names']);
    expect(own).toEqual([{ variable: 'unsubscribeUrl', file: 'subject.hbs', line: 1, column: 9 }]);
  });
});
