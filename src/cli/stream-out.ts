import { once } from 'node:events';

/** Writes pieces to standard output, each when the one before has gone: what its reader doesn't take is not read either. */
export async function streamOut(pieces: AsyncIterable<string>): Promise<void> {
  const { stdout } = process;
  for await (const piece of pieces) {
    if (!stdout.write(piece)) await once(stdout, 'drain');
  }
}
