import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import type { Contender, Figure } from '../report.js';
import { ratios } from '../samples.js';
import { shortNote, writeTemplate } from '../templates.js';

const SMALL = 10_000;

interface Cost {
  readonly ms: number[];
  readonly commands: number[];
  readonly redisMicroseconds: number[];
}

export const overview: RowDefinition = {
  name: 'overview',
  what: 'progress and list of a large campaign ÷ of one with 10,000 recipients',
  async measure(bench) {
    const large = bench.full ? 10_000_000 : 500_000;
    const template = writeTemplate(join(bench.folder, 'note'), shortNote());
    const grounds: Ground[] = [];
    for (const rows of [SMALL, large]) {
      bench.say(`overview: staging ${rows} rows`);
      const ground = new Ground(bench.folder, bench.cleanup);
      await ground.launch({ id: 'c', list: await writeList(bench.folder, rows), template, port: 9 });
      grounds.push(ground);
    }
    const figures: Figure[] = [];
    const contenders: Contender[] = [];
    for (const args of [['progress', 'c'], ['list']]) {
      const costs = grounds.map(() => ({ ms: [], commands: [], redisMicroseconds: [] }) as Cost);
      const runs = grounds.map((ground, at) => () => once(ground, args, costs[at]));
      await alternate(bench, `overview, ${args[0]}`, bench.rounds ?? (bench.full ? 25 : 3), runs);
      const [small, big] = costs as [Cost, Cost];
      const bar = { at: 'most', value: 1.2 } as const;
      figures.push(
        { name: `${args[0]}, time`, unit: '×', samples: ratios(big.ms, small.ms), bar },
        { name: `${args[0]}, commands`, unit: '×', samples: ratios(big.commands, small.commands), bar },
      );
      contenders.push(
        { name: `${args[0]}, ${SMALL} recipients`, unit: 'ms', samples: small.ms },
        { name: `${args[0]}, ${large} recipients`, unit: 'ms', samples: big.ms },
        { name: `${args[0]}, ${SMALL}, in Redis`, unit: 'µs', samples: small.redisMicroseconds },
        { name: `${args[0]}, ${large}, in Redis`, unit: 'µs', samples: big.redisMicroseconds },
      );
    }
    for (const ground of grounds) await ground.stop();
    return { figures, contenders, notes: [] };
  },
};

/** The command as from a shell; what it asked Redis for is what Redis counted meanwhile. */
async function once(ground: Ground, args: readonly string[], cost: Cost | undefined): Promise<void> {
  await ground.redis.config('RESETSTAT');
  const from = performance.now();
  await ground.fanmail([...args, '--json']);
  cost?.ms.push(performance.now() - from);
  const stats = (await ground.redis.info('commandstats')).split('\r\n');
  const used = stats.flatMap((line) => {
    const found = /^cmdstat_([^:]+):calls=(\d+),usec=(\d+)/.exec(line);
    return found && !/^(config|info)/.test(found[1] ?? '') ? [{ calls: Number(found[2]), usec: Number(found[3]) }] : [];
  });
  cost?.commands.push(used.reduce((sum, { calls }) => sum + calls, 0));
  cost?.redisMicroseconds.push(used.reduce((sum, { usec }) => sum + usec, 0));
}
