import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WORKER_FLAGS } from '../../../src/cli/workers.js';
import { alternate, type Bench, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import type { LedgerResult } from '../ledger-main.js';
import { writeList } from '../lists.js';
import { nodeArgs, runCommand } from '../processes.js';
import type { Contender, Figure } from '../report.js';
import type { Job } from '../senders.js';
import { startSink } from '../sink.js';
import { AT_REFERENCE_SPEED, Speed } from '../speed.js';
import { newsletter, writeTemplate } from '../templates.js';

const MAIN = fileURLToPath(new URL('../ledger-main.ts', import.meta.url));

/** Connections; what is judged comes first. With fewer, a worker waits for Redis more often, and each call holds less. */
const JUDGED = 50;
const OTHERS = [20, 100];
/**
 * Some ten turns each, warm. More processes say more than more turns: what V8 makes of the same code differs from one to the next by
 * more than turns do. And fewer than a worker needs half a minute for: then a sweep begins to wonder about chunks that the ledger
 * doesn't know to be done.
 */
const MESSAGES = 45_000;
const PROCESSES = 9;

export const ledgerCost: RowDefinition = {
  name: 'ledger-cost',
  what: 'CPU of a worker a message, less that of a worker whose ledger grants and forgets',
  async measure(bench) {
    const list = await writeList(bench.folder, MESSAGES);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    const figures: Figure[] = [];
    const contenders: Contender[] = [];
    for (const connections of [JUDGED, ...(bench.full ? OTHERS : [])]) {
      const by = `${connections} connections`;
      const job = { list, template, messages: MESSAGES, connections };
      const ours: LedgerResult[] = [];
      const speed = await Speed.start(bench);
      await alternate(bench, `ledger-cost, ${by}`, bench.rounds ?? PROCESSES, [
        async () => void ours.push(await byTurns(bench, job)),
        () => speed.measure(),
      ]);
      await speed.stop();
      const cost = ours.map((one) => one.cost);
      const bar = connections === JUDGED ? ({ at: 'most', value: 20 } as const) : null;
      figures.push({
        name: `the ledger’s cost, ${by}`,
        unit: 'µs/message',
        samples: cost.map((micros) => micros / speed.slowness),
        bar,
      });
      contenders.push(
        { name: `the ledger’s cost, as measured, ${by}`, unit: 'µs/message', samples: cost },
        { name: `with the ledger, CPU, ${by}`, unit: 'µs/message', samples: ours.map((one) => one.withLedger) },
        { name: `without, CPU, ${by}`, unit: 'µs/message', samples: ours.map((one) => one.without) },
        speed.contender(),
      );
    }
    return { figures, contenders, notes: [AT_REFERENCE_SPEED] };
  },
};

/** One process that is a worker with the ledger and without it, by turns. */
async function byTurns(bench: Bench, job: Job): Promise<LedgerResult> {
  // A Redis of its own: the campaign never closes.
  const ground = new Ground(bench.folder, bench.cleanup);
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
  await ground.launch({ id: 'c', list: job.list, template: job.template, port: sink.port });
  const args = [...WORKER_FLAGS, ...nodeArgs(MAIN, ground.socket, String(job.messages), String(job.connections))];
  const result = JSON.parse(await runCommand(bench.cleanup, process.execPath, args, { cwd: ground.cwd }));
  await sink.expect(job.messages);
  await sink.stop();
  await ground.stop();
  return result as LedgerResult;
}
