/**
 * One worker in this process, by turns with the ledger and without it: `ledger-main.ts SOCKET MESSAGES CONNECTIONS` waits for a
 * campaign, sends it, and prints the CPU a message of both as JSON.
 *
 * Without it, intents are granted and outcomes taken without a word to Redis; the claim of a chunk stays, once for hundreds of
 * messages. Everything else is what `fanmail worker` runs: queue, composer, connections. The two take turns of a fraction of a
 * second, since what a machine's other guests leave of a core changes from second to second, and the difference is small beside
 * either; and the median of the turns is taken, since a few cost twice as much as the others for the same reason. What one turn
 * leaves under way, some messages, the other one ends.
 */
import { startWorker } from '../../src/app.js';
import { openBackend } from '../../src/backend.js';
import type { ChunkLedger } from '../../src/pipeline/ports.js';
import { openRedis } from '../../src/redis/connect.js';
import { summarize } from './samples.js';
import { WARM } from './warm.js';

export interface LedgerResult {
  /** Microseconds of CPU a message. */
  readonly withLedger: number;
  readonly without: number;
}

const TURN_MS = 200;

const [socket = '', messages = '0', connections = '20'] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Microseconds of CPU a message, of each turn. */
const turns = { with: [] as number[], without: [] as number[] };
let [open, settled, since] = [Number(messages), 0, process.cpuUsage()];
let isWith = true;
let counting = false;

function nextTurn(): void {
  const { user, system } = process.cpuUsage(since);
  since = process.cpuUsage();
  // Until then, a process is still compiling what it runs.
  if (!counting) counting = Number(messages) - open >= WARM.ours;
  else if (settled > 0) (isWith ? turns.with : turns.without).push((user + system) / settled);
  settled = 0;
  isWith = !isWith;
}

/** Nothing of the campaign is closed by this worker: the process ends with the last chunk. */
function end(): never {
  const result: LedgerResult = { withLedger: summarize(turns.with).median, without: summarize(turns.without).median };
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
