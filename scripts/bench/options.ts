import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly full: boolean;
  /** Names of rows; null: all. */
  readonly only: readonly string[] | null;
  /** Null: as many as the mode has. */
  readonly rounds: number | null;
  /** Minutes of load for the row that looks for false stalls. */
  readonly minutes: number;
  /** Files are written to this name with .json, .md and .svg; null: nowhere. */
  readonly out: string | null;
  readonly compare: string | null;
  readonly help: boolean;
}

/** The command line can't be understood; the message names the value and what is allowed. */
export class UsageError extends Error {}

export const DEFAULT_OUT = 'docs/bench/latest';

export function helpText(rows: readonly { readonly name: string; readonly what: string }[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return `npm run bench -- [--full] [--only a,b] [--rounds N] [--out NAME] [--compare FILE]

Measures fanmail beside others, alternating in one run, and says whether the medians reach their bars.

  --full          more rounds and longer lists; takes many times as long, and several GB of memory
  --only a,b      these rows alone; then nothing is saved without --out
  --rounds N      1 to 99
  --minutes N     with --full: of load, where false stalls are looked for, 0.1 to 1440 (10)
  --out NAME      save as NAME.json, NAME.md and NAME.svg (${DEFAULT_OUT})
  --compare FILE  show what changed since a saved run, beyond its range
  --help          print this

Rows:
${rows.map(({ name, what }) => `  ${name.padEnd(width)}  ${what}`).join('\n')}

The relay is Postfix's smtp-sink, from $SMTP_SINK or the PATH; smtp-source, from $SMTP_SOURCE or beside it.
Exit: 0 every bar is reached, 1 one is missed or a row went wrong, 2 a bad argument, 130 interrupted.
`;
}

/** Throws UsageError. */
export function parseOptions(args: readonly string[], rows: readonly string[]): BenchOptions {
  const values = parse(args);
  const only = values.only?.split(',').map((name) => name.trim()) ?? null;
  const stranger = only?.find((name) => !rows.includes(name));
  if (stranger !== undefined) throw new UsageError(`--only has "${stranger}": allowed are ${rows.join(', ')}`);
  const out = values.out?.replace(/\.(json|md|svg)$/, '');
  if (out === '') throw new UsageError('--out is empty: allowed is a path without an ending');
  return {
    full: values.full ?? false,
    only,
    rounds: values.rounds === undefined ? null : numberOf('rounds', values.rounds, { least: 1, most: 99, whole: true }),
    minutes: numberOf('minutes', values.minutes ?? '10', { least: 0.1, most: 1440, whole: false }),
    out: out ?? (only === null ? DEFAULT_OUT : null),
    compare: values.compare ?? null,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    const one = { type: 'string' } as const;
    const flag = { type: 'boolean' } as const;
    const options = { full: flag, only: one, rounds: one, minutes: one, out: one, compare: one, help: flag };
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const said = error instanceof Error ? error.message.replace(/\. To specify.*/, '') : String(error);
    throw new UsageError(`${said}. Allowed are --full, --only, --rounds, --minutes, --out, --compare and --help`);
  }
}

function numberOf(name: string, text: string, range: { least: number; most: number; whole: boolean }): number {
  const { least, most, whole } = range;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(`--${name} is "${text}": allowed is a ${whole ? 'whole ' : ''}number from ${least} to ${most}`);
}
