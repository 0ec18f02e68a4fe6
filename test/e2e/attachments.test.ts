import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newPlace, type Place } from '../support/cli.js';
import { type Action, type ScriptEvent, type ScriptRelay, startScriptRelay } from '../support/script-relay.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PDF = randomBytes(300_000);
const LOGO = randomBytes(5_000);
let place: Place;
let relay: ScriptRelay;
let behave: (event: ScriptEvent) => Action | undefined;

beforeAll(() => {
  place = newPlace();
  const folder = join(place.folder, 'mine');
  for (const sub of ['attachments', 'images']) mkdirSync(join(folder, sub), { recursive: true });
  writeFileSync(
    join(folder, 'template.json'),
    '{"subject":"{{number seats}} for {{name}}","from":"a@example.com","locale":"de"}',
  );
  writeFileSync(join(folder, 'html.hbs'), '<p>{{name}} <img src="cid:logo.png" alt="us"></p>');
  writeFileSync(join(folder, 'attachments/terms.pdf'), PDF);
  writeFileSync(join(folder, 'images/logo.png'), LOGO);
  writeFileSync(join(place.folder, 'extra.txt'), 'extra');
  writeFileSync(join(place.folder, 'people.csv'), 'email,name,seats\na@example.net,Ada,1234.5\nb@example.net,Bo,2\n');
});
afterAll(() => place.clear());
beforeEach(async () => {
  behave = () => undefined;
  relay = await startScriptRelay({ contents: true, behave: (event) => behave(event) });
});
afterEach(() => relay.stop());

const launch = (...more: string[]) =>
  place.run(['launch', 'people.csv', '--template', './mine', '--smtp', `smtp://127.0.0.1:${relay.port}`, ...more]);

async function seen(content: Buffer) {
  const { subject, attachments } = await simpleParser(content);
  return [subject, attachments.map(({ filename, related, content }) => [filename, related ?? false, content.length])];
}

describe('a campaign whose messages carry files', () => {
  it('sends them to everyone, in a further round, too, though the files are gone by then', async () => {
    behave = ({ stage, address }) =>
      stage === 'rcpt' && address.startsWith('b') ? { reply: '550 5.7.1 no' } : undefined;
    const run = await launch('--attach', 'extra.txt', '--id', 'files');
    expect([run.code, run.err]).toEqual([3, expect.stringContaining('Staged 2 of 2')]);
    const files = [
      ['logo.png', true, LOGO.length],
      ['terms.pdf', false, PDF.length],
      ['extra.txt', false, 5],
    ];
    expect(await Promise.all(relay.contents.map(seen))).toEqual([['1.234,5 for Ada', files]]);

    rmSync(join(place.folder, 'extra.txt'));
    behave = () => undefined;
    const again = await place.run(['retry', 'files', '--smtp', `smtp://127.0.0.1:${relay.port}`]);
    expect([again.code, again.err]).toEqual([0, expect.anything()]);
    expect(await Promise.all(relay.contents.slice(1).map(seen))).toEqual([['2 for Bo', files]]);
    writeFileSync(join(place.folder, 'extra.txt'), 'extra');
  });

  it('is refused before anything is staged where the relay takes less', async () => {
    await relay.stop();
    relay = await startScriptRelay({ contents: true, extensions: ['PIPELINING', 'SIZE 400000'] });
    const run = await launch('--id', 'large');
    expect([run.code, run.err]).toEqual([
      2,
      expect.stringMatching(/a message has more than 41\d,\d{3} bytes, and .*127\.0\.0\.1.* takes 400,000/s),
    ]);
    expect((await place.run(['progress', 'large'])).code).toBe(2);
    expect(relay.contents).toEqual([]);
  });

  it('waits for a relay that can not be reached, as any other', async () => {
    const { port } = relay;
    await relay.stop();
    const run = await launch('--id', 'waits', '--detach');
    expect(run.code).toBe(0);
    relay = await startScriptRelay({ contents: true, port });
    expect((await place.run(['attach', 'waits', '--smtp', `smtp://127.0.0.1:${port}`])).code).toBe(0);
    expect(relay.contents).toHaveLength(2);
  });

  it('shows pictures in a preview, where no message is around it', async () => {
    const run = await place.run(['preview', 'people.csv', '--template', './mine', '--out', 'page.html']);
    expect([run.code, run.err]).toEqual([0, expect.anything()]);
    const page = readFileSync(join(place.folder, 'page.html'), 'utf8');
    expect(page).toContain(`<img src="data:image/png;base64,${LOGO.toString('base64')}" alt="us">`);
  });

  it('shows them in a dry run and a test', async () => {
    const dry = await launch('--dry-run', '--json');
    const { sample } = JSON.parse(dry.out);
    expect((await seen(Buffer.from(sample)))[1]).toHaveLength(2);
    const test = await launch('--test-to', 'me@example.org', '--rows', '1');
    expect([test.code, relay.contents.length]).toEqual([0, 1]);
    expect((await seen(relay.contents[0] as Buffer))[1]).toHaveLength(2);
  });
});
