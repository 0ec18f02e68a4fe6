import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as ask } from 'node:http';
import { request as askSecurely, createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { certificate } from '../faults/relay-campaign.js';
import { bodyColours, lowContrasts, pageWidth } from '../report/in-page.mjs';
import { readResults } from '../support/audit.js';
import { findChromium, NO_CHROMIUM, startChromium } from '../support/chromium.js';
import { newPlace, type Place, type Running, until } from '../support/cli.js';
import { type ScriptRelay, startScriptRelay } from '../support/script-relay.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const CHROMIUM = findChromium();
if (CHROMIUM === null) process.stderr.write(`Unsubscribing in a browser is ${NO_CHROMIUM}\n`);
const PEOPLE = ['ada', 'bob', 'cy', 'dee'].map((name) => `${name}@example.com`);

let place: Place;
let relay: ScriptRelay;
let serve: Running;
let proxy: Server;
/** What the world sees. */
let base: string;

beforeAll(async () => {
  place = newPlace({ FANMAIL_WORKERS: '1' });
  relay = await startScriptRelay({ contents: true, record: join(place.folder, 'record') });
  writeFileSync(join(place.folder, 'list.csv'), ['email', ...PEOPLE, ''].join('\n'));
  for (const [name, text] of [
    ['subject.hbs', 'Hello'],
    ['html.hbs', '<p>Hello {{email}}</p><p><a href="{{unsubscribeUrl}}">No more of this</a></p>'],
    ['text.hbs', 'Hello {{email}}\n\nNo more of this: {{unsubscribeUrl}}\n'],
  ] as const)
    writeFileSync(join(place.folder, name), text);
  serve = place.start(['serve', '--listen', '0', '--name', 'Example News', '--log-level', 'debug']);
  const port = await until(async () => /127\.0\.0\.1:(\d+)\//.exec(serve.said())?.[1] ?? null, 'fanmail serve');
  proxy = await startProxy(Number(port));
  base = `https://localhost:${(proxy.address() as AddressInfo).port}/mail/u`;
});
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await relay.stop();
  await place.clear();
});

/** As nginx: ends TLS, takes `/mail` off the path, and says so. */
async function startProxy(port: number): Promise<Server> {
  const { key, cert } = certificate({ place });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    const headers = { ...request.headers, 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' };
    const path = (request.url ?? '').replace(/^\/mail/, '');
    const inner = ask({ port, host: '127.0.0.1', method: request.method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(inner);
  }).listen(0, 'localhost');
  await once(server, 'listening');
  return server;
}

const FROM = ['--template', '.', '--from', 'News <news@example.com>'];
const launch = (id: string, ...more: string[]) =>
  place.run(['launch', 'list.csv', ...FROM, '--smtp', `smtp://127.0.0.1:${relay.port}`, '--id', id, ...more]);
const linked = () => ['--unsubscribe-url', base, '--unsubscribe-mailto', 'stop@example.com'];

/** What the relay got since it had so many: by recipient. */
async function received(since: number) {
  const messages = await Promise.all(relay.contents.slice(since).map((content) => simpleParser(content)));
  return new Map(messages.map((mail) => [mail.to && 'text' in mail.to ? mail.to.text : '', mail]));
}

function stateOf(id: string): Record<string, string> {
  const rows = readResults(join(place.folder, `fanmail-results/${id}/results.csv`));
  return Object.fromEntries(rows.map(({ email, state }) => [email, state]));
}

/** The link of a message, out of its header, where the other parts have the same one. */
async function linkTo(id: string, address: string, ...more: string[]): Promise<string> {
  const since = relay.contents.length;
  expect(await launch(id, ...linked(), ...more)).toMatchObject({ code: 0 });
  const mail = (await received(since)).get(address);
  const list = mail?.headers.get('list') as unknown as { unsubscribe: { url: string; mail: string } };
  expect(mail?.html).toContain(`<a href="${list.unsubscribe.url}">`);
  expect(mail?.text).toContain(list.unsubscribe.url);
  expect(list).toMatchObject({ 'unsubscribe-post': { name: 'List-Unsubscribe=One-Click' } });
  expect(list.unsubscribe.mail).toBe(`stop@example.com?subject=${list.unsubscribe.url.split('/').at(-1)}`);
  return list.unsubscribe.url;
}

/** Through the proxy, whose certificate nobody trusts. */
async function post(url: string, body: string): Promise<number> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const sent = askSecurely(url, { method: 'POST', headers, rejectUnauthorized: false, agent: false });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  answer.resume();
  return answer.statusCode;
}

