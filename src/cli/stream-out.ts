import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import { FanmailError } from '../domain/errors.js';
import { openDrafts } from '../report/drafts.js';

/** Writes pieces to standard output, each when the one before has gone: what its reader doesn't take is not read either. */
export async function streamOut(pieces: AsyncIterable<string>): Promise<void> {
  const { stdout } = process;
  for await (const piece of pieces) {
    if (!stdout.write(piece)) await once(stdout, 'drain');
  }
}

/**
 * Writes pieces to the file of `--out`. It appears when it is whole, and not at all where it isn't or where `quiet` came
 * first; only its owner may read it.
 *
 * @throws FanmailError OPTION_INVALID where the file can't be written
 */
export async function fileOut(path: string, pieces: AsyncIterable<string>, quiet: AbortSignal): Promise<void> {
  try {
    await writeDraft(path, pieces, quiet);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new FanmailError('OPTION_INVALID', `--out can't be "${path}": ${code}`, {
      hint: 'Allowed: a file in a folder that may be written to.',
      cause: error,
    });
  }
}

async function writeDraft(path: string, pieces: AsyncIterable<string>, quiet: AbortSignal): Promise<void> {
  const drafts = await openDrafts(dirname(path));
  try {
    await drafts.write(basename(path), pieces);
    await (quiet.aborted ? drafts.discard() : drafts.publish());
  } catch (error) {
    await drafts.discard();
    throw error;
  }
}
