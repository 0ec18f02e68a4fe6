import { statSync } from 'node:fs';
import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import { AT_REFERENCE_SPEED, Speed } from '../speed.js';
import { type Staged, stage } from '../staged.js';
import { shortNote, writeTemplate } from '../templates.js';

const FEW = 100_000;

export const staging: RowDefinition = {
  name: 'staging',
  what: 'a list from its file to the seal, and what a waiting recipient takes in Redis, rows of about 60 bytes',
  async measure(bench) {
    const rows = bench.full ? 1_000_000 : 200_000;
    const list = await writeList(bench.folder, rows);
    const few = await writeList(bench.folder, FEW);
    const template = writeTemplate(join(bench.folder, 'note'), shortNote());
    const speed = await Speed.start(bench);
    const runs: Staged[] = [];
    const small: Staged[] = [];
    await alternate(bench, 'staging', bench.rounds ?? (bench.full ? 5 : 3), [
      async () => {
        const ground = new Ground(bench.folder, bench.cleanup);
        runs.push(await stage(ground, { id: 'all', list, template }, rows));
        small.push(await stage(ground, { id: 'few', list: few, template }, FEW));
        await ground.stop();
      },
      () => speed.measure(),
    ]);
    await speed.stop();
    const measured = runs.map((run) => run.rowsPerSecond);
    const rates = measured.map((rate) => rate * speed.slowness);
    const bytes = small.map((run) => run.redisBytes);
    return {
      figures: [
        { name: 'file to sealed', unit: 'rows/s', samples: rates, bar: { at: 'least', value: 150_000 } },
        { name: 'a recipient in Redis', unit: 'bytes', samples: bytes, bar: { at: 'most', value: 40 } },
      ],
      contenders: [{ name: 'file to sealed, as measured', unit: 'rows/s', samples: measured }, speed.contender()],
      notes: [
        AT_REFERENCE_SPEED,
        `${rows} rows of ${(statSync(list).size / rows).toFixed(1)} bytes; in Redis: ${FEW} rows`,
      ],
    };
  },
};
