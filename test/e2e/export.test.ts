import { createWriteStream, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newPlace, type Place, until } from '../support/cli.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ROWS = 200_000;
/** Less than the lines of all would take. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=20 --max-semi-space-size=2' };

const LAUNCH = ['--template', './hello', '--from', 'me@example.com', '--smtp', 'smtp://127.0.0.1:9'];

let place: Place;

beforeAll(async () => {
  place = newPlace();
  mkdirSync(join(place.folder, 'hello'));
  for (const part of ['subject', 'text']) writeFileSync(join(place.folder, 'hello', `${part}.hbs`), 'Hello\n');
  const list = createWriteStream(join(place.folder, 'people.csv'));
  list.write('email,first_name\n');
  for (let i = 0; i < ROWS; i++) list.write(`user${i}@${i % 10 === 0 ? 'gmail.com' : 'example.com'},Name ${i}\n`);
  await finished(list.end());
  const { code, err } = await place.run(['launch', 'people.csv', ...LAUNCH, '--id', 'large', '--detach']);
  expect([code, err]).toEqual([0, expect.stringContaining('Staged 200,000')]);
});
afterAll(() => place.clear());

describe('export', () => {
  it('writes 200,000 recipients of a campaign that has not ended with a small heap', async () => {
    const { code, out, err } = await place.run(['export', 'large'], SMALL_HEAP);
    expect([code, err]).toEqual([0, 'Exported 200,000 of 200,000 recipients.\n']);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(ROWS + 1);
    expect(lines[0]).toBe('email,state,code,attempts,message_id,time,reason,reply');
    expect(lines[ROWS]).toMatch(/^user199999@example\.com,pending,,0,<[\w-]{22}@example\.com>,,,$/);
  });

  it('writes a list to launch again, and nothing else', async () => {
    const where = ['--where', 'state=pending and domain=gmail.com and not email~user1', '--columns', 'email'];
    const { code, out, err } = await place.run(['export', 'large', ...where, '--out', 'again.csv']);
    const path = join(place.folder, 'again.csv');
    expect([code, out]).toEqual([0, '']);
    const [header, ...emails] = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(header).toBe('email');
    expect(err).toMatch(/^Exported 8,889 of 200,000 recipients to .*again\.csv\.\n$/);
    expect(emails).toHaveLength(8_889);
    expect(emails.every((email) => /^user(?!1)\d*0@gmail\.com$/.test(email))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const check = await place.run(['launch', 'again.csv', ...LAUNCH, '--dry-run']);
    expect(check.err).toContain('Would stage 8,889 of 8,889 rows');
  });

  it('refuses a file that can not be written, and says which', async () => {
    const { code, err } = await place.run(['export', 'large', '--out', 'people.csv/again.csv']);
    expect(code).toBe(2);
    expect(err).toMatch(/--out can't be ".*people\.csv\/again\.csv": E\w+\n.*\n.*\(OPTION_INVALID\)/);
  });

  it('ends quietly where nobody reads on', async () => {
    const running = place.start(['export', 'large', '--format', 'ndjson']);
    running.child.stdout?.once('data', () => running.child.stdout?.destroy());
    const { code, out, err } = await running.ended;
    expect([code, err]).toEqual([0, '']);
    expect(out.length).toBeLessThan(1_000_000);
    expect(JSON.parse(out.split('\n')[0] ?? '')).toMatchObject({ email: 'user0@gmail.com', state: 'pending' });
  });

  it('waits for a reader that is slow', async () => {
    const running = place.start(['export', 'large', '--format', 'ndjson'], SMALL_HEAP);
    running.child.stdout?.pause();
    await until(async () => (running.child.stdout?.readableLength ? true : null), 'the first bytes');
    running.child.stdout?.resume();
    const { code, out } = await running.ended;
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n')).toHaveLength(ROWS);
  });

  it.each([
    [['--columns', 'email,sate'], 'Did you mean state?', 'OPTION_INVALID'],
    [['--format', 'html'], 'Allowed: csv or ndjson.', 'OPTION_INVALID'],
    [['--where', 'stat=sent'], 'did you mean state?', 'CONDITION_INVALID'],
  ])('refuses %j', async (args, hint, error) => {
    const { code, out, err } = await place.run(['export', 'large', ...args]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(hint);
    expect(err).toContain(`(${error})`);
  });

  it('takes its columns from the command line, and not from what is said of lists', async () => {
    const { out } = await place.run(['export', 'large', '--where', 'email=user3@example.com'], {
      FANMAIL_COLUMNS: 'a,b',
    });
    expect(out.split('\n')[0]).toBe('email,state,code,attempts,message_id,time,reason,reply');
  });
});
