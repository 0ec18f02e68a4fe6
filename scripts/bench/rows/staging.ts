import { statSync } from 'node:fs';
import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import { AT_REFERENCE_SPEED, slowness } from '../speed.js';
import { type Staged, stage } from '../staged.js';
import { newsletter, shortNote, writeTemplate } from '../templates.js';

const FEW = 100_000;

export const staging: RowDefinition = {
  name: 'staging',
  what: 'a list from its file to the seal, and what a waiting recipient takes in Redis, rows of about 60 bytes',
  async measure(bench) {
    const rows = bench.full ? 1_000_000 : 200_000;
    const list = await writeList(bench.folder, rows);
    const few = await writeList(bench.folder, FEW);
    const template = writeTemplate(join(bench.folder, 'note'), shortNote());
    const newsletters = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    const slow: number[] = [];
    const runs: Staged[] = [];
    const small: Staged[] = [];
    await alternate(bench, 'staging', bench.rounds ?? (bench.full ? 5 : 3), [
      async () => {
        const ground = new Ground(bench.folder, bench.cleanup);
        runs.push(await stage(ground, { id: 'all', list, template }, rows));
        small.push(await stage(ground, { id: 'few', list: few, template }, FEW));
        await ground.stop();
      },
      async () => void slow.push(await slowness(bench, { list: few, template: newsletters })),
    ]);
    const measured = runs.map((run) => run.rowsPerSecond);
    const rates = measured.map((rate, at) => rate * (slow[at] ?? Number.NaN));
    const bytes = small.map((run) => run.redisBytes);
    return {
      figures: [
        { name: 'file to sealed', unit: 'rows/s', samples: rates, bar: { at: 'least', value: 150_000 } },
        { name: 'a recipient in Redis', unit: 'bytes', samples: bytes, bar: { at: 'most', value: 40 } },
      ],
      contenders: [{ name: 'file to sealed, as measured', unit: 'rows/s', samples: measured }],
      notes: [
        AT_REFERENCE_SPEED,
        `${rows} rows of ${(statSync(list).size / rows).toFixed(1)} bytes; in Redis: ${FEW} rows`,
      ],
    };
  },
};
