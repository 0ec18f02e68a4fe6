/**
 * How fast a list is staged, and with how much memory: `npm run bench:staging [rows]`, by default 1,000,000. It runs the
 * command itself, `fanmail launch --detach` on a list in a file, against a redis-server of its own.
 *
 * What may grow with the list is the set of addresses: 16 bytes a row. Judged is the peak of the resident memory of the
 * whole process, with all the rows against a tenth of them (which is long enough to be warm), the least of three runs
 * each. V8 is held to a small heap there: left alone, it keeps garbage as long as there is room, which says how much room
 * it saw and not what the list takes. What it takes when left alone is shown, too, and judged from 10 million rows on:
 * under 400 MB. Exits 1 where something is above.
 */
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { KeySet } from '../src/recipients/key-set.js';
import { freshRedis, type TestRedis } from '../test/support/redis.js';
import { generateList } from './make-list.js';

const ALLOWED = 16;
const RUNS = 3;
const SMALL_HEAP = ['--max-semi-space-size=1', '--max-old-space-size=32'];
const LARGE = { rows: 10_000_000, peak: 400e6 };
const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** At its end the process says what it took, on a channel of its own. */
const TELL_PEAK = `import { writeSync } from 'node:fs';
process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS * 1024)));`;

interface Run {
  readonly seconds: number;
  /** The most resident memory that the process ever had, in bytes. */
  readonly peak: number;
  /** What Redis has for a recipient, in bytes. */
  readonly redisBytes: number;
}

class Bench {
  readonly #folder = mkdtempSync(join(tmpdir(), 'bench-staging-'));
  readonly #redis: TestRedis;

  constructor(redis: TestRedis) {
    this.#redis = redis;
    const template = join(this.#folder, 'template');
    mkdirSync(template);
    writeFileSync(join(template, 'subject.hbs'), '{{first_name}}');
    writeFileSync(join(template, 'text.hbs'), '{{city}} {{plan}}');
  }

  async list(rows: number): Promise<string> {
    const path = join(this.#folder, `${rows}.csv`);
    await pipeline(generateList({ rows }), createWriteStream(path));
    return path;
  }

  async stage(list: string, rows: number, flags: readonly string[]): Promise<Run> {
    const client = this.#redis.client();
    await client.flushall();
    const tell = ['--import', `data:text/javascript,${encodeURIComponent(TELL_PEAK)}`];
    const what = ['launch', list, '--template', join(this.#folder, 'template'), '--from', 'me@example.com'];
    const args = [
      ...flags,
      ...tell,
      MAIN,
      ...what,
      '--smtp',
      'smtp://127.0.0.1:9',
      '--detach',
      '--yes',
      '--id',
      'bench',
    ];
    const env = { ...process.env, REDIS_URL: `unix://${this.#redis.path}`, FANMAIL_RESULTS: this.#folder };
    const began = performance.now();
    const child = spawnSync(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    const seconds = (performance.now() - began) / 1000;
    const total = Number(await client.hget('fanmail:{bench}:campaign', 'total'));
    if (child.status !== 0 || total !== rows) throw new Error(`${total} of ${rows} rows staged: ${child.stderr}`);
    const used = /used_memory_dataset:(\d+)/.exec(await client.info('memory'))?.[1];
    return { seconds, peak: Number(child.output[3]), redisBytes: Number(used) / rows };
  }

  async stop(): Promise<void> {
    await this.#redis.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
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

async function main(rows: number): Promise<void> {
  const bench = new Bench(await freshRedis());
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const line = (what: string, figure: string) => console.log(`${what.padEnd(40)} ${figure}`);
  try {
    const few = Math.round(rows / 10);
    const [fewList, list] = [await bench.list(few), await bench.list(rows)];
    const alone = await bench.stage(list, rows, []);
    line('rows', String(rows));
    line('rows a second, from shell to sealed', String(Math.round(rows / alone.seconds)));
    line('in Redis', `${alone.redisBytes.toFixed(1)} bytes a row`);
    const peaks: { few: number; all: number }[] = [];
    for (let run = 0; run < RUNS; run++) {
      const { peak } = await bench.stage(fewList, few, SMALL_HEAP);
      peaks.push({ few: peak, all: (await bench.stage(list, rows, SMALL_HEAP)).peak });
    }
    const base = Math.min(...peaks.map((run) => run.few));
    const all = Math.min(...peaks.map((run) => run.all));
    const grown = (all - base) / (rows - few);
    const keys = keySetBytesPerRow(rows);
    line(`peak resident, small heap, ${few} rows`, peaks.map((run) => mb(run.few)).join(', '));
    line('peak resident, small heap, all rows', peaks.map((run) => mb(run.all)).join(', '));
    line('so a row takes', `${grown.toFixed(1)} bytes (allowed: ${ALLOWED})`);
    line('of that the key set at most', `${keys.toFixed(1)} bytes (allowed: ${ALLOWED})`);
    const limit = rows >= LARGE.rows ? ` (allowed: ${mb(LARGE.peak)})` : '';
    line('peak resident, V8 left alone', `${mb(alone.peak)}${limit}`);
    if (grown <= ALLOWED && keys <= ALLOWED && (limit === '' || alone.peak <= LARGE.peak)) return;
    console.error('More than is allowed.');
    process.exitCode = 1;
  } finally {
    await bench.stop();
  }
}

const [rows = '1000000'] = process.argv.slice(2);
if (/^\d+$/.test(rows) && Number(rows) >= 100_000) await main(Number(rows));
else throw new RangeError(`rows is ${rows}; a whole number from 100000 on is allowed`);
