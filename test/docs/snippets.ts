import { spawnSync } from 'node:child_process';

/** One command of a page, which may go over several lines. */
export interface Statement {
  readonly text: string;
  /** What the page says of its exit code: `# exits 2`; else 0. */
  readonly exits: number;
}

/** What a page asks its reader to do, in order. */
export type Step =
  /** A block whose paragraph names the file that it is. */
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  /** A block of commands, with the output that stands right below it. */
  | {
      readonly kind: 'run';
      readonly line: number;
      /** Counts the headings of level 1 and 2 above it: a section is another terminal, where earlier exports are not known. */
      readonly section: number;
      readonly statements: readonly Statement[];
      readonly shown: string | null;
    };

type Run = Extract<Step, { kind: 'run' }>;

/** How the files of a block's language are called. */
const FILES: Readonly<Record<string, RegExp>> = {
  csv: /\.csv$/,
  handlebars: /\.hbs$/,
  xml: /\.mjml$/,
  ini: /^\.env$|\.(?:service|timer)$/,
  json: /\.json$/,
  bash: /\.sh$/,
};
const OUTPUTS = ['text', 'csv', 'json'];

export function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  const lines = page.split('\n');
  let before = '';
  let section = 0;
  let last: Run | null = null;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const [, language] = /^```(\w*)$/.exec(line) ?? [];
    if (language === undefined) {
      if (/^#{1,2} /.test(line)) section++;
      if (line.trim() === '') continue;
      before = lines[at - 1]?.trim() === '' ? line : `${before}\n${line}`;
      last = null;
      continue;
    }
    const end = lines.indexOf('```', at + 1);
    const text = `${lines.slice(at + 1, end).join('\n')}\n`;
    const step = stepOf(language, text, { line: at + 1, section }, before, last);
    if (step?.kind === 'run') last = step;
    if (step && step.kind === 'run' && step.shown !== null) steps.pop();
    if (step) steps.push(step);
    at = end;
  }
  return steps;
}

function stepOf(
  language: string,
  text: string,
  at: Pick<Run, 'line' | 'section'>,
  before: string,
  last: Run | null,
): Step | null {
  if (language === 'sh') return { kind: 'run', ...at, statements: statementsOf(text), shown: null };
  if (last !== null && OUTPUTS.includes(language)) return { ...last, shown: `${last.shown ?? ''}${text}` };
  const file = FILES[language];
  const named = [...before.matchAll(/`([\w./-]+)`/g)].map(([, name = '']) => name);
  const path = file && named.find((name) => file.test(name));
  return path === undefined ? null : { kind: 'file', path, text };
}

/** The commands of a block: a line ends one, unless a quote, a here-document, a loop or a backslash goes on. */
export function statementsOf(block: string): Statement[] {
  const statements: Statement[] = [];
  let text = '';
  for (const line of block.split('\n')) {
    text = text === '' ? line : `${text}\n${line}`;
    if (text.trim() === '' || /^\s*#/.test(text)) text = '';
    else if (isWhole(text)) {
      const [, exits] = /# exits (\d+)\b[^\n]*$/.exec(text) ?? [];
      statements.push({ text, exits: Number(exits ?? 0) });
      text = '';
    }
  }
  if (text !== '') throw new Error(`this command has no end:\n${text}`);
  return statements;
}

function isWhole(text: string): boolean {
  if (text.endsWith('\\')) return false;
  if (!/<<|['"({]|\b(?:do|then|case)\b/.test(text)) return true;
  const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
  return status === 0 && stderr === '';
}
