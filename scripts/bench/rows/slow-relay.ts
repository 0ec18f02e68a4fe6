import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Fanmail } from '../fanmail.js';
import { writeList } from '../lists.js';
import { newsletter, writeTemplate } from '../templates.js';

const DELAY_MS = 50;
const CONNECTIONS = 200;
const WARMING = 10_000;
const LIMIT = (CONNECTIONS * 1000) / DELAY_MS;

export const slowRelay: RowDefinition = {
  name: 'slow-relay',
  what: 'a relay that takes 50 ms for each message, 200 connections of one process ÷ what can be at most, 4,000/s',
  async measure(bench) {
    const messages = bench.full ? 240_000 : 40_000;
    const list = await writeList(bench.folder, messages);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    // It opens the connections, too, which are kept.
    const warming = { list: await writeList(bench.folder, WARMING), template, messages: WARMING };
    const options = { processes: 1, connections: CONNECTIONS, delayMs: DELAY_MS };
    const fanmail = await Fanmail.start(bench, options, warming);
    const ours: number[] = [];
    await alternate(bench, 'slow-relay', bench.rounds ?? (bench.full ? 5 : 1), [
      async () => {
        ours.push((await fanmail.send({ list, template, messages })).perSecond);
      },
    ]);
    await fanmail.stop();
    const samples = ours.map((perSecond) => perSecond / LIMIT);
    return {
      figures: [{ name: '÷ the limit', unit: '×', samples, bar: { at: 'least', value: 0.9 } }],
      contenders: [{ name: 'fanmail, one worker', unit: 'messages/s', samples: ours }],
      notes: ['the relay is the benchmark’s own: smtp-sink delays by whole seconds only'],
    };
  },
};
