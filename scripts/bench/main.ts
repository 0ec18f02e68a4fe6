import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, CannotMeasure, type RowDefinition } from './bench.js';
import { Cleanup } from './cleanup.js';
import { comparisonTable } from './compare.js';
import { describeCommit, describeMachine } from './machine.js';
import { type BenchOptions, helpText, parseOptions, UsageError } from './options.js';
import { isMissed, type Report, type Row } from './report.js';
import { ROWS } from './rows.js';
import { loadReport, saveReport } from './save.js';
import { findPostfix } from './sink.js';
import { figureLines, terminalTable } from './table.js';

const INTERRUPTED = 130;

/** fanmail beside others, measured in one run: `npm run bench -- --help`. */
async function main(args: readonly string[], cleanup: Cleanup): Promise<number> {
  const names = ROWS.map(({ name }) => name);
  const options = parseOptions(args, names);
  if (options.help) {
    process.stdout.write(helpText(ROWS));
    return 0;
  }
  // Before an hour of measuring, not after it.
  const saved = options.compare === null ? null : usable(() => loadReport(options.compare ?? ''));
  const bench = prepare(options, cleanup);
  const machine = describeMachine(bench.postfix);
  const now = { date: new Date().toISOString(), commit: describeCommit(), rounds: options.rounds ?? 0 };
  const rows: Row[] = [];
  for (const row of ROWS) {
    if (options.only !== null && !options.only.includes(row.name)) continue;
    const measured = await measure(row, bench);
    if (cleanup.isOver) return INTERRUPTED;
    rows.push(measured);
    for (const line of figureLines(measured)) bench.say(line);
  }
  const mode = options.full ? 'full' : 'short';
  const report: Report = { version: 1, ...now, mode, machine, rows };
  process.stdout.write(`\n${terminalTable(report)}`);
  if (saved) process.stdout.write(`\n${comparisonTable(report, saved)}`);
  if (options.out !== null) {
    saveReport(report, options.out);
    process.stdout.write(`\nsaved as ${options.out}.json, .md and .svg\n`);
  }
  return isMissed(report) ? 1 : 0;
}

function prepare(options: BenchOptions, cleanup: Cleanup): Bench {
  const postfix = usable(() => findPostfix(process.env));
  const folder = mkdtempSync(join(tmpdir(), 'fanmail-bench-'));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const { full, rounds, minutes } = options;
  return { full, rounds, minutes, folder, postfix, cleanup, say: (text) => process.stderr.write(`${text}\n`) };
}

/** What the caller named and can't be used is the caller's to mend. */
function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

/**
 * A row that goes wrong is reported like one that misses its bar, and the others are measured all the same: nothing that
 * it started may be there then.
 */
async function measure({ name, what, measure: run }: RowDefinition, bench: Bench): Promise<Row> {
  const cleanup = new Cleanup();
  const end = bench.cleanup.add(() => cleanup.run());
  try {
    return { name, what, result: { kind: 'measured', ...(await run({ ...bench, cleanup })) } };
  } catch (error) {
    const kind = error instanceof CannotMeasure ? 'skipped' : 'failed';
    const why = error instanceof Error ? error.message : String(error);
    return { name, what, result: { kind, why: why.replaceAll(bench.folder, '…').trim().slice(0, 500) } };
  } finally {
    await end();
  }
}

const cleanup = new Cleanup();
// Not once: npm may pass on what the terminal has already sent, and a second one must not cut the cleaning short.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void cleanup.run().then(() => process.exit(INTERRUPTED)));
}
main(process.argv.slice(2), cleanup).then(
  async (code) => {
    await cleanup.run();
    process.exit(code);
  },
  async (error: unknown) => {
    await cleanup.run();
    process.stderr.write(error instanceof UsageError ? `${error.message}\n` : `${(error as Error).stack}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
