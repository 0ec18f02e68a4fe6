import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WORKER_FLAGS } from '../../../src/cli/workers.js';
import { alternate, type Bench, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import type { LedgerResult } from '../ledger-main.js';
import { writeList } from '../lists.js';
import { nodeArgs, runCommand } from '../processes.js';
import type { Contender, Figure } from '../report.js';
import { byNodemailer } from '../senders.js';
import { startSink } from '../sink.js';
import { newsletter, writeTemplate } from '../templates.js';

const MAIN = fileURLToPath(new URL('../ledger-main.ts', import.meta.url));

/** Connections; what is judged comes first. With fewer, a worker waits for Redis more often, and each call holds less. */
const JUDGED = 50;
const OTHERS = [20, 100];
/** Fewer than a worker needs half a minute for: then a sweep begins to wonder about chunks that the ledger doesn't know to be done. */
const MESSAGES = 40_000;
/** What a message of Nodemailer's loop costs on the machine whose microseconds the bar means: 860 to 1,000 there. */
const LOOP_MICROSECONDS = 1_000;

export const ledgerCost: RowDefinition = {
  name: 'ledger-cost',
  what: 'CPU of a worker a message, less that with a ledger that grants and forgets, where Nodemailer’s loop takes 1,000 µs',
  async measure(bench) {
    const list = await writeList(bench.folder, MESSAGES);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    const figures: Figure[] = [];
    const contenders: Contender[] = [];
    for (const connections of [JUDGED, ...(bench.full ? OTHERS : [])]) {
      const by = `${connections} connections`;
      const job = { list, template, connections };
      const ours: LedgerResult[] = [];
      const loop: number[] = [];
      await alternate(bench, `ledger-cost, ${by}`, bench.rounds ?? (bench.full ? 9 : 3), [
        async () => void ours.push(await byTurns(bench, job)),
        async () => void loop.push((await byNodemailer(bench, { ...job, messages: 1_000 })).cpuEach ?? Number.NaN),
      ]);
      const cost = ours.map(({ withLedger, without }) => withLedger - without);
      const samples = cost.map((each, at) => (each / (loop[at] ?? Number.NaN)) * LOOP_MICROSECONDS);
      const bar = connections === JUDGED ? ({ at: 'most', value: 20 } as const) : null;
      figures.push({ name: `the ledger’s cost, ${by}`, unit: 'µs/message', samples, bar });
      contenders.push(
        { name: `the ledger’s cost in µs of this machine, ${by}`, unit: 'µs/message', samples: cost },
        { name: `with the ledger, CPU, ${by}`, unit: 'µs/message', samples: ours.map((one) => one.withLedger) },
        { name: `without, CPU, ${by}`, unit: 'µs/message', samples: ours.map((one) => one.without) },
        { name: `Nodemailer’s loop, CPU, ${by}`, unit: 'µs/message', samples: loop },
      );
    }
    const notes = [
      'what costs so many µs where a message of Nodemailer’s loop costs 1,000: a core is not always as fast',
    ];
    return { figures, contenders, notes };
  },
};

/** One process that is a worker with the ledger and without it, by turns. */
async function byTurns(
  bench: Bench,
  job: { readonly list: string; readonly template: string; readonly connections: number },
): Promise<LedgerResult> {
  // A Redis of its own: the campaign never closes.
  const ground = new Ground(bench.folder, bench.cleanup);
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
  await ground.launch({ id: 'c', list: job.list, template: job.template, port: sink.port });
  const args = [...WORKER_FLAGS, ...nodeArgs(MAIN, ground.socket, String(MESSAGES), String(job.connections))];
  const result = JSON.parse(await runCommand(bench.cleanup, process.execPath, args, { cwd: ground.cwd }));
  await sink.expect(MESSAGES);
  await sink.stop();
  await ground.stop();
  return result as LedgerResult;
}
