import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Fanmail } from '../fanmail.js';
import { writeList } from '../lists.js';
import { AT_REFERENCE_SPEED, Speed } from '../speed.js';
import { newsletter, writeTemplate } from '../templates.js';
import { WARM } from '../warm.js';

const DELAY_MS = 50;
const CONNECTIONS = 200;

export const slowRelay: RowDefinition = {
  name: 'slow-relay',
  what: 'a relay that takes 50 ms for each message, 200 connections of one process ÷ what can be at most',
  async measure(bench) {
    const messages = bench.full ? 240_000 : 20_000;
    const list = await writeList(bench.folder, messages);
    const template = writeTemplate(join(bench.folder, 'newsletter'), newsletter());
    // It opens the connections, too, which are kept.
    const warming = { list: await writeList(bench.folder, WARM.ours), template, messages: WARM.ours };
    const options = { processes: 1, connections: CONNECTIONS, delayMs: DELAY_MS };
    const ours: number[] = [];
    const held: number[] = [];
    const [fanmail, speed] = await Promise.all([Fanmail.start(bench, options, warming), Speed.start(bench)]);
    await alternate(bench, 'slow-relay', bench.rounds ?? (bench.full ? 5 : 3), [
      async () => {
        const sent = await fanmail.send({ list, template, messages });
        ours.push(sent.perSecond);
        held.push(sent.heldMs);
      },
      () => speed.measure(),
    ]);
    await fanmail.stop();
    await speed.stop();
    // What a connection takes for a message beyond the relay's time is waiting for the core.
    const samples = ours.map((perSecond, at) => {
      const relayMs = held[at] ?? Number.NaN;
      const moreMs = (CONNECTIONS * 1000) / perSecond - relayMs;
      return relayMs / (relayMs + moreMs / speed.slowness);
    });
    const measured = ours.map((perSecond, at) => (perSecond * (held[at] ?? Number.NaN)) / (CONNECTIONS * 1000));
    return {
      figures: [{ name: '÷ the limit', unit: '×', samples, bar: { at: 'least', value: 0.9 } }],
      contenders: [
        { name: '÷ the limit, as measured', unit: '×', samples: measured },
        { name: 'fanmail, one worker', unit: 'messages/s', samples: ours },
        { name: 'what the relay took for a message', unit: 'ms', samples: held },
        speed.contender(),
      ],
      notes: [AT_REFERENCE_SPEED, 'the relay is the benchmark’s own: smtp-sink delays by whole seconds only'],
    };
  },
};
