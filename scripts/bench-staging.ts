/**
 * How fast a list is staged, from its bytes to the seal, and with how much memory: `tsx scripts/bench-staging.ts [rows]`, by
 * default 1,000,000. The chunks go to a redis-server of its own.
 *
 * What may grow with the list is the set of addresses: 16 bytes a row. Two things are judged. What is alive: after a
 * forced collection, twenty times on the way, heap and buffers together, above what they are for a tenth of the rows.
 * And the peak of the resident memory, which holds garbage, too, as much as V8 likes: it gets the same bytes a row and
 * 96 MB more; measured, 45 MB at 1 million rows to 85 MB at 4 million.
 * Exits 1 where one of them is above.
 */
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CampaignOptions } from '../src/domain/campaign.js';
import { compileTemplate } from '../src/message/template.js';
import { type ListRow, stage } from '../src/pipeline/stager.js';
import { KeySet } from '../src/recipients/key-set.js';
import { openList } from '../src/recipients/list.js';
import { createStagingStore } from '../src/redis/ledger/staging.js';
import { freshRedis } from '../test/support/redis.js';
import { generateList } from './make-list.js';

const ALLOWED = 16;
const CHECKS = 20;
const GARBAGE = 96e6;

interface Run {
  readonly seconds: number;
  /** The most resident memory that the process ever had, in bytes. */
  readonly peak: number;
  /** The most that was alive at a check, in bytes; 0 where collections can't be forced. */
  readonly alive: number;
  /** What Redis has for a recipient, in bytes. */
  readonly redisBytes: number;
}

const OPTIONS: CampaignOptions = {
  ...{ name: 'bench', from: 'a@example.com', replyTo: null, attempts: 6, retryScheduleMs: [1_000], notify: null },
  ...{ relay: { host: 'localhost', port: 25, security: 'plain', user: null }, giveUpMs: 3_600_000, resultsDir: null },
  ...{ onUnknown: 'hold', keepMs: 3_600_000 },
};

async function stageOne(rows: number): Promise<Run> {
  const server = await freshRedis();
  const redis = server.client();
  try {
    const began = performance.now();
    const bytes = Readable.from(generateList({ rows }), { objectMode: true }).map((text: string) => Buffer.from(text));
    const list = await openList(bytes, { source: 'the generated list' });
    const template = { name: 'bench', subject: '{{first_name}}', html: null, text: '{{city}} {{plan}}', digest: '' };
    let alive = 0;
    const staged = await stage({
      ...{ id: 'bench', nonce: 'n', salt: 's', options: OPTIONS, template, chunkSize: null },
      needs: compileTemplate(template).needs.map((need) => need.variable),
      batches: watched(list.batches(), rows, (now) => {
        alive = Math.max(alive, now);
      }),
      listDigest: () => list.digest(),
      reject: async () => undefined,
      check: () => undefined,
      confirm: async () => undefined,
      store: createStagingStore(redis),
    });
    if (staged.totals.total !== rows) throw new Error(`${staged.totals.total} of ${rows} rows were staged`);
    const seconds = (performance.now() - began) / 1000;
    const used = /used_memory_dataset:(\d+)/.exec(await redis.info('memory'))?.[1];
    const peak = process.resourceUsage().maxRSS * 1024;
    return { seconds, peak, alive, redisBytes: Number(used) / rows };
  } finally {
    await server.stop();
  }
}

/** Looks at the memory once in a while. */
async function* watched(batches: AsyncIterable<readonly ListRow[]>, rows: number, tell: (bytes: number) => void) {
  let [seen, nextCheck] = [0, 0];
  for await (const batch of batches) {
    yield batch;
    seen += batch.length;
    if (seen < nextCheck) continue;
    tell(aliveNow());
    nextCheck += rows / CHECKS;
  }
}

function aliveNow(): number {
  if (globalThis.gc === undefined) return 0;
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Stages a list in a process of its own. */
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
  // A tenth of the list: large enough that everything which doesn't grow with the rows is there and warm.
  const baseRows = Math.round(rows / 10);
  const base = measure(baseRows);
  const full = measure(rows);
  const baseAlive = measure(baseRows, '--expose-gc').alive;
  const { alive } = measure(rows, '--expose-gc');
  const grown = (alive - baseAlive) / (rows - baseRows);
  const keys = keySetBytesPerRow(rows);
  const allowedPeak = base.peak + ALLOWED * (rows - baseRows) + GARBAGE;
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const line = (what: string, figure: string) => console.log(`${what.padEnd(34)} ${figure}`);
  line('rows', String(rows));
  line('rows a second, list to seal', String(Math.round(rows / full.seconds)));
  line('in Redis', `${full.redisBytes.toFixed(1)} bytes a row`);
  line(`alive, ${baseRows} rows`, mb(baseAlive));
  line('alive, all rows', `${mb(alive)}, ${grown.toFixed(1)} bytes a row more (allowed: ${ALLOWED})`);
  line('of that the key set at most', `${keys.toFixed(1)} bytes a row (allowed: ${ALLOWED})`);
  line(`peak resident, ${baseRows} rows`, mb(base.peak));
  line('peak resident, all rows', `${mb(full.peak)} (allowed: ${mb(allowedPeak)})`);
  if (grown <= ALLOWED && keys <= ALLOWED && full.peak <= allowedPeak) return;
  console.error('More than is allowed.');
  process.exitCode = 1;
}

const [first = '1000000', rows] = process.argv.slice(2);
if (first === '--child') console.log(JSON.stringify(await stageOne(Number(rows))));
else if (/^\d+$/.test(first) && Number(first) >= 100_000) main(Number(first));
else throw new RangeError(`rows is ${first}; a whole number from 100000 on is allowed`);
