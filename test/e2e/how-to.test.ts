import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { blocks, page } from '../docs/markdown.js';
import { callsIn } from '../docs/shell.js';
import { newPlace, type Place } from '../support/cli.js';
import { DNS_OF_DOCS, type DnsServer, startDns } from '../support/dns.js';
import { type ScriptRelay, startScriptRelay } from '../support/script-relay.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const HOW_TO = page('docs/how-to/check-and-preview.md');
const CALLS = blocks(HOW_TO)
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => callsIn(text.replace(/ > .*$/gm, '')));

let place: Place;
let relay: ScriptRelay;
let dns: DnsServer;
const compared = new Set<string>();

beforeAll(async () => {
  place = newPlace();
  dns = await startDns(DNS_OF_DOCS);
  let caught = 0;
  relay = await startScriptRelay({
    behave: ({ stage }) => (stage === 'message' ? { reply: `250 caught as ${++caught}` } : undefined),
  });
  const list = blocks(page('README.md')).find(({ language, text }) => language === 'csv' && text.includes('ada@'));
  writeFileSync(join(place.folder, 'people.csv'), list?.text ?? '');
  mkdirSync(join(place.folder, 'spring'));
  const parts = {
    subject: 'Spring is here, {{First_Name}}\n',
    html: '<h1>Hello {{First_Name}}</h1><p>See you in {{City}}.</p>\n',
    text: 'Hello {{First_Name}},\n\nsee you in {{City}}.\n',
  };
  for (const [part, text] of Object.entries(parts)) writeFileSync(join(place.folder, 'spring', `${part}.hbs`), text);
});
afterAll(async () => {
  await relay.stop();
  await dns.close();
  await place.clear();
});

describe('the page on checking and previewing', () => {
  it('shows calls of all four commands', () => {
    expect(new Set(CALLS.map(({ args }) => args[0]))).toEqual(new Set(['check', 'preview', 'launch', 'doctor']));
  });

  it.each(CALLS)('shows a call that works, and what it prints: $line', async ({ args }) => {
    const own = args.map((word) =>
      word.replace('localhost:1025', `localhost:${relay.port}`).replace('192.0.2.53', dns.address),
    );
    // Without a PATH nothing opens a browser.
    const { code, out, err } = await place.run(own, args.includes('--open') ? { PATH: '' } : {});
    expect(code, err).toBe(0);
    const shown = blocks(HOW_TO).find(({ language, text }) => language === 'text' && sameStart(text, err + out));
    if (shown === undefined) return;
    compared.add(shown.text);
    const printed = (err + out).replaceAll(String(relay.port), '1025');
    const [beginning = '', ...more] = shown.text.split(/^…\n$/m);
    if (more.length > 0) expect(printed.slice(0, beginning.length)).toBe(beginning);
    else expect(printed).toBe(beginning);
  });

  it('shows no other output', () => {
    const shown = blocks(HOW_TO).filter(({ language }) => language === 'text');
    expect(shown.filter(({ text }) => !compared.has(text))).toEqual([]);
    expect(shown.length).toBeGreaterThan(1);
  });
});

/** The first words say which output it is; the rest is compared. */
function sameStart(shown: string, printed: string): boolean {
  return shown.slice(0, 20) === printed.slice(0, 20);
}
