import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newPlace, type Place } from '../support/cli.js';
import { type Action, type ScriptEvent, type ScriptRelay, startScriptRelay } from '../support/script-relay.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const INVOICES = { 17: randomBytes(200_000), 18: randomBytes(70_000), 19: Buffer.from('%PDF nineteen') };
const TERMS = { de: Buffer.from('Bedingungen'), en: Buffer.from('Terms') };
const EACH = 'invoices/{{id}}.pdf,terms/{{lang}}/Conditions générales.txt';
let place: Place;
let relay: ScriptRelay;
let behave: (event: ScriptEvent) => Action | undefined;

function write(path: string, content: string | Buffer): void {
  writeFileSync(join(place.folder, path), content);
}

beforeAll(() => {
  place = newPlace();
  mkdirSync(join(place.folder, 'mine'));
  write('mine/template.json', '{"subject":"Invoice for {{name}}","from":"a@example.com"}');
  write('mine/text.hbs', 'Dear {{name}}');
  for (const folder of ['invoices', 'terms/de', 'terms/en']) mkdirSync(join(place.folder, folder), { recursive: true });
  for (const [id, content] of Object.entries(INVOICES)) write(`invoices/${id}.pdf`, content);
  for (const [lang, content] of Object.entries(TERMS)) write(`terms/${lang}/Conditions générales.txt`, content);
  write('extra.txt', 'extra');
  write('secret.pdf', 'of somebody else');
  write(
    'people.csv',
    'email,name,id,lang\na@example.net,Ada,17,de\nb@example.net,Bo,18,en\nnot-one,Cy,20,en\nc@example.net,Di,19,de\n',
  );
});
afterAll(() => place.clear());
beforeEach(async () => {
  behave = () => undefined;
  relay = await startScriptRelay({ contents: true, behave: (event) => behave(event) });
});
afterEach(() => relay.stop());

const launch = (list: string, attach: string, ...more: string[]) =>
  place.run([
    ...['launch', list, '--template', './mine', '--smtp', `smtp://127.0.0.1:${relay.port}`, '--attach', attach],
    ...more,
  ]);

/** Subject, and name, type and content of what it carries. */
async function seen(message: Buffer) {
  const { subject, text, attachments } = await simpleParser(message);
  expect(text).toMatch(/^Dear /);
  return [subject, ...attachments.map(({ filename, contentType, content }) => [filename, contentType, content])];
}

const carried = (name: string, id: keyof typeof INVOICES, lang: keyof typeof TERMS) => [
  `Invoice for ${name}`,
  ['extra.txt', 'text/plain', Buffer.from('extra')],
  [`${id}.pdf`, 'application/pdf', INVOICES[id]],
  ['Conditions générales.txt', 'text/plain', TERMS[lang]],
];

describe('a campaign with a file for each recipient', () => {
  it('sends to everyone their own, in a further round, too, though the files are gone by then', async () => {
    behave = ({ stage, address }) =>
      stage === 'rcpt' && address.startsWith('b') ? { reply: '550 5.7.1 no' } : undefined;
    // A row that is not sent to needs no file.
    const run = await launch('people.csv', `extra.txt,${EACH}`, '--id', 'own', '--chunk-size', '2');
    expect([run.code, run.err]).toEqual([3, expect.stringContaining('Staged 3 of 4 rows in 2 chunks')]);
    const sent = await Promise.all(relay.contents.map(seen));
    expect(sent.sort()).toEqual([carried('Ada', 17, 'de'), carried('Di', 19, 'de')]);

    rmSync(join(place.folder, 'invoices/18.pdf'));
    behave = () => undefined;
    const again = await place.run(['retry', 'own', '--smtp', `smtp://127.0.0.1:${relay.port}`]);
    expect([again.code, again.err]).toEqual([0, expect.anything()]);
    expect(await Promise.all(relay.contents.slice(2).map(seen))).toEqual([carried('Bo', 18, 'en')]);
    write('invoices/18.pdf', INVOICES[18]);
  });

  it('calls a link within the folder by its own name', async () => {
    symlinkSync('19.pdf', join(place.folder, 'invoices/Ada.pdf'));
    const options = ['--template', './mine', '--attach', 'invoices/{{name}}.pdf'];
    const preview = await place.run(['preview', 'people.csv', ...options, '--out', 'ada.eml']);
    expect([preview.code, preview.err]).toEqual([0, expect.anything()]);
    const [, file] = await seen(readFileSync(join(place.folder, 'ada.eml')));
    expect(file).toEqual(['Ada.pdf', 'application/pdf', INVOICES[19]]);
  });

  it('shows them in a preview, a dry run and a test', async () => {
    const options = ['--template', './mine', '--attach', `extra.txt,${EACH}`];
    const preview = await place.run(['preview', 'people.csv', ...options, '--row', '2', '--out', 'bo.eml']);
    expect([preview.code, preview.err]).toEqual([0, expect.anything()]);
    expect(await seen(readFileSync(join(place.folder, 'bo.eml')))).toEqual(carried('Bo', 18, 'en'));

    const dry = JSON.parse((await launch('people.csv', `extra.txt,${EACH}`, '--dry-run', '--json')).out);
    expect(await seen(Buffer.from(dry.sample))).toEqual(carried('Ada', 17, 'de'));
    // In base64, and the one of two recipients once.
    expect(dry.redisBytes).toBeGreaterThan((270_000 * 78) / 57);
    expect(dry.redisBytes).toBeLessThan((270_000 * 78) / 57 + 2_000);

    const test = await launch('people.csv', `extra.txt,${EACH}`, '--test-to', 'me@example.org', '--rows', '2');
    expect([test.code, relay.contents.length]).toEqual([0, 2]);
    const marked = await Promise.all(relay.contents.map(seen));
    expect(marked.map(([, ...files]) => files)).toEqual([
      carried('Ada', 17, 'de').slice(1),
      carried('Bo', 18, 'en').slice(1),
    ]);
  });
});

