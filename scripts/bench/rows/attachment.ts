import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alternate, type RowDefinition } from '../bench.js';
import { Fanmail } from '../fanmail.js';
import { writeList } from '../lists.js';
import type { Contender, Figure } from '../report.js';
import { ratios } from '../samples.js';
import { bySmtpSource, NodemailerLoop } from '../senders.js';
import { newsletter, writeTemplate } from '../templates.js';

const CONNECTIONS = 20;
const WARMING = { ours: 60, theirs: 30 };
const FILE_BYTES = 1_024_000;
/** With base64 and the newsletter. */
const MESSAGE_BYTES = 1_405_000;

export const attachment: RowDefinition = {
  name: 'attachment',
  what: 'messages with a file of 1 MB: one worker process ÷ others',
  async measure(bench) {
    const size = bench.full ? { ours: 6_000, theirs: 400, rounds: 5 } : { ours: 150, theirs: 20, rounds: 3 };
    const list = await writeList(bench.folder, size.ours);
    const template = writeTemplate(join(bench.folder, 'attachment'), newsletter());
    const file = join(template, 'attachments', 'prices.pdf');
    mkdirSync(join(template, 'attachments'), { recursive: true });
    writeFileSync(file, randomBytes(FILE_BYTES));
    const warming = { list: await writeList(bench.folder, WARMING.ours), template, messages: WARMING.ours };
    const [ours, source]: [number[], number[]] = [[], []];
    const cpu = { ours: [] as number[], loop: [] as number[] };
    const job = { list, template, connections: CONNECTIONS };
    const [fanmail, loop] = await Promise.all([
      Fanmail.start(bench, { processes: 1, connections: CONNECTIONS }, warming),
      NodemailerLoop.start(bench, { ...job, file }, WARMING.theirs),
    ]);
    await alternate(bench, 'attachment', bench.rounds ?? size.rounds, [
      async () => {
        const sent = await fanmail.send({ list, template, messages: size.ours });
        ours.push(sent.perSecond);
        cpu.ours.push(sent.cpuEach ?? Number.NaN);
      },
      async () => {
        const sent = await loop.send(size.theirs);
        cpu.loop.push(sent.cpuEach ?? Number.NaN);
      },
      async () => {
        if (bench.postfix.source === null) return;
        source.push((await bySmtpSource(bench, { ...job, messages: size.ours, bytes: MESSAGE_BYTES })).perSecond);
      },
    ]);
    await fanmail.stop();
    await loop.stop();
    const ofLoop = { at: 'most', value: 0.2 } as const;
    const figures: Figure[] = [
      { name: 'CPU ÷ Nodemailer’s', unit: '×', samples: ratios(cpu.ours, cpu.loop), bar: ofLoop },
    ];
    const contenders: Contender[] = [
      { name: 'fanmail, one worker', unit: 'messages/s', samples: ours },
      { name: 'fanmail, CPU', unit: 'µs/message', samples: cpu.ours },
      { name: 'Nodemailer’s pool, CPU', unit: 'µs/message', samples: cpu.loop },
    ];
    const notes = [`${MESSAGE_BYTES} bytes a message, ${CONNECTIONS} connections`];
    if (source.length === 0) notes.push('not beside smtp-source, which is not here: name it in $SMTP_SOURCE');
    else {
      const bar = { at: 'least', value: 0.7 } as const;
      figures.push({ name: '÷ smtp-source', unit: '×', samples: ratios(ours, source), bar });
      contenders.push({ name: 'smtp-source -d', unit: 'messages/s', samples: source });
    }
    return { figures, contenders, notes };
  },
};
