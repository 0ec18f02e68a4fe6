import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { windows1252 } from '../recipients/support.js';
import { newPlace, type Place } from '../support/cli.js';
import { type ScriptRelay, startScriptRelay } from '../support/script-relay.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Place;
let relay: ScriptRelay;

beforeAll(async () => {
  place = newPlace();
  relay = await startScriptRelay({ contents: true });
  mkdirSync(join(place.folder, 'hello'));
  writeFileSync(join(place.folder, 'hello/subject.hbs'), 'Hello');
  writeFileSync(join(place.folder, 'hello/text.hbs'), 'Hello {{name}}');
  writeFileSync(join(place.folder, 'western.csv'), windows1252('ann@example.com;Zoë\r\njörg@example.com;Jörg\r\n'));
});
afterAll(async () => {
  await relay.stop();
  await place.clear();
});

it('launch says what it guessed, and a recipient outside ASCII fails where the relay has no SMTPUTF8', async () => {
  const smtp = `smtp://127.0.0.1:${relay.port}`;
  const args = ['launch', 'western.csv', '--columns', 'email,name', '--template', './hello', '--from', 'n@example.com'];
  const { code, err } = await place.run([...args, '--smtp', smtp, '--id', 'western', '--yes']);
  expect(code, err).toBe(3);
  expect(err).toContain('western.csv is not UTF-8 (see line 1) and is read as Windows-1252');
  expect(relay.accepted).toBe(1);
  expect(String(relay.contents[0])).toContain('Hello Zo=C3=AB');
  const results = readFileSync(join(place.folder, 'fanmail-results/western/results.csv'), 'utf8');
  expect(results).toMatch(/^jörg@example\.com,failed,553 5\.6\.7,1,.*SMTPUTF8"$/m);
});

it('a list of many megabytes, whose rows a thread packs, is staged, rejected and refused as any other', async () => {
  const name = 'x'.repeat(70);
  const rows = Array.from({ length: 100_000 }, (_, n) => `u${n % 99_999}@example.com,${name}`);
  const text = ['email,name', ...rows, ''].join('\n');
  expect(text.length).toBeGreaterThan(8 * 1024 * 1024);
  writeFileSync(join(place.folder, 'long.csv'), text);
  writeFileSync(join(place.folder, 'broken.csv'), `${text}z@example.com,"never closed\n`);
  const args = ['--template', './hello', '--from', 'n@example.com', '--smtp', `smtp://127.0.0.1:${relay.port}`];
  const staged = await place.run(['launch', 'long.csv', ...args, '--dry-run']);
  expect(staged.code, staged.err).toBe(0);
  expect(staged.err).toContain('Would stage 99,999 of 100,000 rows');
  expect(staged.err).toContain('rejected, duplicate: 1');
  const refused = await place.run(['launch', 'broken.csv', ...args, '--yes']);
  expect(refused.code).toBe(2);
  expect(refused.err).toMatch(/line 100002[\s\S]*\(LIST_SYNTAX\)/);
});
