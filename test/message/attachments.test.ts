import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComposer } from '../../src/message/composer.js';
import { encodeFile } from '../../src/message/file-part.js';
import { loadTemplate } from '../../src/message/load-template.js';
import { compileTemplate } from '../../src/message/template.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanmail-files-'));
  await write({ 'mine/subject.hbs': 's', 'mine/html.hbs': '<p>Hi {{name}}</p>', 'mine/text.hbs': 'Hi {{name}}' });
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

const load = (...attach: string[]) =>
  loadTemplate(join(folder, 'mine'), folder, { attach: attach.map((path) => join(folder, path)) });

/** The message as a mail program sees it, and as it is. */
async function composed(...attach: string[]) {
  const { contents, ...source } = await load(...attach);
  const template = compileTemplate(source);
  const composer = createComposer({
    ...{ template, files: source.files, contents, from: 'news@example.com', replyTo: null },
    ...{ campaignId: 'c', salt: 's' },
  });
  const message = composer.compose({ line: 2, address: 'ada@example.com', variables: { name: 'Ada' } });
  // Contents come from Redis as they are: the transport has to look through them.
  expect(message.dotless).toBe(false);
  const raw = message.content;
  return { mail: await simpleParser(raw, { skipImageLinks: true }), raw: raw.toString('latin1'), source, contents };
}

describe('files in the template, and named beside it', () => {
  it('are in every message as they are', async () => {
    const files = { 'one.bin': randomBytes(100_003), 'two.pdf': Buffer.from('%PDF'), 'empty.txt': Buffer.alloc(0) };
    await write({ 'mine/attachments/one.bin': files['one.bin'], 'mine/attachments/two.pdf': files['two.pdf'] });
    await write({ 'empty.txt': files['empty.txt'], 'mine/attachments/.DS_Store': 'x', 'mine/attachments/sub/x': 'x' });
    const { mail, raw } = await composed('empty.txt');
    expect(mail.attachments.map(({ filename, contentType }) => [filename, contentType])).toEqual([
      ['one.bin', 'application/octet-stream'],
      ['two.pdf', 'application/pdf'],
      ['empty.txt', 'text/plain'],
    ]);
    for (const { filename, content } of mail.attachments)
      expect(content.equals(files[filename as keyof typeof files])).toBe(true);
    expect([mail.text, mail.html]).toEqual(['Hi Ada\n', '<p>Hi Ada</p>\n']);
    expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(78);
    expect(raw).not.toMatch(/[^\r]\n/);
    expect(raw.endsWith('--\r\n')).toBe(true);
  });

  it('have their names, whatever these hold', async () => {
    const names = ['Rechnung für Ä 2026.pdf', `${'a-long-name '.repeat(10)}.txt`, `quote"'; x=y.txt`];
    await write(Object.fromEntries(names.map((name) => [`mine/attachments/${name}`, name])));
    const { mail, raw } = await composed();
    expect(mail.attachments.map(({ filename }) => filename).sort()).toEqual([...names].sort());
    expect(raw).toMatch(/^[\t\r\n -~]*$/);
  });

  it('are kept once, whatever their names, and told by their digest', async () => {
    await write({ 'mine/attachments/a.txt': 'same', 'mine/attachments/b.txt': 'same', 'c.txt': 'same' });
    const { source, contents } = await composed('c.txt');
    expect(source.files?.map(({ name }) => name)).toEqual(['a.txt', 'b.txt', 'c.txt']);
    expect(contents.size).toBe(1);
    const before = (await load()).digest;
    await write({ 'mine/attachments/a.txt': 'other' });
    expect((await load()).digest).not.toBe(before);
  });

  it('stand beside a text alone', async () => {
    await rm(join(folder, 'mine/html.hbs'));
    await write({ 'mine/attachments/a.txt': 'x' });
    const { mail, raw } = await composed();
    expect([mail.text, mail.attachments.length]).toEqual(['Hi Ada\n', 1]);
    expect(raw).not.toContain('multipart/alternative');
  });
});

