import type { Bench } from './bench.js';
import { byNodemailer } from './senders.js';

/** What a message of Nodemailer's loop costs on the machine whose times the bars mean: 860 to 1,000 µs of CPU there. */
const LOOP_MICROSECONDS = 1_000;
const MESSAGES = 500;
const CONNECTIONS = 20;

/**
 * How many times as long what needs a core takes here and now as on the machine whose times the bars mean. A core of a shared host is
 * not always as fast, so this is measured beside each time that is judged.
 */
export async function slowness(
  bench: Bench,
  job: { readonly list: string; readonly template: string },
): Promise<number> {
  const { cpuEach } = await byNodemailer(bench, { ...job, connections: CONNECTIONS, messages: MESSAGES });
  return (cpuEach ?? Number.NaN) / LOOP_MICROSECONDS;
}

export const AT_REFERENCE_SPEED = 'judged as on a core on which a message of Nodemailer’s loop takes 1,000 µs of CPU';
