import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import { startSink } from '../sink.js';
import { AT_REFERENCE_SPEED, Speed } from '../speed.js';
import { newsletter, writeTemplate } from '../templates.js';

const RECIPIENTS = 10;
const LIMIT_MS = 30_000;

export const ten: RowDefinition = {
  name: 'ten',
  what: '10 recipients while workers run: from the seal to the summary, and from the shell to the summary',
  async measure(bench) {
    const list = await writeList(bench.folder, RECIPIENTS);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    const ground = new Ground(bench.folder, bench.cleanup);
    const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
    await ground.fanmail(['redis', 'start']);
    const workers = await ground.workers({ processes: 1, connections: 20, port: sink.port });
    const rounds = bench.rounds ?? (bench.full ? 25 : 5);
    const speed = await Speed.start(bench);
    const sealed: number[] = [];
    const shell: number[] = [];
    const once = async (id: string) => {
      const began = Date.now();
      await ground.launch({ id, list, template, port: sink.port });
      const { sealedAt, endedAt } = await ground.ended(id, RECIPIENTS, LIMIT_MS);
      if (sealedAt === null || endedAt === null) throw new Error('the campaign has no times');
      return { sealed: endedAt - sealedAt, shell: endedAt - began };
    };
    // Workers that run have sent something before.
    await once('first');
    await alternate(bench, 'ten', rounds, [
      async () => {
        const took = await once(`c${sealed.length}`);
        sealed.push(took.sealed);
        shell.push(took.shell);
      },
      () => speed.measure(),
    ]);
    await speed.stop();
    await workers.stop();
    await sink.expect(RECIPIENTS * (rounds + 1));
    await sink.stop();
    await ground.stop();
    const atReference = (ms: number) => ms / speed.slowness;
    return {
      figures: [
        {
          name: 'from seal to summary',
          unit: 'ms',
          samples: sealed.map(atReference),
          bar: { at: 'most', value: 100 },
        },
        {
          name: 'from shell to summary',
          unit: 'ms',
          samples: shell.map(atReference),
          bar: { at: 'most', value: 1_000 },
        },
      ],
      contenders: [
        { name: 'from seal to summary, as measured', unit: 'ms', samples: sealed },
        { name: 'from shell to summary, as measured', unit: 'ms', samples: shell },
        speed.contender(),
      ],
      notes: [AT_REFERENCE_SPEED],
    };
  },
};
