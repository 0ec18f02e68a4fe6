import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { simpleParser } from 'mailparser';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findChromium, NO_CHROMIUM, startChromium } from '../support/chromium.js';
import { newPlace, type Place } from '../support/cli.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const CHROMIUM = findChromium();
if (CHROMIUM === null) process.stderr.write(`The preview in a browser is ${NO_CHROMIUM}\n`);

const TEMPLATE = ['--template', 'mine', '--from', 'Zoë <news@example.com>'];
const WIDE = '<style>.p{color:rgb(1,2,3)} @media (max-width:500px){.p{color:rgb(4,5,6)}}</style>';

let place: Place;
beforeAll(() => {
  place = newPlace({ REDIS_URL: 'redis://127.0.0.1:1' });
  const rows = [
    'email,name',
    'bad,X',
    'ada@example.com,Ada',
    'Bo@Example.com,"Bo ""&quot; <b>"',
    'evil@example.com,\u001b[31mE',
  ];
  writeFileSync(join(place.folder, 'list.csv'), rows.join('\n'));
  mkdirSync(join(place.folder, 'mine'));
  const parts = {
    subject: 'Grüße an {{name}}',
    html: `<html><body>${WIDE}<h1 class="p">Hello {{name}}</h1><script>document.body.textContent = 'ran'</script></body></html>`,
    text: 'Hello {{name}},\n  indented\n',
  };
  for (const [part, text] of Object.entries(parts)) writeFileSync(join(place.folder, 'mine', `${part}.hbs`), text);
});
afterAll(() => place.clear());

const preview = (...args: string[]) => place.run(['preview', 'list.csv', ...TEMPLATE, ...args]);

describe('preview', () => {
  it('shows subject, headers and text of the first recipient that can be sent to, without a Redis', async () => {
    const { code, out } = await preview();
    expect(code).toBe(0);
    expect(out).toMatch(/^Subject {2}Grüße an Ada\nTo {7}ada@example\.com, line 3 of the list\n/);
    expect(out).toContain('From: =?UTF-8?B?');
    expect(out).toContain('\nTo: ada@example.com\n');
    expect(out).toMatch(/Text\nHello Ada,\n {2}indented\n$/);
  });

  it('finds a recipient by its number among those that can be sent to, or by its address in any case', async () => {
    const byRow = await preview('--row', '2');
    const byEmail = await preview('--email', 'BO@example.COM');
    for (const { code, out } of [byRow, byEmail]) {
      expect(code).toBe(0);
      expect(out).toContain('Bo@example.com, line 4');
    }
  });

  it('refuses a number beyond the last, an address that is not there, and both at once', async () => {
    const beyond = await preview('--row', '4');
    expect([beyond.code, beyond.err]).toEqual([2, expect.stringContaining('list.csv has 3 recipients')]);
    const absent = await preview('--email', 'bad@example.com');
    expect([absent.code, absent.err]).toEqual([2, expect.stringContaining('none of them')]);
    expect((await preview('--row', '1', '--email', 'ada@example.com')).code).toBe(2);
  });

  it('lets no value of the list reach the terminal as a command to it', async () => {
    const { out } = await preview('--row', '3');
    expect(out).toContain('[31mE');
    expect(out).not.toContain('\u001b');
  });

  it('lets nothing of a template reach the terminal as a command to it, whatever is wrong with it', async () => {
    mkdirSync(join(place.folder, 'theirs'));
    writeFileSync(join(place.folder, 'theirs/subject.hbs'), 'x');
    for (const wrong of ['{{[na\u001b[31mme]}}', '{{@\u001b[2Jx}}', '{{../[\u001b]0;title\u0007]}}', '{{\u202ex}}']) {
      writeFileSync(join(place.folder, 'theirs/text.hbs'), wrong);
      const { code, out, err } = await place.run([
        'preview',
        'list.csv',
        '--template',
        'theirs',
        '--from',
        'a@b.example',
      ]);
      expect(code).toBe(2);
      expect(err).toContain('TEMPLATE_');
      expect(out + err).not.toMatch(/[^\n\P{Cc}]|\u202e/u);
    }
  });

  it('writes the whole message as .eml, its HTML as .html, for its owner alone, and refuses another name', async () => {
    expect((await preview('--out', 'one.eml', '--row', '2')).code).toBe(0);
    const message = await simpleParser(readFileSync(join(place.folder, 'one.eml')));
    expect(message.subject).toBe('Grüße an Bo "&quot; <b>');
    expect(message.text).toContain('Hello Bo');
    expect(statSync(join(place.folder, 'one.eml')).mode & 0o077).toBe(0);
    expect((await preview('--out', 'one.html')).code).toBe(0);
    expect(readFileSync(join(place.folder, 'one.html'), 'utf8')).toContain(
      '<h1 style="color: rgb(1,2,3);" class="p">Hello Ada</h1>',
    );
    const other = await preview('--out', 'one.pdf');
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('.eml')]);
  });
});

