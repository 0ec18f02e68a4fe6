import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { type ParsedMail, simpleParser } from 'mailparser';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../src/domain/summary.js';
import { type ResultRow, readResults } from '../support/audit.js';
import { newPlace, type Place } from '../support/cli.js';
import { Hog, type Item, startCatch } from './server.js';

const { MAILHOG_URL, MAILHOG_SMTP } = process.env;
const ABSENT =
  'skipped: MAILHOG_URL and MAILHOG_SMTP are not set (docker compose up -d mailhog, then http://localhost:8025 and smtp://localhost:1025)';
if (!MAILHOG_URL || !MAILHOG_SMTP) process.stderr.write(`A real MailHog is ${ABSENT}\n`);

const ROWS = 300;
const NAMES = ['Ada', 'José Núñez', 'O’Brien & "Sons"', '<b>Bold</b>', '李雷', '.dot', 'Zoë 🎈', 'a'.repeat(120)];
/** A refusal of everybody, or a relay that cuts every connection, is over in seconds; this is for a slow machine. */
const SECONDS = 45_000;

interface Row {
  readonly email: string;
  readonly name: string;
  readonly token: string;
}
const row = (prefix: string, i: number): Row => ({
  email: `${prefix}${i}@d${i % 7}.example.com`,
  name: NAMES[i % NAMES.length] ?? '',
  token: `tok${i}x`,
});
const rowsOf = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => row(prefix, i));

/** What arrived for each recipient of the envelope. */
function byRecipient(items: readonly Item[]): Map<string, Item[]> {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const [to = ''] = item.Raw.To;
    found.set(to, [...(found.get(to) ?? []), item]);
  }
  return found;
}

