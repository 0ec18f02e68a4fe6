import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadTemplate } from '../../src/message/load-template.js';
import { compileTemplate } from '../../src/message/template.js';

const TEMPLATES = fileURLToPath(new URL('../../templates', import.meta.url));

let folder: string;
let shipped: string;
const cwd = process.cwd();

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanmail-templates-'));
  shipped = join(folder, 'shipped');
  await write('shipped/plain/subject.hbs', 'shipped');
  await write('shipped/plain/text.hbs', 'text');
  await write('shipped/fancy/html.hbs', '<p>');
  await mkdir(join(folder, 'here'));
  process.chdir(join(folder, 'here'));
});

afterEach(async () => {
  process.chdir(cwd);
  await rm(folder, { recursive: true });
});

describe('loading a template', () => {
  it('reads the parts that there are', async () => {
    await write('mine/subject.hbs', '\uFEFFHi {{x}}\n');
    await write('mine/html.hbs', '<p>ü</p>');
    const source = await loadTemplate(join(folder, 'mine'), shipped);
    expect(source).toMatchObject({ name: 'mine', subject: 'Hi {{x}}\n', html: '<p>ü</p>', text: null });
    expect(source.digest).toMatch(/^[0-9a-f]{64}$/);
    const { contents, ...told } = source;
    expect(contents.size).toBe(0);
    expect(JSON.parse(JSON.stringify(told))).toEqual(told);
  });

  it('has another digest when any part differs', async () => {
    await write('mine/subject.hbs', 'a');
    await write('mine/text.hbs', 'b');
    const digests = new Set<string>();
    const digest = async () => digests.add((await loadTemplate('../mine', shipped)).digest);
    await digest();
    await write('mine/subject.hbs', 'A');
    await digest();
    await write('mine/text.hbs', 'B');
    await digest();
    await write('mine/html.hbs', '');
    await digest();
    expect(digests.size).toBe(4);
  });

  it('looks for a name in the current folder first, then among the shipped ones', async () => {
    expect((await loadTemplate('plain', shipped)).subject).toBe('shipped');
    await mkdir(join(folder, 'here/plain'));
    expect((await loadTemplate('plain', shipped)).subject).toBe('shipped');
    await write('here/plain/subject.hbs', 'own');
    await write('here/plain/text.hbs', 'own');
    expect((await loadTemplate('plain', shipped)).subject).toBe('own');
  });

  it('takes a subject by option in place of the file, or without one', async () => {
    expect((await loadTemplate('plain', shipped, { subject: 'Other' })).subject).toBe('Other');
    expect((await loadTemplate('fancy', shipped, { subject: 'Other' })).subject).toBe('Other');
    await expect(loadTemplate('fancy', shipped)).rejects.toMatchObject({
      code: 'TEMPLATE_MISSING',
      message: expect.stringContaining('fancy has no subject.hbs'),
    });
  });

  it('says what it looked for, and lists the shipped ones', async () => {
    await expect(loadTemplate('plian', shipped)).rejects.toMatchObject({
      code: 'TEMPLATE_MISSING',
      message: expect.stringMatching(/"plian".*here\/plian\/\{html,text\}\.hbs.*shipped\/plian/),
      hint: expect.stringContaining('fancy, plain.'),
    });
    // A path is not looked for among the shipped ones.
    await expect(loadTemplate('./plain', shipped)).rejects.toMatchObject({
      message: expect.not.stringContaining('shipped/plain'),
    });
  });

  it('takes parts of up to 1 MB, and refuses larger ones', async () => {
    await write('mine/subject.hbs', 'x');
    await write('mine/text.hbs', 'x'.repeat(1_048_576));
    expect((await loadTemplate('../mine', shipped)).text).toHaveLength(1_048_576);
    await write('mine/text.hbs', 'x'.repeat(1_048_577));
    await expect(loadTemplate('../mine', shipped)).rejects.toMatchObject({
      code: 'TEMPLATE_SYNTAX',
      message: expect.stringContaining('1048577 bytes; allowed are 1048576'),
    });
  });

  it('refuses a part that is not UTF-8', async () => {
    await write('mine/text.hbs', Buffer.from([0x47, 0xfc, 0x6e]));
    await expect(loadTemplate('../mine', shipped, { subject: 'x' })).rejects.toMatchObject({
      code: 'TEMPLATE_SYNTAX',
      message: expect.stringContaining('text.hbs is not UTF-8'),
    });
  });
});

describe('the templates that come along', () => {
  const sample = { first_name: 'Ada', city: 'Lisbon', plan: 'Plus' };

  it.each([
    ['newsletter', ['city', 'first_name', 'plan']],
    ['notice', ['first_name']],
  ])('%s compiles, needs what it should, and renders', async (name, variables) => {
    const template = compileTemplate(await loadTemplate(name, TEMPLATES));
    expect(template.needs.map((need) => need.variable).sort()).toEqual(variables);
    const { subject, html, text } = template.render(sample);
    for (const part of [subject, html, text]) expect(part ?? '').not.toContain('{{');
    expect(text).toContain('Ada');
  });

  it('the newsletter has lines that need no encoding, and makes a readable text of its HTML', async () => {
    const source = await loadTemplate('newsletter', TEMPLATES);
    expect(Math.max(...(source.html ?? '').split('\n').map((line) => line.length))).toBeLessThan(900);
    const { text } = compileTemplate({ ...source, text: null }).render(sample);
    expect(text).toContain('Good to see you, Ada\n\nThe markets are back');
    expect(text).not.toMatch(/\n{3}|[ \t]\n|worth your time/);
  });
});
