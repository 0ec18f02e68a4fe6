import { join } from 'node:path';
import { KeySet } from '../../../src/recipients/key-set.js';
import { alternate, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import { stage } from '../staged.js';
import { shortNote, writeTemplate } from '../templates.js';

/**
 * V8 is held to a small heap where growth is judged: left alone, it keeps garbage as long as there is room, which says how
 * much room it saw and not what the list takes.
 */
const SMALL_HEAP = ['--max-semi-space-size=1', '--max-old-space-size=32'];
const ALLOWED = 16;
const LARGE_PEAK_MB = 400;

/**
 * What may grow with the list is the set of addresses: 16 bytes a row. Judged is the peak of the whole process with all
 * rows against a tenth of them (which is long enough to be warm, and to have a thread that packs them), the least of the
 * rounds each: it is never too low.
 */
export const stagingMemory: RowDefinition = {
  name: 'staging-memory',
  what: 'resident memory of a launch: what a row adds, and the peak with the whole list, V8 left alone',
  async measure(bench) {
    const rows = bench.full ? 10_000_000 : 3_000_000;
    const few = rows / 10;
    const list = await writeList(bench.folder, rows);
    const fewList = await writeList(bench.folder, few);
    const template = writeTemplate(join(bench.folder, 'note'), shortNote());
    const peaks = { few: [] as number[], all: [] as number[], alone: [] as number[] };
    const run = (kind: keyof typeof peaks) => async () => {
      const ground = new Ground(bench.folder, bench.cleanup);
      const [path, count] = kind === 'few' ? ([fewList, few] as const) : ([list, rows] as const);
      const flags = kind === 'alone' ? [] : SMALL_HEAP;
      peaks[kind].push((await stage(ground, { id: 'c', list: path, template }, count, flags)).peak);
      await ground.stop();
    };
    // Memory differs little from one round to the next, so that one is enough where time is short.
    const rounds = bench.rounds ?? (bench.full ? 3 : 1);
    await alternate(bench, 'staging-memory', rounds, [run('few'), run('all')]);
    await alternate(bench, 'staging-memory, V8 left alone', rounds, [run('alone')]);
    const grown = (Math.min(...peaks.all) - Math.min(...peaks.few)) / (rows - few);
    const megabytes = (bytes: readonly number[]) => bytes.map((one) => one / 1e6);
    const bar = { at: 'most', value: ALLOWED } as const;
    const peakBar = { at: 'most', value: LARGE_PEAK_MB } as const;
    return {
      figures: [
        { name: 'what a row adds', unit: 'bytes', samples: [grown], bar },
        { name: 'of that the key set at most', unit: 'bytes', samples: [keySetBytesPerRow(rows)], bar },
        { name: `peak with ${rows} rows`, unit: 'MB', samples: megabytes(peaks.alone), bar: peakBar },
      ],
      contenders: [
        { name: `small heap, ${few} rows`, unit: 'MB', samples: megabytes(peaks.few) },
        { name: `small heap, ${rows} rows`, unit: 'MB', samples: megabytes(peaks.all) },
      ],
      notes: [],
    };
  },
};

/** The most bytes an entry that the set held at any size from 100,000 to `rows`. */
function keySetBytesPerRow(rows: number): number {
  const keys = new KeySet();
  let most = 0;
  for (let row = 1; row <= rows; row++) {
    keys.add(`user${row}@example.com`);
    if (row >= 100_000) most = Math.max(most, keys.bytes / row);
  }
  return most;
}