describe.skipIf(CHROMIUM === null)(`in Chromium${CHROMIUM === null ? `, ${NO_CHROMIUM}` : ''}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(CHROMIUM ?? '');
  }, 60_000);
  afterAll(() => browser.close());

  /** A page, and what it asked for and said. */
  async function open(url: string, width = 1200, colorScheme: 'light' | 'dark' = 'light') {
    const viewport = { width, height: 800 };
    const context = await browser.newContext({
      viewport,
      colorScheme,
      ignoreHTTPSErrors: true,
      javaScriptEnabled: true,
    });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const [asked, said]: [string[], string[]] = [[], []];
    page.on('request', (request) => asked.push(`${request.method()} ${request.url()}`));
    page.on('console', (message) => said.push(message.text()));
    await page.goto(url, { waitUntil: 'networkidle' });
    return { page, asked, said };
  }

  it('a reader follows the link of a message, presses the button, and gets no more about this', async () => {
    const link = await linkTo('first', 'ada@example.com', '--topic', 'spring');
    const { page, asked, said } = await open(link);
    expect(await page.title()).toBe('Unsubscribe?');
    expect(await page.locator('main').textContent()).toContain('no more mail from Example News about spring');
    expect((await place.run(['suppress', 'check', 'ada@example.com', '--topic', 'spring'])).code).toBe(0);
    await page.getByRole('button', { name: 'Unsubscribe', exact: true }).click();
    await page.waitForFunction('document.title === "You are unsubscribed"');
    expect(asked).toEqual([`GET ${link}`, `POST ${link}`]);
    expect(said).toEqual([]);
    expect(page.url()).toBe(link);

    const since = relay.contents.length;
    expect((await launch('second', ...linked(), '--topic', 'spring')).code).toBe(0);
    expect([...(await received(since)).keys()].sort()).toEqual(PEOPLE.slice(1));
    const other = relay.contents.length;
    expect((await launch('third', ...linked(), '--topic', 'autumn')).code).toBe(0);
    expect([...(await received(other)).keys()].sort()).toEqual(PEOPLE);
  });

  it('the page is offered for everything, too, with the keyboard, and then no campaign sends', async () => {
    const link = await linkTo('all', 'bob@example.com', '--topic', 'winter');
    const { page } = await open(link);
    await page.getByRole('button', { name: 'Unsubscribe from everything' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction('document.title === "You are unsubscribed"');
    expect(await page.getByRole('button').count()).toBe(0);
    const since = relay.contents.length;
    expect((await launch('none', ...linked())).code).toBe(0);
    expect([...(await received(since)).keys()]).not.toContain('bob@example.com');
  });

  it.each([
    [320, 'light'],
    [320, 'dark'],
    [1200, 'light'],
    [1200, 'dark'],
  ] as const)(
    'the page can be read at %i pixels, %s, its buttons are large, and nothing is wider than it',
    async (width, scheme) => {
      const link = await linkTo(
        `look-${width}-${scheme}`,
        'cy@example.com',
        '--topic',
        `a-long-topic.${'of_words-'.repeat(5)}x`,
      );
      const { page } = await open(link, width, scheme);
      expect(await page.evaluate(pageWidth)).toBe(width);
      expect(await page.evaluate(lowContrasts, 'body')).toEqual([]);
      const [ground] = await page.evaluate(bodyColours);
      expect(ground).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 26)');
      for (const button of await page.getByRole('button').all())
        expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    },
  );

  it('a wrong link is told nothing but that, and has no button', async () => {
    const { page } = await open(`${base}/${'A'.repeat(36)}`);
    expect(await page.locator('h1').textContent()).toBe('This link does not work');
    expect(await page.getByRole('button').count()).toBe(0);
  });
});

it('is said in the messages of a campaign, and not in the notice to its operator', async () => {
  const since = relay.contents.length;
  expect((await launch('noticed', ...linked(), '--notify', 'ops@example.com')).code).toBe(0);
  const notice = await until(async () => (await received(since)).get('ops@example.com') ?? null, 'the notice');
  expect(notice.subject).toContain('completed');
  expect(notice.headers.has('list')).toBe(false);
  expect((await received(since)).get('cy@example.com')?.headers.has('list')).toBe(true);
});

describe('what still waits', () => {
  it('is not sent to who unsubscribed with one click meanwhile, by a link of an earlier campaign', async () => {
    const link = await linkTo('earlier', 'dee@example.com', '--topic', 'weekly');
    const since = relay.contents.length;
    expect((await launch('waiting', ...linked(), '--topic', 'weekly', '--detach')).code).toBe(0);
    expect(await post(link, 'List-Unsubscribe=One-Click')).toBe(200);
    const smtp = ['--smtp', `smtp://127.0.0.1:${relay.port}`];
    expect((await place.run(['attach', 'waiting', ...smtp])).code).toBe(0);
    expect(stateOf('waiting')).toMatchObject({ 'dee@example.com': 'suppressed', 'cy@example.com': 'sent' });
    expect([...(await received(since)).keys()]).not.toContain('dee@example.com');
    expect((await place.run(['verify', 'waiting'])).code).toBe(0);
  });
});

