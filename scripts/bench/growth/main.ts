import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../bench.js';
import { Cleanup } from '../cleanup.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import { describeCommit, describeMachine } from '../machine.js';
import { findPostfix } from '../sink.js';
import { stage } from '../staged.js';
import { shortNote, writeTemplate } from '../templates.js';
import { type Cost, type Point, send } from './sending.js';
import { SERIES, STAGED } from './series.js';

/**
 * How cost grows: `npm run bench:growth [NAME…]` measures each series (all, or those whose name begins so) once, a point
 * after the other, and writes docs/bench/growth.md where all were. One figure each: what differs by less than a fifth is the
 * same on a machine that others use, too.
 */
const OUT = 'docs/bench';
const SENT_HEAD = [
  '',
  'messages/s',
  'workers, µs',
  'Redis, µs',
  'relay, µs',
  'scripts',
  'bytes to and from Redis',
  'busy',
];
const STAGED_HEAD = ['rows', 'rows/s', 'peak, MB', 'bytes a recipient in Redis'];

async function main(only: readonly string[], cleanup: Cleanup): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fanmail-growth-'));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const postfix = findPostfix(process.env);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const bench: Bench = { full: false, rounds: null, minutes: 1, folder, postfix, cleanup, say };
  const { cores, cpu, load, node, redis, sink } = describeMachine(postfix);
  const machine = `commit ${describeCommit()}; ${cores} cores (${cpu}), a load of ${load} for each before, Node ${node}, Redis ${redis}; relay: ${sink}`;
  const wanted = (name: string) => only.length === 0 || only.some((one) => name.startsWith(one));
  const known = new Map<string, Cost>();
  const parts = [`# Growth\n\n${new Date().toISOString().slice(0, 10)}, ${machine}.`];
  for (const { name, points } of SERIES.filter((one) => wanted(one.name))) {
    const rows: string[][] = [];
    for (const { label, point } of points) {
      // The one that all series begin from is measured once.
      const key = JSON.stringify(point);
      const cost = known.get(key) ?? (await send(bench, point));
      known.set(key, cost);
      rows.push([label, ...costCells(cost, point)]);
      say(`${name}: ${rows.at(-1)?.join('  ')}`);
    }
    parts.push(`## By ${name}\n\n${markdown(SENT_HEAD, rows)}`);
  }
  if (wanted('staged')) parts.push(`## Staged\n\n${markdown(STAGED_HEAD, await stageAll(bench))}`);
  const text = `${parts.join('\n\n')}\n`;
  process.stdout.write(text);
  if (only.length > 0) return;
  mkdirSync(OUT, { recursive: true });
  writeFileSync(join(OUT, 'growth.md'), text);
}

/** `busy`: how much of a core each worker process, Redis and the relay took. */
function costCells(cost: Cost, { processes }: Point): string[] {
  const { perSecond, workers, redis, relay, calls, redisBytes } = cost;
  const busy = [workers / processes, redis, relay].map((each) => `${Math.round((each * perSecond) / 1e4)}%`);
  const numbers = [perSecond, workers, redis, relay].map((one) => Math.round(one).toLocaleString('en-US'));
  return [...numbers, calls.toFixed(2), Math.round(redisBytes).toLocaleString('en-US'), busy.join(', ')];
}

async function stageAll(bench: Bench): Promise<string[][]> {
  const template = writeTemplate(join(bench.folder, 'note'), shortNote());
  const rows: string[][] = [];
  for (const count of STAGED) {
    const ground = new Ground(bench.folder, bench.cleanup);
    const list = await writeList(bench.folder, count);
    const { rowsPerSecond, peak, redisBytes } = await stage(ground, { id: 'c', list, template }, count);
    await ground.stop();
    rmSync(list);
    const numbers = [count, rowsPerSecond, peak / 1e6].map((one) => Math.round(one).toLocaleString('en-US'));
    rows.push([...numbers, redisBytes.toFixed(1)]);
    bench.say(`staged: ${rows.at(-1)?.join('  ')}`);
  }
  return rows;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

const cleanup = new Cleanup();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void cleanup.run().then(() => process.exit(130)));
try {
  await main(process.argv.slice(2), cleanup);
} finally {
  await cleanup.run();
}
