import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, FanmailError } from '../domain/errors.js';
import type { PackedBatch } from '../domain/packed-batch.js';
import type { CsvLayout } from './csv-layout.js';

/** What `CsvPacker` needs, as it travels to the thread. */
export interface Packing {
  readonly layout: CsvLayout;
  readonly values: readonly number[];
  readonly source: string;
}

export interface Asked {
  readonly block: Uint8Array<ArrayBuffer>;
  /** No more come. */
  readonly final: boolean;
}

export type Answer =
  | { readonly batch: Omit<PackedBatch, 'bytes'> & { readonly bytes: Uint8Array<ArrayBuffer> } }
  | { readonly refused: { readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined } };

const THREAD = new URL('./packing-thread.js', import.meta.url);
/** Blocks that the thread has before the first of them is waited for: then it always has one to go on with. */
const AHEAD = 4;

/**
 * What a `CsvPacker` makes of these blocks, in a thread of its own, so that rows are packed while those before are compressed
 * and written. Throws as it does. Leaving early ends the thread.
 */
export async function* packedInThread(
  blocks: AsyncIterable<Buffer>,
  packing: Packing,
): AsyncGenerator<PackedBatch, void, undefined> {
  // What this process was told to load first is not for the thread.
  const thread = new Worker(THREAD, { workerData: packing, execArgv: [] });
  const answers = on(thread, 'message', { close: ['exit'] });
  const ask = (bytes: Uint8Array, final: boolean): void => {
    const block = new Uint8Array(bytes);
    thread.postMessage({ block, final } satisfies Asked, [block.buffer]);
  };
  let waiting = 0;
  try {
    for await (const block of blocks) {
      ask(block, false);
      if (++waiting <= AHEAD) continue;
      yield batchOf(await answers.next());
      waiting--;
    }
    ask(Buffer.alloc(0), true);
    for (waiting++; waiting > 0; waiting--) yield batchOf(await answers.next());
  } finally {
    await thread.terminate();
  }
}

function batchOf({ value, done }: IteratorResult<unknown>): PackedBatch {
  if (done) throw new Error('the thread that packs rows has ended');
  const [answer] = value as [Answer];
  if ('batch' in answer) return { ...answer.batch, bytes: Buffer.from(answer.batch.bytes.buffer) };
  const { code, message, hint } = answer.refused;
  throw new FanmailError(code, message, hint === undefined ? {} : { hint });
}