describe('a mail to the address of the header', () => {
  const piped = async (mail: string) => {
    const running = place.start(['suppress', 'unsubscribe', '-', '--json'], {}, 'pipe');
    running.child.stdin?.end(mail);
    return running.ended;
  };

  it('unsubscribes by the token in its subject, however the mail program folded or prefixed it', async () => {
    const token = (await linkTo('by-mail', 'cy@example.com', '--topic', 'by-mail')).split('/').at(-1) ?? '';
    const rest = 'From: somebody@else.example\r\nTo: stop@example.com\r\n';
    const { code, out } = await piped(`${rest}Subject: Re:\r\n ${token}\r\n\r\nbody\r\n`);
    expect([code, JSON.parse(out)]).toEqual([0, { action: 'unsubscribe', topic: 'by-mail' }]);
    expect((await place.run(['suppress', 'check', 'cy@example.com', '--topic', 'by-mail'])).code).toBe(3);
    const again = await place.run(['suppress', 'unsubscribe', token]);
    expect([again.code, again.out]).toEqual([0, 'Unsubscribed from the topic by-mail.\n']);
    // Nowhere but in the subject: a mail may quote whatever it likes.
    const quoted = await piped(`${rest}Subject: hello\r\nX-Subject: ${token}\r\n\r\nSubject: ${token}\r\n`);
    expect([quoted.code, quoted.err]).toEqual([2, expect.stringContaining('(OPTION_INVALID)')]);
  });

  it.each([
    ['a token that is none', ['A'.repeat(36)], 'no token of this suppression list'],
    ['that of a test', ['test'], 'token of a test'],
    ['two', ['a', 'b'], 'takes one token'],
    ['none', [], 'takes one token'],
    ['a topic', ['x', '--topic', 'news'], 'takes no --topic'],
    ['a reason', ['x', '--why', 'manual'], 'takes no --why'],
  ])('is refused with %s', async (_what, args, words) => {
    const { code, err } = await place.run(['suppress', 'unsubscribe', ...args]);
    expect([code, err]).toEqual([2, expect.stringContaining(words)]);
  });
});

