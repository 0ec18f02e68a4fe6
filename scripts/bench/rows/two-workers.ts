import { join } from 'node:path';
import { alternate, CannotMeasure, type RowDefinition } from '../bench.js';
import { Fanmail } from '../fanmail.js';
import { readList, writeList } from '../lists.js';
import type { Contender, Figure } from '../report.js';
import { ratios } from '../samples.js';
import { bySmtpSource } from '../senders.js';
import { messageBytes, newsletter, writeTemplate } from '../templates.js';
import { WARM } from '../warm.js';

/** In all. With fewer, workers wait for Redis and its disk more often than smtp-source, which has neither, for anything. */
const JUDGED = 100;
const OTHERS = [20, 40];

export const twoWorkers: RowDefinition = {
  name: 'two-workers',
  what: 'two worker processes with Redis ÷ smtp-source, which sends one message again and again, 3.4 kB',
  async measure(bench) {
    if (bench.postfix.source === null) throw new CannotMeasure('no smtp-source: name it in $SMTP_SOURCE');
    const messages = bench.full ? 400_000 : 22_000;
    const list = await writeList(bench.folder, messages);
    const parts = newsletter();
    const template = writeTemplate(join(bench.folder, 'newsletter'), parts);
    const bytes = messageBytes(parts, readList(list, 200));
    const warming = 2 * WARM.ours;
    const first = { list: await writeList(bench.folder, warming), template, messages: warming };
    const figures: Figure[] = [];
    const contenders: Contender[] = [];
    for (const connections of [JUDGED, ...(bench.full ? OTHERS : [])]) {
      const by = `${connections} connections in all`;
      const ours: number[] = [];
      const theirs: number[] = [];
      const fanmail = await Fanmail.start(bench, { processes: 2, connections }, first);
      await alternate(bench, `two-workers, ${by}`, bench.rounds ?? 5, [
        async () => {
          ours.push((await fanmail.send({ list, template, messages })).perSecond);
        },
        async () => {
          theirs.push((await bySmtpSource(bench, { connections, messages, bytes })).perSecond);
        },
      ]);
      await fanmail.stop();
      const bar = connections === JUDGED ? ({ at: 'least', value: 0.65, aim: 0.8 } as const) : null;
      figures.push({ name: `÷ smtp-source, ${by}`, unit: '×', samples: ratios(ours, theirs), bar });
      contenders.push({ name: `fanmail, two workers, ${by}`, unit: 'messages/s', samples: ours });
      contenders.push({ name: `smtp-source -d, ${by}`, unit: 'messages/s', samples: theirs });
    }
    return { figures, contenders, notes: [`${bytes} bytes a message`] };
  },
};
