import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { GIVEN, HOW_TO, NOT_RUN, SCENES, substitutions } from './circumstances.js';
import { ROOT } from './markdown.js';
import { newReader, type Reader } from './reader.js';
import { missingLines } from './shown.js';
import { type Statement, type Step, statementsOf, stepsOf } from './snippets.js';

// A program that starts takes a second or more where the machine is busy, and a page has up to forty.
vi.setConfig({ testTimeout: 300_000 });

type Run = Extract<Step, { kind: 'run' }>;

const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).sort()]
  .map((file) => (file === 'README.md' ? file : `docs/${file}`))
  .filter((path) => path.endsWith('.md') && stepsOf(text(path)).some(({ kind }) => kind === 'run'));
const leftOut = new Map<string, string>();

describe('following a page', () => {
  // Each has a folder, a Redis and ports of its own.
  it.concurrent.each(PAGES)('works as it says, and prints what it shows: %s', async (path) => {
    expect(await follow(path)).toEqual([]);
  });
});

afterAll(() => {
  const lines = [...leftOut].map(([command, why]) => `  ${command}   (${why})`);
  console.info(`Commands of the docs that are not run:\n${lines.join('\n')}`);
});

it('leaves out no command for a reason that no page needs', () => {
  const commands = PAGES.flatMap((path) => stepsOf(text(path)))
    .flatMap((step) => (step.kind === 'run' ? step.statements : []))
    .map((statement) => statement.text);
  expect(NOT_RUN.filter(([command]) => !commands.some((one) => command.test(one)))).toEqual([]);
});

/** Does all that a page says, in order, and returns what was not as it says: each with the line. */
async function follow(path: string): Promise<string[]> {
  const { files, variables } = GIVEN[path] ?? HOW_TO;
  const reader = await newReader(variables);
  const faults: string[] = [];
  try {
    for (const [file, content] of Object.entries(files?.() ?? {})) reader.write(file, content);
    // The relay that a page takes as given, where it doesn't start one.
    if (/smtp:/.test(text(path)) && !/^fanmail catch$/m.test(text(path)))
      await reader.run({ text: 'fanmail catch', exits: 0 });
    for (const step of stepsOf(text(path))) {
      if (step.kind === 'file') reader.write(step.path, ours(step.text, reader));
      else for (const fault of await runBlock(step, path, reader)) faults.push(`${path}:${step.line}: ${fault}`);
      if (faults.length > 0) break;
    }
    for (const [command, code] of await reader.stop())
      if (code !== 0) faults.push(`${path}: ${command} ends by SIGTERM with ${code}`);
  } finally {
    await reader.leave();
  }
  return faults;
}

async function runBlock({ section, statements, shown }: Run, path: string, reader: Reader): Promise<string[]> {
  reader.enter(section);
  const block = statements.map((statement) => statement.text).join('\n');
  const scene = SCENES.find(([where, pattern]) => where === path && pattern.test(block));
  for (const statement of scene ? statementsOf(scene[2].join('\n')) : []) await reader.run(statement);
  const faults: string[] = [];
  let printed = '';
  for (const statement of statements) {
    // What hangs once hangs at every command: the first one is to be told, before the time of the whole page is over.
    if (faults.length > 0) break;
    const [, why] = NOT_RUN.find(([command]) => command.test(statement.text)) ?? [];
    if (why === undefined) printed += await runOne(statement, reader, faults);
    else leftOut.set(statement.text, why);
  }
  if (shown === null) return faults;
  const missing = missingLines(shown, printed).map((line) => `this is not printed: ${line}`);
  return [...faults, ...missing, ...(missing.length > 0 ? [`printed is\n${printed}`] : [])];
}

async function runOne({ text: command, exits }: Statement, reader: Reader, faults: string[]): Promise<string> {
  const { code, printed } = await reader.run({ text: ours(command, reader), exits });
  const ended = code === null ? 'does not end' : `ends with ${code}`;
  if (code !== exits) faults.push(`${command} ${ended} and prints\n${printed}`);
  return theirs(printed, reader);
}

function ours(words: string, { ports }: Reader): string {
  return substitutions(ports).reduce((changed, [shown, used]) => changed.replaceAll(shown, used), words);
}

/** What was printed, as the page's reader would see it. */
function theirs(words: string, { ports, folder }: Reader): string {
  return words
    .replaceAll(`localhost:${ports.smtp}`, 'localhost:1025')
    .replaceAll(`localhost:${ports.http}`, 'localhost:8025')
    .replaceAll(new RegExp(`(localhost|127\\.0\\.0\\.1):${ports.serve}`, 'g'), '$1:8080')
    .replaceAll(folder, '…');
}