describe('before anything is sent', () => {
  const dry = (...more: string[]) =>
    place.run(['launch', 'list.csv', ...FROM, '--smtp', 'smtp://127.0.0.1:9', '--dry-run', ...more]);
  const TEST_LINK = 'https://news.example.com/u/test';

  it.each([
    ['launch', () => dry()],
    ['launch with a mail address alone', () => dry('--unsubscribe-mailto', 'stop@example.com')],
    ['check', () => place.run(['check', 'list.csv', ...FROM])],
    ['preview', () => place.run(['preview', 'list.csv', ...FROM])],
  ])('%s refuses a template that uses {{unsubscribeUrl}} where none is given, and says where', async (_what, run) => {
    const { code, out, err } = await run();
    expect(code).toBe(2);
    expect((out + err).replaceAll(/\s+/g, ' ')).toContain(
      'html.hbs, line 1, column 37 uses {{unsubscribeUrl}}, and no --unsubscribe-url is given',
    );
  });

  it('refuses a list with a column of that name, since nobody could say which is meant', async () => {
    writeFileSync(join(place.folder, 'own.csv'), 'email,unsubscribeUrl\nada@example.com,https://example.com\n');
    const { code, err } = await place.run([
      'preview',
      'own.csv',
      ...FROM,
      '--unsubscribe-url',
      'https://example.com/u',
    ]);
    expect([code, err]).toEqual([2, expect.stringContaining('own.csv has a column of that name')]);
  });

  it.each([
    ['--unsubscribe-url', 'http://news.example.com/u', 'https'],
    ['--unsubscribe-url', 'news.example.com/u', 'https'],
    ['--unsubscribe-url', 'https://me:secret@news.example.com/u', 'without login'],
    ['--unsubscribe-url', 'https://news.example.com/u?t=', 'without login, ? and #'],
    ['--unsubscribe-url', `https://news.example.com/${'x'.repeat(500)}`, 'up to 500'],
    ['--unsubscribe-mailto', 'nobody', '--unsubscribe-mailto can\'t be "nobody"'],
    ['--unsubscribe-mailto', 'Stop <stop@example.com>', '--unsubscribe-mailto'],
  ])('refuses %s %s', async (option, value, words) => {
    const { code, err } = await dry(option, value);
    expect([code, err]).toEqual([2, expect.stringContaining(words)]);
  });

  it('shows the header and the link of a test in a dry run, a preview and a check', async () => {
    const given = ['--unsubscribe-url', 'https://news.example.com/u/', '--unsubscribe-mailto', 'stop@example.com'];
    const { code, out } = await dry(...given);
    expect(code).toBe(0);
    expect(out).toContain(`List-Unsubscribe: <${TEST_LINK}>,\r\n <mailto:stop@example.com?subject=test>\r\n`);
    expect(out).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n');
    expect(out).toContain(`<a href="${TEST_LINK}">`);
    const preview = await place.run(['preview', 'list.csv', ...FROM, ...given]);
    expect([preview.code, preview.out]).toEqual([0, expect.stringContaining(TEST_LINK)]);
    expect((await place.run(['check', 'list.csv', ...FROM, ...given])).code).toBe(0);
  });

  it('sends a test whose links unsubscribe nobody, whoever presses the button', async () => {
    const since = relay.contents.length;
    const run = await launch('a-test', ...linked(), '--test-to', 'me@example.com', '--rows', '1');
    expect(run.code).toBe(0);
    const mail = (await received(since)).get('me@example.com');
    expect(mail?.text).toContain(`${base}/test`);
    expect(await post(`${base}/test`, 'List-Unsubscribe=One-Click')).toBe(200);
    for (const address of ['me@example.com', 'ada@example.com'])
      expect((await place.run(['suppress', 'check', address])).code).toBe(0);
  });

  it('renders rows of NDJSON with the link, and rehearses it', async () => {
    writeFileSync(join(place.folder, 'list.ndjson'), '{"email":"ada@example.com"}\n{"email":"bob@example.com"}\n');
    const args = [...FROM, '--unsubscribe-url', 'https://news.example.com/u'];
    expect((await place.run(['check', 'list.ndjson', ...args])).code).toBe(0);
    const { code, out } = await place.run(['rehearse', 'list.ndjson', ...args, '--scenario', 'calm', '--json']);
    expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ holds: true })]);
  });
});

describe('fanmail serve', () => {
  it.each([
    ['99999', 'OPTION_INVALID', 'such as 8080'],
    ['203.0.113.1:0', 'OPTION_INVALID', "--listen can't be 203.0.113.1:0"],
  ])('refuses --listen %s', async (listen, code, words) => {
    const { err, code: exit } = await place.run(['serve', '--listen', listen]);
    expect([exit, err]).toEqual([2, expect.stringContaining(`(${code})`)]);
    expect(err).toContain(words);
  });

  it('ends by SIGTERM with 0, and has said neither a token nor who unsubscribed', async () => {
    const link = await linkTo('last', 'cy@example.com', '--topic', 'last');
    expect(await post(link, 'List-Unsubscribe=One-Click')).toBe(200);
    serve.child.kill('SIGTERM');
    const { code, err } = await serve.ended;
    expect(code).toBe(0);
    expect(err).toContain('"msg":"unsubscribed"');
    expect(err).not.toMatch(/@example|203\.0\.113|\/u\/|[\w-]{36}/);
    expect(err).not.toContain(link.split('/').at(-1));
  });
});
