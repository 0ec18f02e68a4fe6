import { z } from 'zod';
import { summarize } from './samples.js';

/** What a run of the benchmark found; what the JSON file holds, and nothing in it names a path of the machine. */

const samples = z.array(z.number()).min(1).readonly();

/** What has to be reached: at least or at most so much, by the median. */
const bar = z.object({ at: z.enum(['least', 'most']), value: z.number(), aim: z.number().optional() }).readonly();
export type Bar = z.infer<typeof bar>;

/** Something that is judged, or would be: a ratio, or a quantity that is the same on any machine. */
const figure = z.object({ name: z.string(), unit: z.string(), samples, bar: bar.nullable() }).readonly();
export type Figure = z.infer<typeof figure>;

/** What the figures come from: a quantity of this machine, at this hour. */
const contender = z.object({ name: z.string(), unit: z.string(), samples }).readonly();
export type Contender = z.infer<typeof contender>;

const measured = z.object({
  kind: z.literal('measured'),
  figures: z.array(figure).readonly(),
  contenders: z.array(contender).readonly(),
  notes: z.array(z.string()).readonly(),
});
/** `skipped`: something that the row needs is not there. `failed`: it went wrong. */
const notMeasured = z.object({ kind: z.enum(['skipped', 'failed']), why: z.string() });
const row = z.object({
  name: z.string(),
  what: z.string(),
  result: z.discriminatedUnion('kind', [measured, notMeasured]),
});
export type Measured = z.infer<typeof measured>;
export type Row = z.infer<typeof row>;

const machine = z.object({
  cores: z.number(),
  cpu: z.string(),
  memoryGB: z.number(),
  /** The load of the last minute before the run, for each core: above 0 others were at work, too. */
  load: z.number(),
  platform: z.string(),
  node: z.string(),
  redis: z.string(),
  sink: z.string(),
});
export type Machine = z.infer<typeof machine>;

const report = z.object({
  version: z.literal(1),
  date: z.string(),
  commit: z.string(),
  mode: z.enum(['short', 'full']),
  /** 0: of each row its own number. */
  rounds: z.number(),
  machine,
  rows: z.array(row).readonly(),
});
export type Report = z.infer<typeof report>;

/** Throws RangeError, naming what is wrong, where the text is no report of this version. */
export function parseReport(text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RangeError('it is no JSON');
  }
  const parsed = report.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RangeError(`${issue?.path.join('.') || 'it'}: ${issue?.message}`);
}

/** By the median; null where nothing is asked for. */
export function passes({ samples: all, bar: asked }: Figure): boolean | null {
  if (asked === null) return null;
  const { median } = summarize(all);
  return asked.at === 'least' ? median >= asked.value : median <= asked.value;
}

/** A bar was missed, or a row went wrong. */
export function isMissed({ rows }: Report): boolean {
  return rows.some(({ result }) =>
    result.kind === 'measured' ? result.figures.some((one) => passes(one) === false) : result.kind === 'failed',
  );
}
