import { parentPort, workerData } from 'node:worker_threads';
import { FanmailError } from '../domain/errors.js';
import { CsvPacker } from './csv-packer.js';
import type { Answer, Asked, Packing } from './packed-in-thread.js';
import { Screen } from './screen.js';

/** The other side of `packedInThread`: answers each block with the rows that it completes. */
const { layout, values, source } = workerData as Packing;
const packer = new CsvPacker(layout, values, new Screen({}), source);

parentPort?.on('message', ({ block, final }: Asked) => {
  try {
    const { rejects, bytes, ends } = packer.push(Buffer.from(block.buffer), final);
    // The packer writes the next ones to the same place.
    const batch = { rejects, bytes: new Uint8Array(bytes), ends: ends.slice() };
    answer({ batch }, [batch.bytes.buffer, batch.ends.buffer]);
  } catch (error) {
    if (!(error instanceof FanmailError)) throw error;
    const { code, message, hint } = error;
    answer({ refused: { code, message, hint } }, []);
  }
});

function answer(said: Answer, moved: ArrayBuffer[]): void {
  parentPort?.postMessage(said, moved);
}
