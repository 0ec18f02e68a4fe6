/**
 * One worker in this process, with the ledger or without it: `ledger-main.ts SOCKET MESSAGES redis|memory CONNECTIONS` waits for a
 * campaign, sends it, and prints the CPU from the first intent to the last chunk's end as JSON.
 *
 * Without it, intents are granted and outcomes taken without a word to Redis; the claim of a chunk stays, once for
 * hundreds of messages. Everything else is what `fanmail worker` runs: queue, composer, connections.
 */
import { startWorker } from '../../src/app.js';
import { openBackend } from '../../src/backend.js';
import type { ChunkLedger } from '../../src/pipeline/ports.js';
import { openRedis } from '../../src/redis/connect.js';

export interface LedgerResult {
  readonly cpuMicroseconds: number;
  readonly seconds: number;
}

const [socket = '', messages = '0', kind, connections = '20'] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let begun: { cpu: NodeJS.CpuUsage; at: number } | undefined;
let open = Number(messages);

/** Nothing of the campaign is closed by this worker: the process ends with the last chunk. */
function end(): never {
  const { user, system } = process.cpuUsage(begun?.cpu);
  const result: LedgerResult = {
    cpuMicroseconds: user + system,
    seconds: (performance.now() - (begun?.at ?? 0)) / 1000,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}

function withoutRedis(ledger: ChunkLedger): ChunkLedger {
  return {
    ...ledger,
    turn: async (_chunk, _settlements, indices) => ({ settled: 'ok', begun: { kind: 'granted', indices } }),
    finish: async () => ({ kind: 'finished' }),
  };
}

/** Notes when the sending begins and ends. */
function watched(ledger: ChunkLedger): ChunkLedger {
  return {
    ...ledger,
    turn(chunk, settlements, indices) {
      begun ??= { cpu: process.cpuUsage(), at: performance.now() };
      return ledger.turn(chunk, settlements, indices);
    },
    async finish(chunk) {
      const finish = await ledger.finish(chunk);
      if (finish.kind === 'finished') open -= chunk.states.length;
      if (open <= 0) end();
      return finish;
    },
  };
}

const redis = await openRedis({ kind: 'socket', path: socket }, { name: 'bench', firstConnectMs: 10_000 });
const backend = openBackend(redis);
const ledger = watched(kind === 'memory' ? withoutRedis(backend.ledger) : backend.ledger);
const options = {
  relays: [],
  dkim: [],
  connections: Number(connections),
  chunks: 2,
  resultsDir: 'results',
  version: '0',
  log: silent,
};
await startWorker({ ...backend, ledger }, options);
