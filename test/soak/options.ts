import { parseArgs } from 'node:util';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Play this one alone; null: as many as there is time for. */
  readonly round: number | null;
  /** The fault scenarios of test/faults first, the slow ones too. */
  readonly all: boolean;
  /** A file for the figures. */
  readonly json: string | null;
  readonly help: boolean;
}

/** The command line can't be understood; the message names the value and what is allowed. */
export class UsageError extends Error {}

export const HELP = `npm run soak -- [--minutes N] [--seed S] [--round K] [--all] [--json FILE]

Sends campaigns through real processes while it kills, freezes and restarts them by chance, and holds what came out
against the relay's own record; after each such round, it holds lives of campaigns in the ledger against its model.

  --minutes N   begin rounds for so long, 0.1 to 10080 (10)
  --seed S      what chance decides comes from it, 0 to 4294967295 (drawn, and printed)
  --round K     play this round of the seed alone, 1 to 1000000
  --all         run all scenarios of test/faults first; their time (15 minutes) is not counted
  --json FILE   write the figures to it, too
  --help        print this

Exit: 0 nothing found, 1 a promise was broken (what is needed to understand it is printed and kept), 2 a bad argument,
130 interrupted. The machine's own pace is not part of the seed: a round that is repeated does the same deeds at the
same times to the same campaigns, and may have to be repeated several times to meet the same moment.
`;

const MINUTES = { name: 'minutes', least: 0.1, most: 10_080, whole: false };
const SEED = { name: 'seed', least: 0, most: 2 ** 32 - 1, whole: true };
const ROUND = { name: 'round', least: 1, most: 1_000_000, whole: true };

/** `draw` makes a seed where none is given. Throws UsageError. */
export function parseOptions(args: readonly string[], draw: () => number): SoakOptions {
  const values = parse(args);
  return {
    minutes: values.minutes === undefined ? 10 : numberOf(values.minutes, MINUTES),
    seed: values.seed === undefined ? draw() : numberOf(values.seed, SEED),
    round: values.round === undefined ? null : numberOf(values.round, ROUND),
    all: values.all ?? false,
    json: values.json ?? null,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    const one = { type: 'string' } as const;
    const flag = { type: 'boolean' } as const;
    const options = { minutes: one, seed: one, round: one, json: one, all: flag, help: flag };
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const said = error instanceof Error ? error.message.replace(/\. To specify.*/, '') : String(error);
    throw new UsageError(`${said}. Allowed are --minutes, --seed, --round, --all, --json and --help`);
  }
}

interface Range {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

function numberOf(text: string, { name, least, most, whole }: Range): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(`--${name} is "${text}": allowed is a ${whole ? 'whole ' : ''}number from ${least} to ${most}`);
}