describe.each([
  { name: 'fanmail catch', real: false, skip: false },
  {
    name: `MailHog${MAILHOG_URL && MAILHOG_SMTP ? '' : `, ${ABSENT}`}`,
    real: true,
    skip: !MAILHOG_URL || !MAILHOG_SMTP,
  },
])('$name', ({ real, skip }) => {
  let place: Place;
  let hog: Hog;
  let results: ResultRow[];
  let items: Item[];

  beforeAll(async () => {
    if (skip) return;
    place = newPlace();
    hog = real ? new Hog(MAILHOG_SMTP ?? '', MAILHOG_URL ?? '') : await startCatch(place);
    const template = join(place.folder, 'hello');
    mkdirSync(template);
    writeFileSync(join(template, 'subject.hbs'), 'For {{name}}: {{token}}');
    writeFileSync(join(template, 'text.hbs'), 'Hello {{name}},\n\n.a dot\n..two\nyour word is {{token}}\n.\nBye\n');
    writeFileSync(join(template, 'html.hbs'), '<p class="x">Hello {{name}}</p>\n<p>{{token}}</p>\n');
    await hog.calm();
    await hog.clear();
    const done = await campaign('hello', ROWS);
    expect([done.code, done.summary.states.sent]).toEqual([0, ROWS]);
    results = done.results;
    items = await hog.all();
  }, SECONDS);
  afterEach(async () => {
    await hog?.calm();
  });
  afterAll(() => place?.clear());

  /** Launches `count` rows and follows them to their end. */
  async function campaign(id: string, count: number, ...more: string[]) {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const lines = rowsOf(id, count).map((one) => [one.email, one.name, one.token].map(quoted).join(','));
    writeFileSync(join(place.folder, `${id}.csv`), ['email,name,token', ...lines, ''].join('\n'));
    const from = ['--template', './hello', '--from', 'Señor News <news@sender.example>', '--smtp', hog.smtp];
    const { code, out, err } = await place.run([
      'launch',
      `${id}.csv`,
      ...from,
      '--id',
      id,
      '--json',
      '--yes',
      ...more,
    ]);
    if (out === '') throw new Error(`it ended with ${code} and said:\n${err}`);
    const results = readResults(join(place.folder, 'fanmail-results', id, 'results.csv'));
    return { code, summary: JSON.parse(out) as Summary, results };
  }

  describe.skipIf(skip)('after a campaign of a few hundred', () => {
    it('has every message once, as it was composed for its row', async () => {
      expect(items).toHaveLength(ROWS);
      const arrived = byRecipient(items);
      for (const [i, { email, name, token }] of rowsOf('hello', ROWS).entries()) {
        const [item, ...others] = arrived.get(email) ?? [];
        if (!item) throw new Error(`nothing arrived for ${email}`);
        expect(others).toEqual([]);
        expect(item.Raw.From).toBe('news@sender.example');
        expect(item.Raw.To).toEqual([email]);
        const mail: ParsedMail = await simpleParser(Buffer.from(item.Raw.Data, 'latin1'));
        expect(mail.messageId).toBe(results[i]?.message_id);
        expect([mail.to].flat().map((one) => one?.text)).toEqual([email]);
        expect(mail.from?.text).toBe('"Señor News" <news@sender.example>');
        expect(mail.subject).toBe(`For ${name}: ${token}`);
        expect(mail.text?.trimEnd()).toBe(`Hello ${name},\n\n.a dot\n..two\nyour word is ${token}\n.\nBye`);
        const escaped = Handlebars.escapeExpression(name);
        expect(String(mail.html).trimEnd()).toBe(`<p class="x">Hello ${escaped}</p>\n<p>${token}</p>`);
      }
    });

    it('gives them out in pages that join to the whole, the newest first, at most 250', async () => {
      const ids = (all: readonly Item[]) => all.map((item) => item.Raw.To[0]);
      expect(ids(await hog.all(37))).toEqual(ids(items));
      const page = await hog.messages(40, 25);
      expect([page.total, page.count, page.start]).toEqual([ROWS, 25, 40]);
      expect(ids(page.items)).toEqual(ids(items.slice(40, 65)));
      expect((await hog.messages(0, 1_000)).items).toHaveLength(250);
      expect(ids((await hog.messages(ROWS - 1, 5)).items)).toEqual(ids(items.slice(-1)));
    });

    it('finds them by recipient, by sender and by what they contain', async () => {
      const found = async (kind: string, query: string) => {
        const { total, items: all } = await hog.search(kind, query);
        return { total, to: all.map((item) => item.Raw.To[0]).sort() };
      };
      const { email } = row('hello', 42);
      expect(await found('to', email)).toEqual({ total: 1, to: [email] });
      expect(await found('to', email.toUpperCase())).toEqual({ total: 1, to: [email] });
      const sixth = rowsOf('hello', ROWS).filter((_, i) => i % 7 === 6);
      expect(await found('to', '@d6.example')).toEqual({
        total: sixth.length,
        to: sixth.map((one) => one.email).sort(),
      });
      expect((await found('from', 'news@sender.example')).total).toBe(ROWS);
      expect((await found('from', email)).total).toBe(0);
      expect(await found('containing', 'word is tok17x')).toEqual({ total: 1, to: [row('hello', 17).email] });
      expect((await found('containing', 'no such word')).total).toBe(0);
    });

    it('forgets them when told to', async () => {
      await hog.clear();
      expect((await hog.messages(0, 50)).total).toBe(0);
    });
  });

  describe.skipIf(skip)('with its monkey', () => {
    it('is asked, woken, told otherwise and put to sleep as MailHog is', async () => {
      expect((await hog.jim('GET'))[0]).toBe(404);
      expect((await hog.jim('PUT', '{}'))[0]).toBe(404);
      const chances = { AcceptChance: 1, RejectSenderChance: 0.5, RejectRecipientChance: 0.25, DisconnectChance: 0 };
      expect((await hog.jim('POST', JSON.stringify(chances)))[0]).toBe(201);
      expect((await hog.jim('POST', '{}'))[0]).toBe(400);
      const [status, text] = await hog.jim('GET');
      expect([status, JSON.parse(text)]).toEqual([200, expect.objectContaining(chances)]);
      expect((await hog.jim('PUT', JSON.stringify({ ...chances, RejectSenderChance: 1 })))[0]).toBe(200);
      expect(JSON.parse((await hog.jim('GET'))[1])).toMatchObject({ RejectSenderChance: 1 });
      expect((await hog.jim('PUT', 'no JSON'))[0]).toBe(400);
      expect((await hog.jim('DELETE'))[0]).toBe(200);
      expect((await hog.jim('GET'))[0]).toBe(404);
    });

    it.each([
      ['recipient', { RejectRecipientChance: 1 }, 'Invalid recipient'],
      ['sender', { RejectSenderChance: 1 }, 'Invalid sender'],
    ] as const)(
      'refusing every %s: all are failed at once, with its words, and nothing arrives',
      async (what, chances, words) => {
        await hog.clear();
        await hog.rage(chances);
        const { code, summary, results: all } = await campaign(`no-${what}`, 200);
        expect([code, summary.phase, summary.states.failed]).toEqual([3, 'completed', 200]);
        expect(summary.reasons).toEqual({ reply: 200 });
        expect(summary.refusals).toEqual([{ code: '550', count: 200, sample: expect.stringContaining(words) }]);
        expect(all.every(({ attempts }) => attempts === '1')).toBe(true);
        expect((await hog.messages(0, 50)).total).toBe(0);
        expect(summary.durationMs).toBeLessThan(SECONDS);
      },
      SECONDS + 15_000,
    );

    it(
      'cutting connections now and then: all end, nobody gets two, and sent means that it is there',
      async () => {
        await hog.clear();
        await hog.rage({ DisconnectChance: 0.1 });
        const { summary, results: all } = await campaign('now', 100, '--attempts', '2', '--retry-schedule', '200ms');
        const { sent, failed, unknown } = summary.states;
        expect([summary.phase, sent + failed + unknown]).toEqual(['completed', 100]);
        expect(sent).toBeGreaterThan(0);
        const arrived = byRecipient(await hog.all());
        for (const { email, state } of all) {
          const copies = arrived.get(email)?.length ?? 0;
          if (state === 'sent') expect([email, copies]).toEqual([email, 1]);
          else if (state === 'failed') expect([email, copies]).toEqual([email, 0]);
          else expect(copies).toBeLessThanOrEqual(1);
        }
      },
      SECONDS + 15_000,
    );

    // More than some drops in a row speak of the relay and not of the recipients: these are kept for it until --give-up.
    it.each([
      [20, []],
      [200, ['--give-up', '8s']],
    ] as const)(
      'cutting every connection under %i: all end failed or unknown, in bounded time, and nobody gets two',
      async (count, more) => {
        await hog.clear();
        await hog.rage({ DisconnectChance: 1 });
        const bounds = ['--attempts', '2', '--retry-schedule', '200ms', ...more];
        const { code, summary } = await campaign(`cut${count}`, count, ...bounds);
        const { failed, unknown } = summary.states;
        expect([code, summary.phase, failed + unknown]).toEqual([3, 'completed', count]);
        for (const [email, all] of byRecipient(await hog.all())) expect([email, all.length]).toEqual([email, 1]);
        expect(summary.durationMs).toBeLessThan(SECONDS);
      },
      SECONDS + 15_000,
    );
  });
});
