/**
 * How fast a list is read, and with how much memory: `tsx scripts/bench-staging.ts [rows]`, by default 1,000,000.
 *
 * What may grow with the list is the set of addresses: 16 bytes a row. Two things are judged. What is alive: after a
 * forced collection at every 50,000 rows, heap and buffers together, above what they are for 10,000 rows. And the peak of
 * the resident memory, which holds garbage, too, as much as V8 likes: it gets the same bytes a row and 64 MB more.
 * Exits 1 where one of them is above.
 */
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { KeySet } from '../src/recipients/key-set.js';
import { openList } from '../src/recipients/list.js';
import { generateList } from './make-list.js';

const ALLOWED = 16;
const BASE_ROWS = 10_000;
const CHECK_EVERY = 50_000;
const GARBAGE = 64e6;

interface Run {
  readonly seconds: number;
  /** The most resident memory that the process ever had, in bytes. */
  readonly peak: number;
  /** The most that was alive at a check, in bytes; 0 where collections can't be forced. */
  readonly alive: number;
}

async function readOne(rows: number): Promise<Run> {
  const began = performance.now();
  const bytes = Readable.from(generateList({ rows }), { objectMode: true }).map((text: string) => Buffer.from(text));
  const list = await openList(bytes, { source: 'the generated list' });
  let sendable = 0;
  let alive = 0;
  let nextCheck = 0;
  for await (const batch of list.batches()) {
    for (const row of batch) if (row.kind === 'recipient') sendable++;
    if (sendable < nextCheck) continue;
    alive = Math.max(alive, aliveNow());
    nextCheck += CHECK_EVERY;
  }
  if (sendable !== rows) throw new Error(`${sendable} of ${rows} rows came out`);
  return { seconds: (performance.now() - began) / 1000, peak: process.resourceUsage().maxRSS * 1024, alive };
}

function aliveNow(): number {
  if (globalThis.gc === undefined) return 0;
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Reads a list in a process of its own. */
function measure(rows: number, ...flags: string[]): Run {
  const args = [...process.execArgv, ...flags, fileURLToPath(import.meta.url), '--child', String(rows)];
  const child = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`the child process ended with ${child.status}`);
  return JSON.parse(child.stdout);
}

/** The most bytes an entry that the set held at any size from 100,000 to `rows`. */
function keySetBytesPerRow(rows: number): number {
  const keys = new KeySet();
  let most = 0;
  for (let row = 1; row <= rows; row++) {
    keys.add(`user${row}@example.com`);
    if (row >= 100_000) most = Math.max(most, keys.bytes / row);
  }
  return most;
}

function main(rows: number): void {
  const base = measure(BASE_ROWS);
  const full = measure(rows);
  const baseAlive = measure(BASE_ROWS, '--expose-gc').alive;
  const { alive } = measure(rows, '--expose-gc');
  const grown = (alive - baseAlive) / rows;
  const keys = keySetBytesPerRow(rows);
  const allowedPeak = base.peak + ALLOWED * rows + GARBAGE;
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(`rows                           ${rows}`);
  console.log(`rows a second, with making it  ${Math.round(rows / full.seconds)}`);
  console.log(`alive, ${BASE_ROWS} rows              ${mb(baseAlive)}`);
  console.log(
    `alive, all rows                ${mb(alive)}, ${grown.toFixed(1)} bytes a row more (allowed: ${ALLOWED})`,
  );
  console.log(`of that the key set at most    ${keys.toFixed(1)} bytes a row (allowed: ${ALLOWED})`);
  console.log(`peak resident, ${BASE_ROWS} rows      ${mb(base.peak)}`);
  console.log(`peak resident, all rows        ${mb(full.peak)} (allowed: ${mb(allowedPeak)})`);
  if (grown <= ALLOWED && keys <= ALLOWED && full.peak <= allowedPeak) return;
  console.error('More than is allowed.');
  process.exitCode = 1;
}

const [first = '1000000', rows] = process.argv.slice(2);
if (first === '--child') console.log(JSON.stringify(await readOne(Number(rows))));
else if (/^\d+$/.test(first) && Number(first) >= 100_000) main(Number(first));
else throw new RangeError(`rows is ${first}; a whole number from 100000 on is allowed`);
