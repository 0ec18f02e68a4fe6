import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alternate, type Bench, type RowDefinition } from '../bench.js';
import { Fanmail, type Sending } from '../fanmail.js';
import { writeList } from '../lists.js';
import type { Contender, Figure } from '../report.js';
import { ratios } from '../samples.js';
import { NodemailerLoop, type Sent } from '../senders.js';
import { newsletter, writeTemplate } from '../templates.js';

export interface DkimSize {
  readonly connections: number;
  /** Messages that fanmail sends, and Nodemailer, which takes longer for each. */
  readonly ours: number;
  readonly theirs: number;
  /** Messages that warm them up. */
  readonly warming: { readonly ours: number; readonly theirs: number };
  readonly rounds: number;
}

export const dkim: RowDefinition = {
  name: 'dkim',
  what: 'one worker process that signs (RSA of 2048 bits, with Ed25519 or without) ÷ Nodemailer’s loop with the RSA key, 3.4 kB',
  measure(bench) {
    const size = bench.full
      ? { ours: 60_000, theirs: 6_000, warming: { ours: 10_000, theirs: 1_000 }, rounds: 5 }
      : { ours: 1_800, theirs: 240, warming: { ours: 1_500, theirs: 400 }, rounds: 3 };
    return measureDkim(bench, { connections: 20, ...size, rounds: bench.rounds ?? size.rounds });
  },
};

export async function measureDkim(bench: Bench, size: DkimSize) {
  const list = await writeList(bench.folder, size.ours);
  const template = writeTemplate(join(bench.folder, 'signed'), newsletter());
  const rsaKey = writeKey(bench, 's1', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
  const ed25519Key = writeKey(bench, 's2', generateKeyPairSync('ed25519').privateKey);
  const [rsa, ed25519] = [`example.com:s1=${rsaKey}`, `example.com:s2=${ed25519Key}`];
  const { connections } = size;
  const messages = size.warming.ours;
  const warming: Sending = { list: await writeList(bench.folder, messages), template, messages };
  const start = (keys: string) => Fanmail.start(bench, { processes: 1, connections, dkim: keys }, warming);
  const [signsOnce, signsTwice] = await Promise.all([start(rsa), start(`${rsa} ${ed25519}`)]);
  const fanmail = { rsa: signsOnce, both: signsTwice };
  const loop = await NodemailerLoop.start(bench, { list, template, connections, rsaKey }, size.warming.theirs);
  const theirs: Sent[] = [];
  const ours = { rsa: [] as Sent[], both: [] as Sent[] };
  const by = (name: keyof typeof ours) => async () => {
    ours[name].push(await fanmail[name].send({ list, template, messages: size.ours }));
  };
  await alternate(bench, 'dkim', size.rounds, [
    by('rsa'),
    async () => void theirs.push(await loop.send(size.theirs)),
    by('both'),
  ]);
  for (const one of [...Object.values(fanmail), loop]) await one.stop();

  const bar = { at: 'least', value: 2 } as const;
  const perSecond = (some: readonly Sent[]) => some.map((one) => one.perSecond);
  const figures: Figure[] = [
    { name: 'RSA ÷ Nodemailer, RSA', unit: '×', samples: ratios(perSecond(ours.rsa), perSecond(theirs)), bar },
    {
      name: 'RSA and Ed25519 ÷ Nodemailer, RSA',
      unit: '×',
      samples: ratios(perSecond(ours.both), perSecond(theirs)),
      bar,
    },
  ];
  const contenders: Contender[] = [
    ...contendersOf('fanmail, RSA', ours.rsa),
    ...contendersOf('fanmail, RSA and Ed25519', ours.both),
    ...contendersOf('Nodemailer’s pool, RSA', theirs),
  ];
  const notes = [
    'Nodemailer signs with RSA alone, in its main thread; with an Ed25519 key it sends unsigned',
    'its key is parsed once here; given as text, it would be parsed for every message',
  ];
  return { figures, contenders, notes };
}

function contendersOf(name: string, sent: readonly Sent[]): Contender[] {
  const cpu = sent.flatMap(({ cpuEach }) => cpuEach ?? []);
  return [
    { name, unit: 'messages/s', samples: sent.map(({ perSecond }) => perSecond) },
    ...(cpu.length > 0 ? [{ name: `${name}, CPU`, unit: 'µs/message', samples: cpu }] : []),
  ];
}

function writeKey({ folder }: Bench, selector: string, key: KeyObject): string {
  const path = join(folder, `${selector}.pem`);
  writeFileSync(path, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return path;
}