describe('preview --open', () => {
  const page = async (...args: string[]) => {
    const { code, out, err } = await place.run(['preview', 'list.csv', ...TEMPLATE, '--open', ...args], { PATH: '' });
    expect([code, err]).toEqual([0, expect.stringContaining('Nothing here opens a browser')]);
    return out.trimEnd();
  };

  it('prints where the page is, in the temporary folder, where nothing opens a browser', async () => {
    const file = await page();
    expect(file).toMatch(/fanmail-preview-\w+.preview\.html$/);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it.skipIf(process.platform !== 'linux')('hands the page to xdg-open', async () => {
    const bin = join(place.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\nprintf '%s' "$1" > '${join(place.folder, 'opened')}'\n`);
    chmodSync(join(bin, 'xdg-open'), 0o755);
    const { code, out } = await place.run(['preview', 'list.csv', ...TEMPLATE, '--open'], {
      PATH: [bin, process.env.PATH].join(delimiter),
    });
    expect(code).toBe(0);
    expect(readFileSync(join(place.folder, 'opened'), 'utf8')).toBe(out.trimEnd());
  });

  describe.skipIf(CHROMIUM === null)(`in Chromium${CHROMIUM === null ? `, ${NO_CHROMIUM}` : ''}`, () => {
    let browser: Browser;
    let server: Server;
    let asked: string[];
    beforeAll(async () => {
      asked = [];
      server = createServer((request, response) => {
        asked.push(request.url ?? '');
        response.end();
      });
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      browser = await startChromium(CHROMIUM ?? '');
    });
    afterAll(async () => {
      await browser.close();
      server.close();
    });

    it('shows the message 375 and 800 pixels wide, each as its media queries have it, and runs no script of it', async () => {
      const tab = await browser.newPage();
      await tab.goto(pathToFileURL(await page('--row', '2')).href);
      expect(await tab.locator('h1').textContent()).toBe('Grüße an Bo "&quot; <b>');
      const frames = tab.frames().slice(1);
      const seen = await Promise.all(
        frames.map(async (frame) => [
          await frame.evaluate('innerWidth'),
          await frame.evaluate('document.documentElement.clientWidth'),
          await frame.locator('h1').textContent(),
          await frame.evaluate('getComputedStyle(document.querySelector("h1")).color'),
        ]),
      );
      expect(seen).toEqual([
        [375, 375, 'Hello Bo "&quot; <b>', 'rgb(4, 5, 6)'],
        [800, 800, 'Hello Bo "&quot; <b>', 'rgb(1, 2, 3)'],
      ]);
      await tab.close();
    });

    it('keeps a hostile message in its frame: no script, no request but for pictures, nothing of the page around it', async () => {
      const { port } = server.address() as AddressInfo;
      const at = (path: string) => `http://127.0.0.1:${port}/${path}`;
      mkdirSync(join(place.folder, 'hostile'));
      const html =
        `"></iframe><h1>out</h1><img src="${at('picture')}"><img src=x onerror="fetch('${at('event')}')">` +
        `<script>fetch('${at('script')}'); top.document.title = 'taken'</script>` +
        `<form action="${at('form')}"><input autofocus onfocus="this.form.submit()"></form>` +
        `<iframe src="${at('frame')}"></iframe><meta http-equiv="refresh" content="0;url=javascript:top.x=1">`;
      writeFileSync(join(place.folder, 'hostile/html.hbs'), html);
      writeFileSync(join(place.folder, 'hostile/subject.hbs'), '</title><h1>{{name}}</h1>');
      const args = ['preview', 'list.csv', '--template', 'hostile', '--from', 'me@example.com', '--open'];
      const { out } = await place.run(args, { PATH: '' });
      const tab = await browser.newPage();
      await tab.goto(pathToFileURL(out.trimEnd()).href, { waitUntil: 'networkidle' });
      expect(await tab.title()).toBe('</title><h1>Ada</h1>');
      expect(await tab.locator('h1').allInnerTexts()).toEqual(['</title><h1>Ada</h1>']);
      expect(await tab.locator('iframe').count()).toBe(2);
      for (const frame of await tab.locator('iframe').all()) expect(await frame.getAttribute('sandbox')).toBe('');
      for (const frame of tab.frames().slice(1, 3)) expect(await frame.evaluate('origin')).toBe('null');
      expect(new Set(asked)).toEqual(new Set(['/picture']));
      await tab.close();
    });
  });
});
