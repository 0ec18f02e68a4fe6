import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WORKER_FLAGS } from '../../../src/cli/workers.js';
import { alternate, type Bench, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import type { LedgerResult } from '../ledger-main.js';
import { writeList } from '../lists.js';
import { nodeArgs, runCommand } from '../processes.js';
import type { Contender, Figure } from '../report.js';
import { startSink } from '../sink.js';
import { newsletter, writeTemplate } from '../templates.js';

const MAIN = fileURLToPath(new URL('../ledger-main.ts', import.meta.url));

/** Connections; what is judged comes first. With fewer, a worker waits for Redis more often, and each call holds less. */
const JUDGED = 50;
const OTHERS = [20, 100];

export const ledgerCost: RowDefinition = {
  name: 'ledger-cost',
  what: 'CPU of a worker a message, less that of a worker whose ledger grants and forgets',
  async measure(bench) {
    const messages = bench.full ? 200_000 : 40_000;
    const list = await writeList(bench.folder, messages);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    const figures: Figure[] = [];
    const contenders: Contender[] = [];
    for (const connections of [JUDGED, ...(bench.full ? OTHERS : [])]) {
      const by = `${connections} connections`;
      const spent = { redis: [] as number[], memory: [] as number[] };
      const run = (kind: 'redis' | 'memory') => async () => {
        spent[kind].push(await cpuEach(bench, { list, template, messages, kind, connections }));
      };
      // A difference of two large figures: many rounds, so that the median is not a busy moment's.
      const rounds = bench.rounds ?? 9;
      await alternate(bench, `ledger-cost, ${by}`, rounds, [run('redis'), run('memory')]);
      const samples = spent.redis.map((each, at) => each - (spent.memory[at] ?? Number.NaN));
      const bar = connections === JUDGED ? ({ at: 'most', value: 20 } as const) : null;
      figures.push({ name: `the ledger’s cost, ${by}`, unit: 'µs/message', samples, bar });
      contenders.push({ name: `with the ledger, CPU, ${by}`, unit: 'µs/message', samples: spent.redis });
      contenders.push({ name: `without, CPU, ${by}`, unit: 'µs/message', samples: spent.memory });
    }
    return { figures, contenders, notes: [] };
  },
};

async function cpuEach(
  bench: Bench,
  job: { list: string; template: string; messages: number; kind: 'redis' | 'memory'; connections: number },
): Promise<number> {
  // A Redis of its own: without a ledger the campaign never closes.
  const ground = new Ground(bench.folder, bench.cleanup);
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
  await ground.launch({ id: 'c', list: job.list, template: job.template, port: sink.port });
  const args = [
    ...WORKER_FLAGS,
    ...nodeArgs(MAIN, ground.socket, String(job.messages), job.kind, String(job.connections)),
  ];
  const result = JSON.parse(await runCommand(bench.cleanup, process.execPath, args, { cwd: ground.cwd }));
  await sink.expect(job.messages);
  await sink.stop();
  await ground.stop();
  return (result as LedgerResult).cpuMicroseconds / job.messages;
}
