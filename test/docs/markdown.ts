import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The pages that are held against the code. */
export const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'docs/design.md',
  'docs/testing.md',
  'docs/reference.md',
  'docs/tutorial.md',
  'docs/how-to/check-and-preview.md',
  'docs/how-to/completion.md',
  'docs/how-to/dkim.md',
  'docs/how-to/lists.md',
  'docs/how-to/local-testing.md',
  'docs/how-to/pace.md',
  'docs/how-to/production.md',
  'docs/how-to/rehearse.md',
  'docs/how-to/retry-and-export.md',
  'docs/how-to/scripting.md',
  'docs/how-to/several-machines.md',
  'docs/how-to/suppression.md',
  'docs/how-to/templates.md',
  'docs/how-to/unsubscribe.md',
  'docs/how-to/when.md',
] as const;
export type Page = (typeof PAGES)[number];

export function page(path: Page): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

export interface Block {
  readonly language: string;
  readonly text: string;
}

const FENCED = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** Fenced code blocks. */
export function blocks(text: string): Block[] {
  return [...text.matchAll(FENCED)].map(([, language = '', body = '']) => ({ language, text: body }));
}

/** A page without its fenced blocks. */
export function prose(text: string): string {
  return text.replaceAll(FENCED, '');
}

/** The text under a heading, up to the next one of its level or above. */
export function section(text: string, heading: string): string {
  const [marks = '#'] = /^#+/.exec(heading) ?? [];
  const lines = prose(text).split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`there is no heading "${heading}"`);
  const rest = lines.slice(start + 1);
  const next = rest.findIndex((line) => new RegExp(`^#{1,${marks.length}} `).test(line));
  return (next < 0 ? rest : rest.slice(0, next)).join('\n');
}

/** The first table of a text: its rows without heading, each a list of cells. */
export function table(text: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|'));
  const rest = start < 0 ? [] : lines.slice(start);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  const rows = (end < 0 ? rest : rest.slice(0, end)).map(cellsOf);
  if (rows.length < 3) throw new Error('there is no table with rows');
  return rows.slice(2);
}

function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** What stands in backticks. */
export function codes(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** The one thing in backticks in a cell. */
export function code(cell: string | undefined): string {
  const [only, ...others] = codes(cell ?? '');
  if (only === undefined || others.length > 0) throw new Error(`"${cell}" is not one thing in backticks`);
  return only;
}
