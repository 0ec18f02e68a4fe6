import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newPlace, type Place } from '../support/cli.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LOADED = new URL('../support/loaded.mjs', import.meta.url).href;
const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
let place: Place;

beforeAll(() => {
  place = newPlace();
  for (const [template, part] of [
    ['with-text', 'text.hbs'],
    ['with-html', 'html.hbs'],
  ] as const) {
    mkdirSync(join(place.folder, template));
    writeFileSync(join(place.folder, template, 'subject.hbs'), 'Hello');
    writeFileSync(join(place.folder, template, part), '<style>p { color: red }</style><p>Hello {{name}}</p>');
  }
  writeFileSync(join(place.folder, 'list.csv'), 'email,name\nann@example.com,Ann\n');
});
afterAll(() => place.clear());

/** Those of the packages that fanmail depends on which a command loads. */
async function packagesOf(name: string, args: readonly string[]): Promise<string[]> {
  const file = join(place.folder, `${name}.txt`);
  const { code, err } = await place.run(args, { NODE_OPTIONS: `--import ${LOADED}`, LOADED: file });
  expect(code, err).toBe(0);
  const found = readFileSync(file, 'utf8').matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g);
  return [...new Set([...found].map(([, name = '']) => name))].filter((name) => name in dependencies).sort();
}

const launch = ['launch', 'list.csv', '--from', 'n@example.com', '--smtp', 'smtp://localhost:1', '--dry-run'];

it('a command loads what it needs and no more: that is most of the time that a short one takes', async () => {
  const every = ['pino', 'yargs'];
  expect(await packagesOf('version', ['--version'])).toEqual(every);
  const toStage = ['handlebars', 'ioredis', ...every];
  expect(await packagesOf('launch', [...launch, '--template', 'with-text'])).toEqual(toStage);
  expect(await packagesOf('of-html', [...launch, '--template', 'with-html'])).toEqual(
    ['@css-inline/css-inline', 'html-to-text', 'htmlparser2', 'postcss', ...toStage].sort(),
  );
});
