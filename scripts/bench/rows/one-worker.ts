import { join } from 'node:path';
import { alternate, type Bench, type RowDefinition } from '../bench.js';
import { Fanmail } from '../fanmail.js';
import { readList, writeList } from '../lists.js';
import type { Contender, Figure } from '../report.js';
import { ratios } from '../samples.js';
import { NodemailerLoop } from '../senders.js';
import { messageBytes, newsletter, writeTemplate } from '../templates.js';
import { WARM } from '../warm.js';

/** What a worker has where nothing is said of it. */
const JUDGED = 20;

export interface OneWorkerSize {
  readonly connections: readonly number[];
  /** Messages that fanmail sends, and Nodemailer, which takes longer for each. */
  readonly ours: number;
  readonly theirs: number;
  /** Messages that warm them up. */
  readonly warming: { readonly ours: number; readonly theirs: number };
  readonly rounds: number;
}

export const oneWorker: RowDefinition = {
  name: 'one-worker',
  what: 'one worker process with full bookkeeping ÷ a loop over Nodemailer’s pool that counts nothing, 3.4 kB',
  measure(bench) {
    const connections = bench.full ? [5, JUDGED, 50, 100] : [JUDGED];
    const size = bench.full
      ? { ours: 200_000, theirs: 10_000, warming: WARM, rounds: 5 }
      : { ours: 9_000, theirs: 600, warming: WARM, rounds: 5 };
    return measureOneWorker(bench, { connections, ...size, rounds: bench.rounds ?? size.rounds });
  },
};

export async function measureOneWorker(bench: Bench, size: OneWorkerSize) {
  const list = await writeList(bench.folder, size.ours);
  const parts = newsletter();
  const template = writeTemplate(join(bench.folder, 'newsletter'), parts);
  const warming = { list: await writeList(bench.folder, size.warming.ours), template, messages: size.warming.ours };
  const figures: Figure[] = [];
  const contenders: Contender[] = [];
  const cpu = { ours: [] as number[], theirs: [] as number[] };
  for (const connections of size.connections) {
    const ours: number[] = [];
    const theirs: number[] = [];
    const [fanmail, loop] = await Promise.all([
      Fanmail.start(bench, { processes: 1, connections }, warming),
      NodemailerLoop.start(bench, { list, template, connections }, size.warming.theirs),
    ]);
    await alternate(bench, `one-worker, ${connections} connections`, size.rounds, [
      async () => {
        const sent = await fanmail.send({ list, template, messages: size.ours });
        ours.push(sent.perSecond);
        if (sent.cpuEach !== null) cpu.ours.push(sent.cpuEach);
      },
      async () => {
        const sent = await loop.send(size.theirs);
        theirs.push(sent.perSecond);
        if (sent.cpuEach !== null) cpu.theirs.push(sent.cpuEach);
      },
    ]);
    await fanmail.stop();
    await loop.stop();
    const bar = connections === JUDGED ? ({ at: 'least', value: 6, aim: 9 } as const) : null;
    const by = `${connections} connections`;
    figures.push({ name: `÷ Nodemailer, ${by}`, unit: '×', samples: ratios(ours, theirs), bar });
    contenders.push({ name: `fanmail, one worker, ${by}`, unit: 'messages/s', samples: ours });
    contenders.push({ name: `Nodemailer’s pool, ${by}`, unit: 'messages/s', samples: theirs });
  }
  if (cpu.ours.length > 0) contenders.push({ name: 'fanmail’s worker, CPU', unit: 'µs/message', samples: cpu.ours });
  contenders.push({ name: 'Nodemailer’s loop, CPU', unit: 'µs/message', samples: cpu.theirs });
  const bytes = messageBytes(parts, readList(list, 200));
  return { figures, contenders, notes: [`${bytes} bytes a message`] };
}
