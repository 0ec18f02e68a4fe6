import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { chunkKeys } from '../../../src/redis/keys.js';
import { alternate, type Bench, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import { startSink } from '../sink.js';
import { newsletter, writeTemplate } from '../templates.js';

/** So slow that chunks last some seconds and the list longer than a takeover; not so slow that a place in a worker is rare. */
const DELAY_MS = 50;
const CONNECTIONS = 20;
const RECIPIENTS = 40_000;
const CHUNK = 500;
const POLL_MS = 100;
const LIMIT_MS = 60_000;

export const takeover: RowDefinition = {
  name: 'takeover',
  what: 'from kill -9 of one of two worker processes until its chunks move again',
  async measure(bench) {
    const list = await writeList(bench.folder, RECIPIENTS);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    const seconds: number[] = [];
    const chunks: number[] = [];
    await alternate(bench, 'takeover', bench.rounds ?? (bench.full ? 5 : 1), [
      async () => {
        const took = await killOne(bench, list, template);
        seconds.push(took.seconds);
        chunks.push(took.chunks);
      },
    ]);
    return {
      figures: [{ name: 'kill to progress', unit: 's', samples: seconds, bar: { at: 'most', value: 20 } }],
      contenders: [{ name: 'chunks that it had', unit: 'chunks', samples: chunks }],
      notes: [],
    };
  },
};

async function killOne(bench: Bench, list: string, template: string) {
  const ground = new Ground(bench.folder, bench.cleanup);
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup, { delayMs: DELAY_MS });
  await ground.launch({ id: 'c', list, template, port: sink.port });
  const workers = await ground.workers({ processes: 2, connections: CONNECTIONS, port: sink.port });
  const { nonce } = await ground.times('c');
  const look = () => sentByChunk(ground, nonce);
  // Both are in the middle of chunks of theirs.
  while ((await look()).filter(underWay).length < 3) await wait(POLL_MS);
  const before = await look();
  const [victim] = workers.senders;
  if (victim === undefined) throw new Error('no worker to kill');
  process.kill(victim, 'SIGKILL');
  const killed = performance.now();
  // Whatever lives sends several in a second.
  await wait(500);
  const first = await look();
  await wait(1_500);
  const second = await look();
  const stuck = [...before.keys()].filter((n) => underWay(before[n]) && underWay(second[n]) && first[n] === second[n]);
  if (stuck.length === 0) throw new Error('the killed process had no chunk');
  for (;;) {
    const now = await look();
    if (stuck.every((n) => (now[n] ?? 0) > (second[n] ?? 0))) break;
    if (performance.now() - killed > LIMIT_MS) throw new Error(`no progress ${LIMIT_MS / 1000} s after the kill`);
    await wait(POLL_MS);
  }
  const seconds = (performance.now() - killed) / 1000;
  await ground.fanmail(['cancel', 'c']);
  await workers.stop();
  await sink.stop();
  await ground.stop();
  return { seconds, chunks: stuck.length };
}

function underWay(sent: number | undefined): boolean {
  return sent !== undefined && sent > 0 && sent < CHUNK - CONNECTIONS;
}

/** How many each chunk has sent. */
async function sentByChunk(ground: Ground, nonce: string): Promise<number[]> {
  const keys = Array.from({ length: RECIPIENTS / CHUNK }, (_, n) => chunkKeys('c', nonce, n).states);
  const states = await ground.redis.mget(keys);
  return states.map((bytes) => (bytes ?? '').split('S').length - 1);
}
