import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { csvCell } from '../domain/csv.js';
import type { Reject, RejectReason } from '../domain/recipient.js';

export interface Rejects {
  /** Rejects so far by their reason. */
  readonly counts: Readonly<Partial<Record<RejectReason, number>>>;
  /** Resolves when the operating system has them; one call at a time. */
  add(rejects: readonly Reject[]): Promise<void>;
  /** Puts the file in its place and resolves with its path, or with null where there was nothing to write. */
  close(): Promise<string | null>;
  /** Removes what was written. Does nothing after `close`. */
  discard(): Promise<void>;
}

/**
 * A CSV file of rows that are not sent: `line,address,reason,detail`. It is written under another name in the same folder
 * and renamed at the end, so that a file at `path` is always a whole one; only its owner may read it. Cells that a
 * spreadsheet would run are defused. File system errors come as they are.
 */
export function openRejects(path: string): Rejects {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.partial`;
  const counts: Partial<Record<RejectReason, number>> = {};
  let file: FileHandle | null = null;
  return {
    counts,
    async add(rejects) {
      if (rejects.length === 0) return;
      if (file === null) {
        await mkdir(dirname(path), { recursive: true });
        file = await open(temporary, 'wx', 0o600);
        await file.appendFile('line,address,reason,detail\n');
      }
      for (const { reason } of rejects) counts[reason] = (counts[reason] ?? 0) + 1;
      await file.appendFile(rejects.map(csvLine).join(''));
    },
    async close() {
      if (file === null) return null;
      await file.sync();
      await file.close();
      file = null;
      await rename(temporary, path);
      return path;
    },
    async discard() {
      if (file === null) return;
      await file.close();
      file = null;
      await rm(temporary, { force: true });
    },
  };
}

function csvLine({ line, address, reason, detail }: Reject): string {
  return `${line},${csvCell(address)},${reason},${csvCell(detail)}\n`;
}