describe('what can not be attached', () => {
  it.each([
    [
      'is not there',
      'x@example.net,Al,21,en',
      EACH,
      /line 3 \(x@example\.net\): invoices\/21\.pdf can't be read: ENOENT/,
    ],
    ['lies elsewhere', 'x@example.net,Al,../secret,en', EACH, /line 3 .*: secret\.pdf leads out of invoices/],
    [
      'is linked elsewhere',
      'x@example.net,Al,linked,en',
      EACH,
      /line 3 .*: invoices\/linked\.pdf leads out of invoices/,
    ],
    ['is a folder', 'x@example.net,Al,folder,en', EACH, /line 3 .*: invoices\/folder\.pdf is no file/],
    ['has no name', 'x@example.net,Al,,en', EACH, /line 3 \(x@example\.net\) has "" as "id"/],
    ['has control characters', 'x@example.net,Al,"a\nb",en', EACH, /line 3 .*: "invoices\/a\\nb\.pdf" has control/],
    ['is too large', 'x@example.net,Al,large,en', EACH, /line 3 .*: invoices\/large\.pdf has 19000000 bytes/],
    [
      'needs a column',
      'x@example.net,Al,17,en',
      'invoices/{{nr}}.pdf',
      /--attach uses \{\{nr\}\}, and .* no such column/,
    ],
    ['is in no folder', 'x@example.net,Al,17,en', 'bills/{{id}}.pdf', /there is no folder .*\/bills/],
    [
      'uses a helper',
      'x@example.net,Al,17,en',
      'invoices/{{number id}}.pdf',
      /--attach can't be .*: .* is no variable/,
    ],
  ])('is refused before the seal: a file that %s', async (_, row, attach, said) => {
    symlinkSync('../secret.pdf', join(place.folder, 'invoices/linked.pdf'));
    mkdirSync(join(place.folder, 'invoices/folder.pdf'));
    write('invoices/large.pdf', Buffer.alloc(19_000_000));
    write('invoices/a\nb.pdf', 'x');
    write('list.csv', `email,name,id,lang\na@example.net,Ada,17,de\n${row}\n`);
    try {
      const run = await launch('list.csv', attach, '--id', 'wrong');
      expect([run.code, run.err]).toEqual([2, expect.stringMatching(said)]);
      expect((await place.run(['progress', 'wrong'])).err).toContain('CAMPAIGN_UNKNOWN');
      expect(relay.contents).toEqual([]);
    } finally {
      for (const name of ['linked.pdf', 'folder.pdf', 'large.pdf', 'a\nb.pdf'])
        rmSync(join(place.folder, 'invoices', name), { recursive: true });
    }
  });

  it('is refused before the seal where the relay takes less', async () => {
    await relay.stop();
    relay = await startScriptRelay({ contents: true, extensions: ['PIPELINING', 'SIZE 150000'] });
    write('list.csv', 'email,name,id,lang\nb@example.net,Bo,18,de\na@example.net,Ada,17,de\n');
    const run = await launch('list.csv', EACH, '--id', 'wrong');
    const said = /line 3 \(a@example\.net\): its message has more than 27\d,\d{3} bytes, and .* takes 150,000/s;
    expect([run.code, run.err]).toEqual([2, expect.stringMatching(said)]);
    expect(relay.contents).toEqual([]);
  });

  it('is all told by a check', async () => {
    write(
      'list.csv',
      'email,name,id,lang\na@example.net,Ada,17,de\nb@example.net,Bo,21,en\nc@example.net,Di,../secret,de\n',
    );
    const options = ['--template', './mine', '--attach', EACH];
    const run = await place.run(['check', 'list.csv', ...options, '--json']);
    const found = JSON.parse(run.out).findings.find(({ code }: { code: string }) => code === 'ATTACHMENT_INVALID');
    expect([run.code, found]).toEqual([
      2,
      {
        ...{ severity: 'refusal', code: 'ATTACHMENT_INVALID', message: "2 rows whose own file can't be attached" },
        ...{ hint: 'Name a file that is there.', rows: 2 },
        samples: [
          { line: 3, text: "b@example.net: invoices/21.pdf can't be read: ENOENT" },
          { line: 4, text: expect.stringMatching(/^c@example\.net: secret\.pdf leads out of invoices/) },
        ],
      },
    ]);
  });
});
