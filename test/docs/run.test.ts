import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GIVEN, type Given, HOW_TO, NOT_RUN, SCENES, substitutions } from './circumstances.js';
import { ROOT } from './markdown.js';
import { newReader, type Ran, type Reader } from './reader.js';
import { missingLines } from './shown.js';
import { type Statement, statementsOf, stepsOf } from './snippets.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`)
    .sort(),
];
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const WITH_COMMANDS = PAGES.filter((path) => stepsOf(text(path)).some(({ kind }) => kind === 'run'));
const leftOut = new Map<string, string>();

afterAll(() => {
  const lines = [...leftOut].map(([text, why]) => `  ${text}   (${why})`);
  console.info(`Commands of the docs that are not run:\n${lines.join('\n')}`);
});

describe.each(WITH_COMMANDS)('following %s', (path) => {
  const steps = stepsOf(text(path));
  const given: Given = GIVEN[path] ?? HOW_TO;
  const catches = /^fanmail catch$/m.test(text(path));
  let reader: Reader;

  beforeAll(async () => {
    reader = await newReader(given.variables);
    for (const [file, content] of Object.entries(given.files?.() ?? {})) reader.write(file, content);
    if (!catches) await reader.run({ text: 'fanmail catch', exits: 0 });
  });
  afterAll(() => reader.leave());

  for (const step of steps) {
    // In the order of the page, each in what the ones before left behind.
    if (step.kind === 'file') it(`writes ${step.path}`, () => reader.write(step.path, ours(step.text, reader)));
    else {
      const { line, section, statements, shown } = step;
      it(`runs line ${line}: ${statements[0]?.text.split('\n')[0]}`, async () => {
        reader.enter(section);
        const printed = await runAll(statements, path, reader);
        if (shown !== null && printed !== null) expect(missingLines(shown, theirs(printed, reader))).toEqual([]);
      });
    }
  }

  it('ends by SIGTERM what goes on', async () => {
    for (const [command, code] of await reader.stop()) expect([command, code]).toEqual([command, 0]);
  });
});

/** Runs the commands of a block; what they printed, or null where one of them can't be run here. */
async function runAll(statements: readonly Statement[], path: string, reader: Reader): Promise<string | null> {
  const whole = statements.map(({ text }) => text).join('\n');
  const scene = SCENES.find(([where, block]) => where === path && block.test(whole));
  const before = scene ? statementsOf(scene[2].join('\n')) : [];
  for (const statement of before) expectItsCode(statement, await reader.run(statement));
  let printed: string | null = '';
  for (const { text, exits } of statements) {
    const [, why] = NOT_RUN.find(([command]) => command.test(text)) ?? [];
    if (why !== undefined) {
      leftOut.set(text, why);
      printed = null;
      continue;
    }
    const statement = { text: ours(text, reader), exits };
    const ran = await reader.run(statement);
    expectItsCode(statement, ran);
    if (printed !== null) printed += ran.printed;
  }
  return printed;
}

function expectItsCode({ text, exits }: Statement, { code, printed }: Ran): void {
  expect(code, `${text}\nprinted:\n${printed}`).toBe(exits);
}

function ours(text: string, { ports }: Reader): string {
  return substitutions(ports).reduce((changed, [shown, used]) => changed.replaceAll(shown, used), text);
}

/** What was printed, as the page's reader would see it. */
function theirs(text: string, { ports, folder }: Reader): string {
  return text
    .replaceAll(`localhost:${ports.smtp}`, 'localhost:1025')
    .replaceAll(`localhost:${ports.http}`, 'localhost:8025')
    .replaceAll(folder, '…');
}
