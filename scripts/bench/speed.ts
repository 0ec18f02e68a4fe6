import { join } from 'node:path';
import type { Bench } from './bench.js';
import { writeList } from './lists.js';
import type { Contender } from './report.js';
import { summarize } from './samples.js';
import { NodemailerLoop } from './senders.js';
import { newsletter, writeTemplate } from './templates.js';
import { WARM } from './warm.js';

/** What a message of Nodemailer's loop costs on the machine whose times the bars mean: 860 to 1,000 µs of CPU there. */
const LOOP_MICROSECONDS = 1_000;
/** Of each of three samples. */
const MESSAGES = 200;
const CONNECTIONS = 20;

/** How fast a core is here and now. One of a shared host is not always as fast, so this is measured beside each time that is judged. */
export class Speed {
  readonly #each: number[] = [];
  readonly #loop: NodemailerLoop;

  private constructor(loop: NodemailerLoop) {
    this.#loop = loop;
  }

  static async start(bench: Bench): Promise<Speed> {
    const template = writeTemplate(join(bench.folder, 'speed'), newsletter());
    const job = { list: await writeList(bench.folder, WARM.theirs), template, connections: CONNECTIONS };
    return new Speed(await NodemailerLoop.start(bench, job, WARM.theirs));
  }

  /** Takes samples now. */
  async measure(): Promise<void> {
    for (let n = 0; n < 3; n++) this.#each.push((await this.#loop.send(MESSAGES)).cpuEach ?? Number.NaN);
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /**
   * How many times as long what needs a core takes as on the machine whose times the bars mean. The median of all samples: from one
   * second to the next they differ by more than what is judged beside them.
   */
  get slowness(): number {
    return summarize(this.#each).median / LOOP_MICROSECONDS;
  }

  /** What is measured, for the report. */
  contender(): Contender {
    return { name: 'Nodemailer’s loop beside it, CPU', unit: 'µs/message', samples: this.#each };
  }
}

export const AT_REFERENCE_SPEED = 'judged as on a core on which a message of Nodemailer’s loop takes 1,000 µs of CPU';