describe('pictures that the HTML shows', () => {
  it('are related to it, and not attached', async () => {
    const html = '<img src="cid:logo.png" alt=""><td background="cid:back-1.jpg"><img src="cid:logo.png" alt="">';
    await write({ 'mine/html.hbs': html, 'mine/images/logo.png': 'PNG', 'mine/images/back-1.jpg': 'JPG' });
    await write({ 'mine/images/unused.png': 'x', 'mine/attachments/a.txt': 'x' });
    const { mail, raw } = await composed();
    const [logo, back, attached] = mail.attachments;
    expect([logo?.contentType, logo?.related, String(logo?.content)]).toEqual(['image/png', true, 'PNG']);
    expect([back?.contentType, back?.related, String(back?.content)]).toEqual(['image/jpeg', true, 'JPG']);
    expect([attached?.filename, attached?.related ?? false]).toEqual(['a.txt', false]);
    expect(mail.attachments).toHaveLength(3);
    expect(mail.html).toBe(
      html.replaceAll('logo.png', `${logo?.cid}`).replace('back-1.jpg', `${back?.cid}`).concat('\n'),
    );
    expect(raw.match(/Content-Type: multipart\/\w+/g)).toEqual(
      ['mixed', 'alternative', 'related'].map((kind) => `Content-Type: multipart/${kind}`),
    );
    expect(new Set(raw.match(/(?<=boundary=").+(?=")/g)).size).toBe(3);
  });

  it('that are not there are refused, with the line and what there is', async () => {
    await write({ 'mine/html.hbs': '<p>\n<img src="cid:lgo.png">' });
    await expect(load()).rejects.toMatchObject({
      code: 'ATTACHMENT_INVALID',
      message: 'the HTML shows cid:lgo.png (line 2), and there is no images/lgo.png',
      hint: 'The template has no folder images.',
    });
    await write({ 'mine/images/logo.png': 'PNG' });
    await expect(load()).rejects.toMatchObject({ hint: 'There are logo.png.' });
  });
});

describe('is refused before anything is staged', () => {
  it('a file that is not there, a folder, and one that is too large', async () => {
    await expect(load('none.pdf')).rejects.toMatchObject({
      code: 'ATTACHMENT_INVALID',
      message: expect.stringMatching(/none\.pdf can't be read: ENOENT/),
    });
    await expect(load('mine')).rejects.toThrow('mine is no file');
    await write({
      'large.bin': Buffer.alloc(18 * 1024 * 1024 + 1),
      'a.txt': 'x',
      'most.bin': Buffer.alloc(18 * 1024 * 1024),
    });
    await expect(load('large.bin')).rejects.toThrow('18874369 bytes, and all together may have 18874368');
    await expect(load('a.txt', 'most.bin')).rejects.toThrow('18874368 bytes, and all together');
    expect((await load('most.bin')).files).toHaveLength(1);
  });

  it('a link that leads out of the template', async () => {
    await write({ 'secret.txt': 'key', 'mine/attachments/a.txt': 'x', 'mine/real.txt': 'inside' });
    await symlink('../real.txt', join(folder, 'mine/attachments/inside.txt'));
    expect((await load()).files?.map(({ name }) => name)).toEqual(['a.txt', 'inside.txt']);
    await symlink('../../secret.txt', join(folder, 'mine/attachments/out.txt'));
    await expect(load()).rejects.toThrow(/attachments\/out\.txt leads out of the template, to .*secret\.txt/);
    await rm(join(folder, 'mine/attachments/out.txt'));
    await mkdir(join(folder, 'mine/images'));
    await symlink('/etc/hostname', join(folder, 'mine/images/x.png'));
    await write({ 'mine/html.hbs': '<img src="cid:x.png">' });
    await expect(load()).rejects.toThrow('leads out of the template, to /etc/hostname');
  });

  it('a link that leads nowhere', async () => {
    await mkdir(join(folder, 'mine/attachments'));
    await symlink('gone.txt', join(folder, 'mine/attachments/x.txt'));
    await expect(load()).rejects.toMatchObject({ code: 'ATTACHMENT_INVALID' });
  });
});

it.each([0, 1, 56, 57, 58, 114, 1000])('a content of %d bytes is encoded in lines of 76', (bytes) => {
  const content = randomBytes(bytes);
  const encoded = encodeFile(content).toString('latin1');
  expect(Buffer.from(encoded, 'base64').equals(content)).toBe(true);
  for (const line of encoded.split('\r\n').slice(0, -2)) expect(line).toHaveLength(76);
  expect(bytes === 0 ? encoded : encoded.slice(-2)).toBe(bytes === 0 ? '' : '\r\n');
});
