import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadTemplate } from '../../../src/message/load-template.js';
import { TemplateFaults } from '../../../src/message/source/assemble.js';
import { compileTemplate } from '../../../src/message/template.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanmail-template-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
const load = (campaign = { id: 'c1', name: 'Spring' }) => loadTemplate(join(folder, 'mine'), folder, { campaign });
async function faults(): Promise<string[]> {
  const error = await load().catch((caught: unknown) => caught);
  if (!(error instanceof TemplateFaults)) throw error;
  return error.all.map(({ message }) => message.split('\n')[0] ?? '');
}

it('a folder with a layout, partials, CSS and a file of its own becomes the parts of a message', async () => {
  await write({
    'mine/template.json': JSON.stringify({
      subject: '{{campaign.season}} in {{city}}',
      preheader: 'For <{{city}}> & you',
      from: 'News <news@example.com>',
      replyTo: 'desk@example.com',
      locale: 'de-AT',
      zone: 'Europe/Vienna',
      variables: { season: 'Autumn', name: 'is replaced' },
    }),
    'mine/html.hbs': '{{#> page title=campaign.name}}\n<p>{{number seats}}</p>\n{{> foot}}\n{{/page}}\n',
    'mine/text.hbs': 'Hi {{name}}\n{{> foot}}\n',
    'mine/partials/page.hbs':
      '<html><head><style>p { margin: 0 }</style></head><body class="x"><h1>{{title}}</h1>\n{{> @partial-block}}\n</body></html>\n',
    'mine/partials/foot.html.hbs': '<p>bye</p>\n',
    'mine/partials/foot.text.hbs': '-- \nbye\n',
    'partials/foot.hbs': 'of everybody',
  });
  const source = await load();
  expect(source).toMatchObject({ from: 'News <news@example.com>', replyTo: 'desk@example.com' });
  expect(source.subject).toBe('Autumn in {{city}}');
  expect(source.text).toBe('Hi {{name}}\n-- \nbye\n');
  expect(source.html).toContain('<body class="x"><div style="display:none');
  expect(source.html).toContain('For &lt;{{city}}&gt; &amp; you');
  expect(source.html).toContain(
    '<h1>Spring</h1>\n<p style="margin: 0;">{{number seats}}</p>\n<p style="margin: 0;">bye</p>\n',
  );
  const template = compileTemplate(JSON.parse(JSON.stringify(source)));
  expect(template.needs).toEqual([
    { variable: 'city', file: 'template.json (subject)', line: 1, column: 26 },
    { variable: 'seats', file: 'html.hbs', line: 2, column: 13 },
    { variable: 'name', file: 'text.hbs', line: 1, column: 6 },
  ]);
  const made = template.render({ city: 'Graz', seats: '1234.5', name: 'Ada' });
  expect(made.html).toContain('1\u00a0234,5');
  expect(made.text).toBe('Hi Ada\n-- \nbye\n');
});

it('the text that is made of HTML leaves the preheader out', async () => {
  await write({ 'mine/template.json': '{"subject":"s","preheader":"psst"}', 'mine/html.hbs': '<p>Hi {{name}}</p>' });
  const { text, html } = compileTemplate(await load()).render({ name: 'Ada' });
  expect(html).toContain('psst');
  expect(text).toBe('Hi Ada\n');
});

it('a partial for one kind of part comes before the one for both', async () => {
  await write({ 'mine/subject.hbs': 's', 'mine/html.hbs': '{{> a}} {{> b}}', 'mine/text.hbs': '{{> a}} {{> b}}' });
  await write({ 'mine/partials/a.hbs': 'both', 'mine/partials/a.text.hbs': 'text' });
  await write({ 'mine/partials/b.hbs': 'both', 'mine/partials/b.html.hbs': 'html' });
  expect(await load()).toMatchObject({ html: 'both html', text: 'text both' });
});

it('a partial beside the template is shared by several, and one of its own comes first', async () => {
  await write({ 'mine/text.hbs': '{{> a}} {{> b}}', 'mine/subject.hbs': '{{> a}}' });
  await write({ 'partials/a.hbs': 'shared a', 'partials/b.hbs': 'shared b', 'mine/partials/a.hbs': 'own a' });
  expect(await load()).toMatchObject({ text: 'own a shared b', subject: 'own a' });
});

it('a value that a row lacks is named where it was written', async () => {
  await write({ 'mine/subject.hbs': 's', 'mine/html.hbs': '<p>\n{{> x}}', 'mine/partials/x.hbs': '\n {{missing}}' });
  const template = compileTemplate(await load());
  expect(() => template.render({})).toThrow('partials/x.hbs, line 2, column 4: the row has no value for {{missing}}');
});

it('every file with a fault is told at once, each with its place', async () => {
  await write({
    'mine/subject.hbs': '{{#if a}}',
    'mine/html.hbs': '{{> x}}',
    'mine/text.hbs': 'a\n{{> y}}',
    'mine/partials/x.hbs': '\n\n{{shout a}}',
  });
  expect(await faults()).toEqual([
    expect.stringMatching(/^subject\.hbs, line 1, column \d+: this does not fit/),
    'partials/x.hbs, line 3, column 3: {{shout …}} is an unknown helper',
    'text.hbs, line 2, column 1: there is no partial "y"',
  ]);
});

it('the digest is that of what is sent', async () => {
  await write({ 'mine/subject.hbs': 's', 'mine/text.hbs': '{{> x}}', 'mine/partials/x.hbs': 'a' });
  const digests = new Set([(await load()).digest]);
  const add = async () => digests.add((await load()).digest);
  await write({ 'mine/partials/unused.hbs': 'b' });
  await add();
  expect(digests.size).toBe(1);
  await write({ 'mine/partials/x.hbs': 'b' });
  await add();
  await write({ 'mine/template.json': '{"locale":"de"}' });
  await add();
  expect(digests.size).toBe(3);
});

