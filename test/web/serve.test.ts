import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tokensOf } from '../../src/domain/unsubscribe.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { ask, ONE_CLICK, openSocket, pressed, type Site, startSite } from './site.js';

const ADA = 'Ada.Lovelace@example.com';

let server: TestRedis;
let redis: Redis;
let site: Site;
let secret: string;

beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushall();
  site = await startSite(() => server.client(), 'Example <News> & "Co"');
  secret = await site.list.linkSecret();
});
afterEach(() => site.server.stop(0));

const link = (address = ADA, topic: string | null = 'news') => `${site.url}/u/${tokensOf(secret, topic)(address)}`;
const items = async (address = ADA) =>
  (await site.list.find(address)).map(({ topic, why }) => `${topic ?? 'all'} ${why}`).sort();

describe('a GET', () => {
  it('shows a page with a button, and changes nothing, however often a scanner follows it', async () => {
    for (const method of ['GET', 'GET', 'HEAD']) {
      const { status, text } = await ask(link(), { method });
      expect(status).toBe(200);
      expect(text.includes('<button name="unsubscribe" value="topic">Unsubscribe</button>')).toBe(method === 'GET');
    }
    expect(await items()).toEqual([]);
    expect((await site.list.standing()).version).toBe(0);
  });

  it('is told what HEAD is told, but for the page', async () => {
    const [get, head] = [await ask(link()), await ask(link(), { method: 'HEAD' })];
    const { date: _, ...headers } = get.headers;
    expect(head.headers).toMatchObject(headers);
    expect(head.text).toBe('');
    expect(get.headers['content-length']).toBe(String(Buffer.byteLength(get.text)));
  });

  it('runs and loads nothing, is kept and indexed nowhere, and tells no other site where it was', async () => {
    const { headers, text } = await ask(link());
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      ),
    });
    expect(headers['set-cookie']).toBeUndefined();
    expect(text).not.toMatch(/<script|<link|<img|\ssrc=|url\(|@import|https?:/i);
  });

  it('shows the topic, and a name with nothing in it that is HTML; never an address', async () => {
    const { text } = await ask(link());
    expect(text).toContain('about <strong>news</strong>');
    expect(text).toContain('from Example &lt;News&gt; &amp; &quot;Co&quot; about');
    const shown = text.slice(text.indexOf('</style>')).toLowerCase();
    expect(shown).not.toMatch(/lovelace|@|example\.com/);
    const all = (await ask(link(ADA, null))).text;
    expect(all).not.toContain('value="topic"');
    expect(all).toContain('<button name="unsubscribe" value="all">Unsubscribe</button>');
  });
});

