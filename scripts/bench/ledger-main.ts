/**
 * One worker in this process, by turns with the ledger and without it: `ledger-main.ts SOCKET MESSAGES CONNECTIONS` waits for a
 * campaign, sends it, and prints the CPU a message of both as JSON.
 *
 * Without it, intents are granted and outcomes taken without a word to Redis; the claim of a chunk stays, once for hundreds of
 * messages. Everything else is what `fanmail worker` runs: queue, composer, connections. The two take turns of a fraction of a
 * second, since what a machine's other guests leave of a core changes from second to second, and the difference is small beside
 * either. So each turn with the ledger is compared with the one without it that came next, and of these differences the median is
 * taken, since a few turns cost twice as much as the others for the same reason. What one turn leaves under way, some messages, the
 * other one ends.
 */
import type { ChunkLedger } from '../../src/pipeline/ports.js';
import { summarize } from './samples.js';
import { WARM } from './warm.js';

export interface LedgerResult {
  /** Microseconds of CPU a message. */
  readonly withLedger: number;
  readonly without: number;
  /** The median difference of turns that came one after the other. */
  readonly cost: number;
}

const TURN_MS = 200;

/** As it was built, which is what users run: what is compiled on the fly names each function anew whenever one is made. */
const built = (module: string) => import(new URL(`../../dist/${module}.js`, import.meta.url).href);
const { startWorker }: typeof import('../../src/app.js') = await built('app');
const { openBackend }: typeof import('../../src/backend.js') = await built('backend');
const { openRedis }: typeof import('../../src/redis/connect.js') = await built('redis/connect');

const [socket = '', messages = '0', connections = '20'] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Microseconds of CPU a message, of each turn with the ledger and the one after it without. */
const pairs: { readonly withLedger: number; readonly without: number }[] = [];
let [open, settled, since] = [Number(messages), 0, process.cpuUsage()];
let isWith = true;
/** Of the turn before, if that was one with the ledger that counts. */
let withLedger: number | null = null;

function nextTurn(): void {
  const { user, system } = process.cpuUsage(since);
  since = process.cpuUsage();
  // Until then, a process is still compiling what it runs.
  const counts = Number(messages) - open >= WARM.ours && settled > 0;
  const micros = counts ? (user + system) / settled : null;
  if (!isWith && micros !== null && withLedger !== null) pairs.push({ withLedger, without: micros });
  withLedger = isWith ? micros : null;
  settled = 0;
  isWith = !isWith;
}

/** Nothing of the campaign is closed by this worker: the process ends with the last chunk. */
function end(): never {
  const median = (of: (pair: (typeof pairs)[number]) => number) => summarize(pairs.map(of)).median;
  const result: LedgerResult = {
    withLedger: median((pair) => pair.withLedger),
    without: median((pair) => pair.without),
    cost: median((pair) => pair.withLedger - pair.without),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}

function byTurns(ledger: ChunkLedger): ChunkLedger {
  return {
    ...ledger,
    turn(chunk, settlements, indices) {
      settled += settlements.length;
      if (isWith) return ledger.turn(chunk, settlements, indices);
      return Promise.resolve({ settled: 'ok', begun: { kind: 'granted', indices } });
    },
    async finish(chunk) {
      open -= chunk.states.length;
      if (open <= 0) end();
      return { kind: 'finished' };
    },
  };
}

const redis = await openRedis({ kind: 'socket', path: socket }, { name: 'bench', firstConnectMs: 10_000 });
const backend = openBackend(redis);
const options = {
  relays: [],
  dkim: [],
  connections: Number(connections),
  chunks: 2,
  resultsDir: 'results',
  version: '0',
  log: silent,
};
setInterval(nextTurn, TURN_MS);
await startWorker({ ...backend, ledger: byTurns(backend.ledger) }, options);