describe('template.json is refused', () => {
  it.each([
    ['{', 'is no JSON', ''],
    ['[]', 'the file is not allowed', 'an object with subject'],
    ['{"subjct":"x"}', 'has subjct, which is unknown', 'subject, preheader'],
    ['{"subject":"a\\nb"}', 'subject is not allowed', 'one line'],
    ['{"subject":7}', 'subject is not allowed', 'one line'],
    ['{"from":"nobody"}', 'from is not allowed', 'News <news@example.com>'],
    ['{"locale":"xx_"}', 'locale is not allowed', '"pt-BR"'],
    ['{"zone":"Mars/Base"}', 'zone is not allowed', 'Europe/Paris'],
    ['{"variables":{"a b":"x"}}', 'variables', 'letters, digits'],
    ['{"variables":{"a":1}}', 'variables.a is not allowed', '10,000 characters'],
    ['{"variables":{"a":"{{b}}"}}', 'variables.a is not allowed', 'without {{'],
  ])('%s', async (json, message, hint) => {
    await write({ 'mine/template.json': json, 'mine/text.hbs': 'x', 'mine/subject.hbs': 's' });
    const error = await load().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'TEMPLATE_SYNTAX', message: expect.stringContaining(message) });
    expect((error as { hint?: string }).hint ?? '').toContain(hint);
  });

  it('with a subject that subject.hbs has, too', async () => {
    await write({ 'mine/template.json': '{"subject":"a"}', 'mine/text.hbs': 'x', 'mine/subject.hbs': 's' });
    await expect(load()).rejects.toThrow('has a subject in template.json and in subject.hbs');
  });
});

it('a preheader and a subject with a fault name the place in them', async () => {
  await write({ 'mine/template.json': '{"subject":"{{#if x}}","preheader":"{{> x}}"}', 'mine/text.hbs': 'x' });
  expect(await faults()).toEqual([
    expect.stringMatching(/^template\.json \(subject\), line 1/),
    'template.json (preheader), line 1, column 1: there is no partial "x"',
  ]);
});

it('no name of a partial reaches a file outside of its folders', async () => {
  await write({
    'mine/subject.hbs': 's',
    'mine/text.hbs': '{{> [../secret]}}',
    'mine/partials/a.hbs': '',
    'mine/secret.hbs': 'key',
  });
  expect(await faults()).toEqual(['text.hbs, line 1, column 1: there is no partial "../secret"']);
});

it('a partial that can not be read is refused by its path', async () => {
  await write({ 'mine/subject.hbs': 's', 'mine/text.hbs': '{{> a}}', 'mine/partials/b.hbs': '' });
  await symlink('a.hbs', join(folder, 'mine/partials/a.hbs'));
  await expect(load()).rejects.toMatchObject({
    code: 'TEMPLATE_MISSING',
    message: expect.stringContaining('partials/a.hbs'),
  });
});

describe('MJML', () => {
  const body = (inner: string) =>
    `<mjml>\n<mj-head><mj-title>{{title}}</mj-title></mj-head>\n<mj-body>\n${inner}\n</mj-body>\n</mjml>\n`;
  const section = (inner: string) => `<mj-section><mj-column>\n${inner}\n</mj-column></mj-section>`;

  it('becomes HTML with the same {{…}}, partials among them', async () => {
    const inner = section(
      '<mj-text>Hi {{name}}</mj-text>\n<mj-raw>{{#each items}}</mj-raw>\n{{> one text=this}}\n<mj-raw>{{/each}}</mj-raw>',
    );
    await write({
      'mine/subject.hbs': 's',
      'mine/html.mjml': body(inner),
      'mine/partials/one.hbs': '<mj-text>* {{text}}</mj-text>',
    });
    const template = compileTemplate(await load());
    expect(template.needs.map(({ variable, file, line }) => [variable, file, line])).toEqual([
      ['title', 'html.mjml', 2],
      ['name', 'html.mjml', 5],
      ['items', 'html.mjml', 6],
    ]);
    const { html, text } = template.render({ title: 'T', name: 'A&B', items: ['x', 'y'] });
    expect(html).toMatch(/^<!doctype html>[\s\S]*<title>T<\/title>[\s\S]*Hi A&amp;B[\s\S]*\* x[\s\S]*\* y/);
    expect(html).not.toMatch(/<mj-|\{\{/);
    expect(text).toBe('Hi A&B\n* x\n* y\n');
  });

  it.each([
    ['<mj-section><mj-foo>x</mj-foo></mj-section>', 'html.mjml, line 4, column 1: mj-foo: '],
    ['<mj-section colour="x"></mj-section>', 'html.mjml, line 4, column 1: mj-section: '],
    [section('<mj-include path="/etc/hostname" />'), 'html.mjml, line 5, column 1: mj-include is not available'],
    [section('{{> bad}}'), 'partials/bad.hbs, line 2, column 1: mj-foo: '],
  ])('%s is refused with its place', async (inner, message) => {
    await write({
      'mine/subject.hbs': 's',
      'mine/html.mjml': body(inner),
      'mine/partials/bad.hbs': '<mj-text>x</mj-text>\n<mj-foo>x</mj-foo>',
    });
    await expect(load()).rejects.toMatchObject({ code: 'TEMPLATE_SYNTAX', message: expect.stringContaining(message) });
  });

  it('stands in place of html.hbs, not beside it', async () => {
    await write({ 'mine/subject.hbs': 's', 'mine/html.mjml': body(''), 'mine/html.hbs': '' });
    await expect(load()).rejects.toThrow('has html.hbs and html.mjml');
  });
});