describe('a POST', () => {
  it('unsubscribes as RFC 8058 says, from what the link is about, by both kinds of body', async () => {
    expect((await ask(link(), ONE_CLICK)).status).toBe(200);
    expect(await items()).toEqual(['news unsubscribe']);
    const body = [
      '--xyz',
      'Content-Disposition: form-data; name="List-Unsubscribe"',
      '',
      'One-Click',
      '--xyz--',
      '',
    ].join('\r\n');
    const multipart = { method: 'POST', body, 'content-type': 'multipart/form-data; boundary=xyz' };
    expect((await ask(link('bob@example.com', null), multipart)).status).toBe(200);
    expect(await items('bob@example.com')).toEqual(['all unsubscribe']);
  });

  it('may come again and again: the first one counts', async () => {
    for (let i = 0; i < 3; i++) expect((await ask(link(), ONE_CLICK)).status).toBe(200);
    expect(await items()).toEqual(['news unsubscribe']);
    expect((await site.list.standing()).entries).toBe(1);
  });

  it('comes from the page, for the topic or for everything, which is offered afterwards, too', async () => {
    const done = await ask(link(), pressed('topic'));
    expect([done.status, done.headers.location]).toEqual([200, undefined]);
    expect(done.text).toContain('You are unsubscribed');
    expect(done.text).toContain('value="all"');
    expect(await items()).toEqual(['news unsubscribe']);
    const all = await ask(link(), pressed('all'));
    expect(all.text).not.toContain('<button');
    expect(await items()).toEqual(['all unsubscribe', 'news unsubscribe']);
  });

  it.each([
    ['nothing', { method: 'POST' }],
    ['another value', { ...ONE_CLICK, body: 'List-Unsubscribe=Two-Clicks' }],
    ['another field', { ...ONE_CLICK, body: 'email=ada%40example.com' }],
    ['a button that there is not', pressed('everybody')],
    ['the right words as another type', { ...ONE_CLICK, 'content-type': 'text/plain' }],
    ['JSON', { ...ONE_CLICK, body: '{"List-Unsubscribe":"One-Click"}', 'content-type': 'application/json' }],
    ['a form of parts without a boundary', { ...ONE_CLICK, 'content-type': 'multipart/form-data' }],
    ['parts that never end', { ...ONE_CLICK, body: '--x\r\n', 'content-type': 'multipart/form-data; boundary=x' }],
  ])('with %s changes nothing', async (_what, request) => {
    expect((await ask(link(), request)).status).toBe(400);
    expect(await items()).toEqual([]);
  });

  it('may be one of many at once: all are acted on, each for its topic', async () => {
    const people = Array.from({ length: 500 }, (_, i) => `person${i}@example.com`);
    const answers = await Promise.all(people.map((person, i) => ask(link(person, i % 2 ? 'news' : null), ONE_CLICK)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await site.list.check(people, 'news')).toHaveLength(500);
    expect(await site.list.check(people, null)).toHaveLength(250);
  });
});

describe('a wrong token', () => {
  const wrong = () => {
    const right = tokensOf(secret, 'news')(ADA);
    const changed = right.slice(0, 20) + (right[20] === 'A' ? 'B' : 'A') + right.slice(21);
    const other = tokensOf('cd'.repeat(32), 'news')(ADA);
    return [
      changed,
      other,
      `${right}A`,
      right.slice(1),
      `${right}/`,
      '',
      'ada@example.com',
      '%00',
      '..%2f..',
      'x'.repeat(4_000),
    ];
  };

  it('is told nothing but that: the same page for all, whatever is wrong', async () => {
    const answers = [];
    for (const token of wrong()) {
      answers.push(await ask(`${site.url}/u/${token}`));
      answers.push(await ask(`${site.url}/u/${token}`, ONE_CLICK));
    }
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
    expect((await site.list.standing()).entries).toBe(0);
  });

  it('is every token where there is no list', async () => {
    const right = link();
    await redis.flushall();
    // The secret is good for a second.
    for (let status = 200; status !== 404; ) ({ status } = await ask(right));
    expect((await ask(right, ONE_CLICK)).status).toBe(404);
  });

  it('becomes a right one where an export is imported meanwhile, without a restart', async () => {
    await redis.flushall();
    const imported = 'cd'.repeat(32);
    const token = tokensOf(imported, 'news')(ADA);
    await site.list.add(['somebody@example.com'], null, 'manual');
    expect((await ask(`${site.url}/${token}`)).status).toBe(404);
    await site.list.remove(['somebody@example.com'], null);
    expect(await site.list.adopt(imported)).toBe(true);
    for (let status = 404; status !== 200; ) ({ status } = await ask(`${site.url}/${token}`, ONE_CLICK));
    expect(await items()).toEqual(['news unsubscribe']);
  });
});

it('lets the link of a test look like one, and unsubscribes nobody by it', async () => {
  for (const request of [{}, ONE_CLICK, pressed('all')]) {
    const { status, text } = await ask(`${site.url}/u/test`, request);
    expect([status, text.includes('Nobody was unsubscribed')]).toEqual([200, true]);
  }
  expect((await site.list.standing()).entries).toBe(0);
});

describe('behind a proxy', () => {
  it('a link works under any path, and with a query that somebody added', async () => {
    const token = tokensOf(secret, 'news')(ADA);
    for (const path of [
      `/${token}`,
      `/a/b/c/${token}`,
      `/u/${token}?utm_source=x&y=/z`,
      `//${token}`,
      `/u/test/../${token}`,
    ])
      expect((await ask(`${site.url}${path}`)).status, path).toBe(200);
    const form = (await ask(link())).text;
    // So it is sent to the address that the browser has, not to one that only this side of the proxy knows.
    expect(form).toContain('<form method="post">');
  });

  it('is asked whether it is well', async () => {
    expect(await ask(`${site.url}/healthz`)).toMatchObject({ status: 200, text: 'ok\n' });
  });
});

describe('anything else', () => {
  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])('%s is refused, and told what is not', async (method) => {
    const { status, headers } = await ask(link(), { method });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD, POST']);
    expect(await items()).toEqual([]);
  });

  it.each(['/', '/favicon.ico', '/robots.txt', '/u', '/u/', '/.env'])('%s is not found', async (path) => {
    expect((await ask(`${site.url}${path}`)).status).toBe(404);
  });

  it('that is no HTTP is refused', async () => {
    const { socket, told } = openSocket(site);
    socket.write('EHLO example.com\r\n\r\n');
    expect(await told).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('who sends too much, or too slowly', () => {
  it('has headers of more than 8 kB: refused', async () => {
    expect((await ask(link(), { 'x-more': 'x'.repeat(9_000) })).status).toBe(431);
    expect((await ask(`${site.url}/${'x'.repeat(9_000)}`)).status).toBe(431);
  });

  it('has a body of more than 8 kB: refused, also where it does not say so before', async () => {
    const body = `List-Unsubscribe=One-Click&more=${'x'.repeat(20_000)}`;
    expect((await ask(link(), { ...ONE_CLICK, body })).status).toBe(413);
    expect((await ask(link(), { ...ONE_CLICK, body, 'transfer-encoding': 'chunked' })).status).toBe(413);
    expect(await items()).toEqual([]);
  });

  it('says nothing, or never ends the headers, or the body: the connection is closed, and others are served meanwhile', async () => {
    const silent = openSocket(site);
    const headers = openSocket(site);
    headers.socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    const trickle = setInterval(() => headers.socket.write('x-more: 1\r\n'), 200);
    const body = openSocket(site);
    const path = new URL(link()).pathname;
    body.socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\n\r\nList-Unsub`,
    );
    expect((await ask(link('bob@example.com'), ONE_CLICK)).status).toBe(200);
    expect(await headers.told).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(trickle);
    expect(await silent.told).toMatch(/^HTTP\/1\.1 408 /);
    expect(await body.told).toMatch(/^HTTP\/1\.1 408 /);
    expect(await items()).toEqual([]);
  }, 20_000);

  it('goes away in the middle: nothing is changed, and nothing breaks', async () => {
    const { socket, told } = openSocket(site);
    socket.write(`POST ${new URL(link()).pathname} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-`);
    await ask(link());
    socket.destroy();
    await told;
    expect((await ask(link())).status).toBe(200);
    expect(await items()).toEqual([]);
  });
});

describe('a stop', () => {
  it('answers what was begun, closes what waits, and takes nothing new', async () => {
    const idle = openSocket(site);
    await once(idle.socket, 'connect');
    const begun = openSocket(site);
    const path = new URL(link()).pathname;
    begun.socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\n\r\nList-`,
    );
    // Begun, as far as this side can know: another one that came later was answered.
    await ask(link());
    const stopped = site.server.stop(10_000);
    await expect(ask(link())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    begun.socket.write('Unsubscribe=One-Click');
    expect(await begun.told).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
    await stopped;
    expect(await items()).toEqual(['news unsubscribe']);
  });
});

describe('the log', () => {
  it('says what happened, and neither token nor address of anybody', async () => {
    await ask(link(), { ...ONE_CLICK, 'x-forwarded-for': '203.0.113.7' });
    await ask(`${link()}x`, ONE_CLICK);
    await ask(link(), { method: 'POST' });
    const said = JSON.stringify(site.log.lines);
    expect(site.log.lines.map(({ message }) => message)).toEqual(['unsubscribed']);
    expect(said).toContain('"topic":"news"');
    expect(said.toLowerCase()).not.toMatch(/lovelace|203\.0\.113|127\.0\.0\.1/);
    expect(said).not.toContain(tokensOf(secret, 'news')(ADA).slice(0, 20));
  });
});
