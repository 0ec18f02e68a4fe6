import { clip, pad, printable, wrap } from '../../report/format.js';
import { type Examined, type Verdict, worst } from '../doctor/verdict.js';
import { lineOf, type Paint, type Style } from './format.js';

const PAINT: Readonly<Record<Verdict, Paint>> = { ok: 'green', warning: 'yellow', problem: 'red' };
const COLUMN = 9;
const NAME = 19;

/** One line for each thing that was looked at, then the ways out. */
export function doctorLines(examined: readonly Examined[], style: Style): string[] {
  const lines = examined.flatMap(({ name, verdict, text, hint }) => {
    const [first = '', ...more] = textLines(text, style);
    const indent = ' '.repeat(COLUMN + NAME);
    return [
      lineOf([[PAINT[verdict], pad(verdict, COLUMN)], pad(clip(name, NAME - 1), NAME), first], style),
      ...more.map((line) => lineOf([indent, line], style)),
      ...(hint === null ? [] : textLines(hint, style)).map((line) => lineOf([indent, ['dim', line]], style)),
    ];
  });
  return [...lines, '', lineOf([summary(examined)], style)];
}

/** What `--json` prints. */
export function doctorObject(examined: readonly Examined[]) {
  return { verdict: worst(examined), checks: examined };
}

function textLines(text: string, { width }: Style): string[] {
  return text.split('\n').flatMap((line) => wrap(printable(line), Math.max(20, width - COLUMN - NAME)));
}

function summary(examined: readonly Examined[]): string {
  const number = (verdict: Verdict) => examined.filter((one) => one.verdict === verdict).length;
  const [problems, warnings] = [number('problem'), number('warning')];
  const said = (many: number, word: string) => `${many} ${word}${many === 1 ? '' : 's'}`;
  if (problems > 0) return `${said(problems, 'problem')}, ${said(warnings, 'warning')}: fanmail can't work like this.`;
  return warnings > 0 ? `${said(warnings, 'warning')}: fanmail works.` : 'All is well.';
}
