import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/command-line.js';
import { makePlan } from '../../src/cli/plan.js';
import { openTerminal } from '../../src/cli/terminal.js';
import { resolveSettings } from '../../src/config/settings.js';
import { windows1252 } from '../recipients/support.js';
import { blocks, codes, page } from './markdown.js';
import { callsIn } from './shell.js';

const LISTS = page('docs/how-to/lists.md');
const shown = (language: string) => blocks(LISTS).filter((block) => block.language === language);
const ENV = { FANMAIL_FROM: 'news@example.com', SMTP_URL: 'smtp://localhost:1025' };

describe('a call of fanmail in the page on lists', () => {
  const calls = shown('sh').flatMap(({ text }) => callsIn(text.replace(/^.*\| fanmail/gm, 'fanmail')));
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fanmail-lists-'));
    mkdirSync(join(folder, 'hello'));
    writeFileSync(join(folder, 'hello/subject.hbs'), 'Hello {{name}}');
    writeFileSync(join(folder, 'hello/text.hbs'), 'Hello {{name}}');
    writeFileSync(join(folder, 'bare.csv'), shown('csv')[0]?.text ?? '');
    writeFileSync(join(folder, 'western.csv'), windows1252('email;name\r\nann@example.com;Jörg\r\n'));
    writeFileSync(join(folder, 'people.csv.gz'), gzipSync('email,name\nann@example.com,Ann\n'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is found', () => {
    expect(calls.length).toBeGreaterThan(4);
  });

  it.each(calls)('reads its list: $line', async ({ args }) => {
    const parsed = await parseCommand(args, openTerminal(false));
    if (parsed?.command !== 'launch') throw new Error('it is no launch');
    const settings = resolveSettings('launch', parsed.flags, { env: ENV, cwd: folder });
    // The piped one is read from its file: standard input is the test runner's.
    const list = join(folder, settings.list === '-' ? 'people.csv.gz' : settings.list);
    const plan = await makePlan(
      { ...settings, list, template: join(folder, settings.template) },
      { id: 'x', name: 'x' },
    );
    const rows = [];
    for await (const batch of plan.list.batches()) rows.push(...batch);
    expect(rows.map(({ kind }) => kind)).not.toContain('reject');
    expect(rows.length).toBeGreaterThan(0);
    const notice = plan.list.notice?.replaceAll(`${folder}/`, '') ?? null;
    const expected =
      settings.list === 'western.csv' && settings.encoding === 'auto' ? shown('text')[0]?.text.trim() : null;
    expect(notice).toBe(expected);
  });

  it('knows every reason that it names', () => {
    const reference = codes(page('docs/reference.md'));
    for (const reason of codes(LISTS).filter((word) => /^(row|local)-[a-z-]+$|^no-at$/.test(word)))
      expect(reference).toContain(reason);
  });
});
