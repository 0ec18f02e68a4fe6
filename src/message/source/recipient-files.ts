import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { FanmailError } from '../../domain/errors.js';
import type { Recipient } from '../../domain/recipient.js';
import type { CarriedFiles, RecipientFiles } from '../../pipeline/staging-ports.js';
import { attachmentError, type CarriedFile, MOST_BYTES, readCarried, realPathWithin } from './carried-file.js';
import type { PathPattern } from './path-pattern.js';

/** Bytes of files that are kept for the recipients who come next: many have the same one. */
const KEPT_BYTES = 64 * 1024 * 1024;

/**
 * Files that not everybody gets, read recipient by recipient. `carriedBytes`: what each message carries beside, before encoding.
 * Throws ATTACHMENT_INVALID where a folder is not there.
 */
export async function openRecipientFiles(
  patterns: readonly PathPattern[],
  carriedBytes: number,
): Promise<RecipientFiles> {
  for (const pattern of patterns) await requireFolder(pattern);
  const kept = new KeptFiles();

  async function read(recipient: Recipient, pattern: PathPattern, left: number): Promise<CarriedFile> {
    const path = pattern.pathFor(recipient);
    const { real, inside } = await realPathWithin(pattern.folder, path);
    if (!inside) {
      const hint = 'Its values must not lead to other folders, nor may links.';
      throw attachmentError(`${path} leads out of ${pattern.folder}, to ${real}`, hint);
    }
    const known = kept.get(path);
    if (known && known.bytes <= left) return known;
    const file = await readCarried(real, left, { shown: path, name: basename(path) });
    kept.add(path, file);
    return file;
  }

  return {
    needs: [...new Set(patterns.flatMap(({ variables }) => variables))],
    async of(recipient): Promise<CarriedFiles> {
      const contents = new Map<string, Buffer>();
      const files = [];
      let left = MOST_BYTES - carriedBytes;
      for (const pattern of patterns) {
        const { content, ...file } = await read(recipient, pattern, left).catch((error: unknown) => {
          throw inRow(recipient, error);
        });
        left -= file.bytes;
        contents.set(file.digest, content);
        files.push({ ...file, cid: null });
      }
      return { files, contents };
    },
  };
}

async function requireFolder({ text, folder }: PathPattern): Promise<void> {
  const stats = await stat(folder).catch(() => null);
  if (stats?.isDirectory()) return;
  const where = await realpath('.');
  throw attachmentError(
    `--attach can't be ${JSON.stringify(text)}: there is no folder ${resolve(where, folder)}`,
    'Name a folder that is there; variables come after it.',
  );
}

/** Says whose file it is, where the error doesn't. */
function inRow({ line, address }: Recipient, error: unknown): unknown {
  if (!(error instanceof FanmailError) || error.message.startsWith(`line ${line} `)) return error;
  return attachmentError(`line ${line} (${address}): ${error.message}`, error.hint, error);
}

/** What was read last, up to so many bytes. */
class KeptFiles {
  readonly #files = new Map<string, CarriedFile>();
  #bytes = 0;

  get(path: string): CarriedFile | undefined {
    const file = this.#files.get(path);
    if (!file) return undefined;
    // The last one to be forgotten.
    this.#files.delete(path);
    this.#files.set(path, file);
    return file;
  }

  add(path: string, file: CarriedFile): void {
    this.#bytes += file.content.length - (this.#files.get(path)?.content.length ?? 0);
    this.#files.set(path, file);
    for (const [oldest, { content }] of this.#files) {
      if (this.#bytes <= KEPT_BYTES) break;
      this.#files.delete(oldest);
      this.#bytes -= content.length;
    }
  }
}
