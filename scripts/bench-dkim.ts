/**
 * Microseconds of CPU that signing a message of 3.4 kB takes beside composing it, in all threads and in the main one, with 20
 * under way; and what of it is the canonical body: `npx tsx scripts/bench-dkim.ts`.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createComposer } from '../src/message/composer.js';
import { relaxedBody } from '../src/message/dkim-canonical.js';
import { readDkimKeys } from '../src/message/dkim-keys.js';
import { DkimSigner } from '../src/message/dkim-signer.js';
import { compileTemplate } from '../src/message/template.js';
import { FROM, newsletter } from './bench/templates.js';

const ROUNDS = 7;
const LANES = 20;

interface Cost {
  readonly all: number;
  readonly main: number;
}

const pemOf = ({ privateKey }: { privateKey: KeyObject }) => privateKey.export({ type: 'pkcs8', format: 'pem' });
const rsa = `example.com:s1=${pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))}`;
const ed25519 = `example.com:s2=${pemOf(generateKeyPairSync('ed25519'))}`;
const variables = { first_name: 'Ada', city: 'Vienna', plan: 'plus' };

function composerWith(keys: string | null) {
  const signer = keys === null ? null : new DkimSigner(readDkimKeys(keys, '.'));
  const template = compileTemplate({ name: 'bench', digest: '', ...newsletter() });
  return createComposer({ template, from: FROM, replyTo: null, campaignId: 'bench', salt: 'salt', signer });
}

/** Microseconds of CPU so far of the thread that composes; not a number elsewhere than on Linux. */
function mainThread(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  } catch {
    return Number.NaN;
  }
}

/** The least of several rounds: what else runs on the machine only adds. */
async function measure(keys: string | null, messages: number): Promise<Cost> {
  const composer = composerWith(keys);
  let [all, main] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    let next = 0;
    const lane = async () => {
      for (let n = next++; n < messages; n = next++) {
        const message = composer.compose({ line: n + 2, address: `reader${n}@example.com`, variables });
        await message.signed;
        message.handedOver?.();
      }
    };
    const [cpu, busy] = [process.cpuUsage(), mainThread()];
    await Promise.all(Array.from({ length: LANES }, lane));
    const { user, system } = process.cpuUsage(cpu);
    all = Math.min(all, (user + system) / messages);
    main = Math.min(main, (mainThread() - busy) / messages);
  }
  return { all, main };
}

const none = await measure(null, 20_000);
for (const [name, keys, messages] of [
  ['Ed25519', ed25519, 10_000],
  ['RSA of 2048 bits', rsa, 2_000],
  ['both', `${rsa} ${ed25519}`, 2_000],
] as const) {
  const { all, main } = await measure(keys, messages);
  const [more, here] = [all - none.all, main - none.main].map((one) => one.toFixed(0));
  console.log(`${name}: ${more} us a message beside ${none.all.toFixed(0)} for composing; in the main thread ${here}`);
}

const { content } = composerWith(null).compose({ line: 2, address: 'reader@example.com', variables });
const start = content.indexOf('\r\n\r\n') + 4;
let least = Number.POSITIVE_INFINITY;
for (let round = 0; round < ROUNDS; round++) {
  const cpu = process.cpuUsage();
  for (let n = 0; n < 20_000; n++) relaxedBody(content, start);
  const { user, system } = process.cpuUsage(cpu);
  least = Math.min(least, (user + system) / 20_000);
}
console.log(`of it the canonical body, relaxed: ${least.toFixed(1)} us; simple would be next to nothing`);
