import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, CannotMeasure, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import { residentBytes } from '../processes.js';
import type { Contender, Figure } from '../report.js';
import { summarize } from '../samples.js';
import { startSink } from '../sink.js';
import { countStalls } from '../stalls.js';
import { newsletter, writeTemplate } from '../templates.js';

/** Of a campaign; the next one is staged meanwhile. */
const MESSAGES = 1_000_000;
const POLL_MS = 500;
const LARGEST_MB = 200;
/** From when on a worker's memory has to be flat. */
const WARM = 200_000;
const LIMIT_MS = 3_600_000;

/** Late memory ÷ early memory. */
const FLAT = 1.2;

export const longRun: RowDefinition = {
  name: 'long-run',
  what: 'two workers at full load for minutes: no false stall, and flat memory over a million messages',
  async measure(bench) {
    // What a short time at full load shows can't be otherwise: a chunk has to be silent for longer to be taken for stalled.
    if (!bench.full) throw new CannotMeasure('it takes ten minutes and more: with --full');
    const list = await writeList(bench.folder, MESSAGES);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    const { stalls, memory, sent } = await load(bench, { list, template, messages: MESSAGES });
    const mb = memory.map(({ bytes }) => bytes / 1e6);
    const warm = memory.filter(({ done }) => done >= WARM).map(({ bytes }) => bytes / 1e6);
    const figures: Figure[] = [{ name: 'stalls', unit: 'stalls', samples: [stalls], bar: { at: 'most', value: 0 } }];
    const contenders: Contender[] = [];
    if (mb.length > 0) {
      const bar = { at: 'most', value: LARGEST_MB } as const;
      figures.push({ name: 'a worker’s peak', unit: 'MB', samples: [Math.max(...mb)], bar });
    }
    if (warm.length >= 8) {
      const quarter = Math.floor(warm.length / 4);
      const [early, late] = [warm.slice(0, quarter), warm.slice(-quarter)];
      const growth = summarize(late).median / summarize(early).median;
      figures.push({ name: 'late ÷ early memory', unit: '×', samples: [growth], bar: { at: 'most', value: FLAT } });
      contenders.push({ name: `a worker, after ${WARM} messages`, unit: 'MB', samples: early });
      contenders.push({ name: 'a worker, at the end', unit: 'MB', samples: late });
    }
    return {
      figures,
      contenders,
      notes: [
        `${sent} messages, ${bench.minutes} minutes`,
        mb.length > 0 ? 'the larger of two workers' : 'memory can only be told on Linux',
      ],
    };
  },
};

async function load(bench: Bench, job: { list: string; template: string; messages: number }) {
  const ground = new Ground(bench.folder, bench.cleanup);
  const sink = await startSink(bench.postfix, bench.folder, bench.cleanup);
  const until = Date.now() + bench.minutes * 60_000;
  const launch = (id: string) => ground.launch({ id, ...job, port: sink.port });
  await launch('c0');
  const logFile = join(ground.cwd, 'workers.log');
  const workers = await ground.workers({ processes: 2, connections: 10, port: sink.port, logFile });
  const memory: { done: number; bytes: number }[] = [];
  let campaigns = 0;
  do {
    bench.say(`long-run: campaign ${campaigns + 1}`);
    // Staged while the other is sent, so that the workers never have a rest: the machine is full.
    const next = Date.now() < until ? launch(`c${campaigns + 1}`) : Promise.resolve();
    const ended = ground.ended(`c${campaigns}`, job.messages, LIMIT_MS);
    let over = false;
    const watching = Promise.allSettled([ended, next]).then(() => {
      over = true;
    });
    while (!over) {
      const resident = (await ground.senders()).map(residentBytes).filter((bytes) => bytes !== null);
      const done =
        campaigns * job.messages + Number(await ground.redis.hget(`fanmail:{c${campaigns}}:counters`, 'sent'));
      if (resident.length > 0) memory.push({ done: done / 2, bytes: Math.max(...resident) });
      await Promise.race([watching, wait(POLL_MS)]);
    }
    await Promise.all([ended, next]);
    campaigns++;
  } while ((await ground.times(`c${campaigns}`)).phase !== '');
  await workers.stop();
  await sink.expect(campaigns * job.messages);
  await sink.stop();
  const stalls = existsSync(logFile) ? countStalls(readFileSync(logFile, 'utf8')) : 0;
  await ground.stop();
  return { stalls, memory, sent: campaigns * job.messages };
}
