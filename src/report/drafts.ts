import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Files that appear together under their names when all are whole, or not at all. */
export interface Drafts {
  /** Resolves when the content is on the disk, under a name of its own. */
  write(name: string, content: string | AsyncIterable<string>): Promise<void>;
  /** Puts the files in their places, in the order in which they were written. */
  publish(): Promise<void>;
  /** Removes what was not published. */
  discard(): Promise<void>;
}

/**
 * Files in `folder`, which is made where it is missing. Two runs at once don't meet: each has temporary names of its own.
 * Only their owner may read the files, since they hold addresses. File system errors come as they are.
 */
export async function openDrafts(folder: string): Promise<Drafts> {
  const run = randomBytes(6).toString('hex');
  const drafts: { readonly temporary: string; readonly place: string }[] = [];
  await mkdir(folder, { recursive: true });
  return {
    async write(name, content) {
      const temporary = join(folder, `${name}.${run}.partial`);
      drafts.push({ temporary, place: join(folder, name) });
      const file = await open(temporary, 'wx', 0o600);
      try {
        for await (const piece of typeof content === 'string' ? [content] : content) await file.appendFile(piece);
        await file.sync();
      } finally {
        await file.close();
      }
    },
    async publish() {
      for (const { temporary, place } of drafts) await rename(temporary, place);
      await syncFolder(folder);
    },
    async discard() {
      await Promise.all(drafts.map(({ temporary }) => rm(temporary, { force: true })));
    },
  };
}

/** A rename outlives a loss of power only when its folder is on the disk, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
