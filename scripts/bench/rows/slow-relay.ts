import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { writeList } from '../lists.js';
import { byFanmail } from '../senders.js';
import { newsletter, writeTemplate } from '../templates.js';

const DELAY_MS = 50;
const CONNECTIONS = 200;
const LIMIT = (CONNECTIONS * 1000) / DELAY_MS;

export const slowRelay: RowDefinition = {
  name: 'slow-relay',
  what: 'a relay that takes 50 ms for each message, 200 connections of one process ÷ what can be at most, 4,000/s',
  async measure(bench) {
    // So many that what a process takes to start, and to open its connections, is a small part of it.
    const messages = bench.full ? 240_000 : 120_000;
    const list = await writeList(bench.folder, messages);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    const ground = new Ground(bench.folder, bench.cleanup);
    const ours: number[] = [];
    await alternate(bench, 'slow-relay', bench.rounds ?? (bench.full ? 5 : 1), [
      async () => {
        const job = { list, template, messages, connections: CONNECTIONS, processes: 1, delayMs: DELAY_MS };
        ours.push((await byFanmail(bench, ground, { ...job, id: `c${ours.length}` })).perSecond);
      },
    ]);
    await ground.stop();
    const samples = ours.map((perSecond) => perSecond / LIMIT);
    return {
      figures: [{ name: '÷ the limit', unit: '×', samples, bar: { at: 'least', value: 0.9 } }],
      contenders: [{ name: 'fanmail, one worker', unit: 'messages/s', samples: ours }],
      notes: ['the relay is the benchmark’s own: smtp-sink delays by whole seconds only'],
    };
  },
};
