import { join } from 'node:path';
import { alternate, CannotMeasure, type RowDefinition } from '../bench.js';
import { Ground } from '../ground.js';
import { readList, writeList } from '../lists.js';
import { ratios } from '../samples.js';
import { byFanmail, bySmtpSource } from '../senders.js';
import { messageBytes, newsletter, writeTemplate } from '../templates.js';

/** What two workers have where nothing is said of it. */
const CONNECTIONS = 40;

export const twoWorkers: RowDefinition = {
  name: 'two-workers',
  what: 'two worker processes with Redis ÷ smtp-source, which sends one message again and again, 3.4 kB',
  async measure(bench) {
    if (bench.postfix.source === null) throw new CannotMeasure('no smtp-source: name it in $SMTP_SOURCE');
    // So many that what processes take to start, and to be compiled, is a small part of it.
    const messages = bench.full ? 500_000 : 200_000;
    const list = await writeList(bench.folder, messages);
    const parts = newsletter();
    const template = writeTemplate(join(bench.folder, 'newsletter'), parts);
    const bytes = messageBytes(parts, readList(list, 200));
    const ground = new Ground(bench.folder, bench.cleanup);
    const ours: number[] = [];
    const theirs: number[] = [];
    await alternate(bench, 'two-workers', bench.rounds ?? (bench.full ? 5 : 3), [
      async () => {
        const job = { list, template, messages, connections: CONNECTIONS, processes: 2, id: `c${ours.length}` };
        ours.push((await byFanmail(bench, ground, job)).perSecond);
      },
      async () => {
        theirs.push((await bySmtpSource(bench, { connections: CONNECTIONS, messages, bytes })).perSecond);
      },
    ]);
    await ground.stop();
    return {
      figures: [
        {
          name: '÷ smtp-source',
          unit: '×',
          samples: ratios(ours, theirs),
          bar: { at: 'least', value: 0.65, aim: 0.8 },
        },
      ],
      contenders: [
        { name: 'fanmail, two workers', unit: 'messages/s', samples: ours },
        { name: 'smtp-source -d', unit: 'messages/s', samples: theirs },
      ],
      notes: [`${bytes} bytes a message, ${CONNECTIONS} connections in all`],
    };
  },
};
