import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Fanmail } from '../fanmail.js';
import { readList, writeList } from '../lists.js';
import type { Contender, Figure } from '../report.js';
import { ratios } from '../samples.js';
import { bySmtpSource, NodemailerLoop } from '../senders.js';
import { longNewsletter, messageBytes, writeTemplate } from '../templates.js';

const CONNECTIONS = 20;
const WARMING = { ours: 1_000, theirs: 200 };

export const longMessages: RowDefinition = {
  name: 'long-messages',
  what: 'messages of 100 kB, mostly static HTML that is not ASCII: one worker process ÷ others',
  async measure(bench) {
    const size = bench.full ? { ours: 20_000, theirs: 1_500, rounds: 5 } : { ours: 1_500, theirs: 150, rounds: 3 };
    const list = await writeList(bench.folder, size.ours);
    const parts = longNewsletter();
    const template = writeTemplate(join(bench.folder, 'long'), parts);
    const bytes = messageBytes(parts, readList(list, 50));
    const warming = { list: await writeList(bench.folder, WARMING.ours), template, messages: WARMING.ours };
    const [ours, theirs, source]: [number[], number[], number[]] = [[], [], []];
    const job = { list, template, connections: CONNECTIONS };
    const [fanmail, loop] = await Promise.all([
      Fanmail.start(bench, { processes: 1, connections: CONNECTIONS }, warming),
      NodemailerLoop.start(bench, job, WARMING.theirs),
    ]);
    await alternate(bench, 'long-messages', bench.rounds ?? size.rounds, [
      async () => {
        ours.push((await fanmail.send({ list, template, messages: size.ours })).perSecond);
      },
      async () => {
        theirs.push((await loop.send(size.theirs)).perSecond);
      },
      async () => {
        if (bench.postfix.source === null) return;
        source.push((await bySmtpSource(bench, { ...job, messages: size.ours, bytes })).perSecond);
      },
    ]);
    await fanmail.stop();
    await loop.stop();
    const figures: Figure[] = [
      { name: '÷ Nodemailer', unit: '×', samples: ratios(ours, theirs), bar: { at: 'least', value: 5 } },
    ];
    const contenders: Contender[] = [
      { name: 'fanmail, one worker', unit: 'messages/s', samples: ours },
      { name: 'Nodemailer’s pool', unit: 'messages/s', samples: theirs },
    ];
    const notes = [`${bytes} bytes a message, ${CONNECTIONS} connections`];
    if (source.length === 0) notes.push('not beside smtp-source, which is not here: name it in $SMTP_SOURCE');
    else {
      const bar = { at: 'least', value: 0.6 } as const;
      figures.push({ name: '÷ smtp-source', unit: '×', samples: ratios(ours, source), bar });
      contenders.push({ name: 'smtp-source -d', unit: 'messages/s', samples: source });
    }
    return { figures, contenders, notes };
  },
};
