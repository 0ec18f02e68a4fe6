import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, relative, resolve, sep } from 'node:path';
import type { AttachedFile } from '../../domain/attached-file.js';
import { FanmailError } from '../../domain/errors.js';
import { encodeFile, mimeFuncs } from '../file-part.js';

/** Most providers take messages of 25 MB, encoded; more than that is better linked to. */
export const MOST_BYTES = 18 * 1024 * 1024;
const MOST_FILES = 100;

/** A file as a message carries it, with its content in base64. */
export interface CarriedFile extends Omit<AttachedFile, 'cid'> {
  readonly content: Buffer;
}

/**
 * Reads a file of at most `left` bytes. `shown` is what errors call it; `name` what receivers do. Throws ATTACHMENT_INVALID.
 */
export async function readCarried(
  path: string,
  left: number,
  { shown = path, name = basename(path) } = {},
): Promise<CarriedFile> {
  // It becomes part of a header, and may come from a list.
  if (/\p{Cc}/u.test(name)) throw attachmentError(`${JSON.stringify(shown)} has control characters in its name`);
  const content = await readWithin(path, left, shown);
  const digest = createHash('sha256').update(content).digest('hex');
  return { name, type: mimeFuncs().detectMimeType(name), bytes: content.length, digest, content: encodeFile(content) };
}

async function readWithin(path: string, left: number, shown: string): Promise<Buffer> {
  try {
    // To open a pipe would wait for somebody who writes into it.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw attachmentError(`${shown} is no file`, 'Name a file.');
      if (stats.size <= left) return await handle.readFile();
      const hint = 'Link to what is larger: providers refuse it, and so do receivers.';
      throw attachmentError(`${shown} has ${stats.size} bytes, and all together may have ${MOST_BYTES}`, hint);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof FanmailError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw attachmentError(`${shown} can't be read: ${code ?? message}`, 'Name a file that is there.', error);
  }
}

/** The way to `path` without links, and whether it leads to something within `folder`. What isn't there is where it says. */
export async function realPathWithin(folder: string, path: string): Promise<{ real: string; inside: boolean }> {
  const realOf = (way: string) => realpath(way).catch(() => resolve(way));
  const [home, real] = await Promise.all([realOf(folder), realOf(path)]);
  const way = relative(home, real);
  return { real, inside: way !== '..' && !way.startsWith(`..${sep}`) && way !== real };
}

/** Throws ATTACHMENT_INVALID where a message would carry more files than it may. */
export function requireFew(files: number): void {
  if (files > MOST_FILES) throw attachmentError(`there are ${files} files`, `Allowed are ${MOST_FILES} in a message.`);
}

export function attachmentError(problem: string, hint?: string, cause?: unknown): FanmailError {
  return new FanmailError('ATTACHMENT_INVALID', problem, { cause, ...(hint !== undefined && { hint }) });
}
