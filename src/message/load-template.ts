import { createHash } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { FanmailError } from '../domain/errors.js';
import type { TemplateSource } from './template.js';

/** Bytes that a part may have: 1 MB. Gmail clips what is longer than a tenth of that. */
const MAX_PART_BYTES = 1_048_576;

/**
 * Reads a template's folder: `subject.hbs`, and `html.hbs` or `text.hbs` or both, in UTF-8. A bare name is looked for
 * in the current folder first, then among the templates that come along (`shippedDir`). A `subject` given by option
 * replaces that of the folder.
 * Throws FanmailError TEMPLATE_MISSING for what isn't there, TEMPLATE_SYNTAX for a part that is too large or no UTF-8.
 */
export async function loadTemplate(
  nameOrFolder: string,
  shippedDir: string,
  subject: string | null = null,
): Promise<TemplateSource> {
  const isName = /^[^/\\]+$/.test(nameOrFolder) && nameOrFolder !== '.' && nameOrFolder !== '..';
  const folders = [resolve(nameOrFolder), ...(isName ? [join(shippedDir, nameOrFolder)] : [])];
  for (const folder of folders) {
    const [html, text] = [await readPart(folder, 'html.hbs'), await readPart(folder, 'text.hbs')];
    if (html === null && text === null) continue;
    const line = subject ?? (await readPart(folder, 'subject.hbs'));
    if (line === null) {
      const hint = 'Write the subject into it, or give one with --subject.';
      throw new FanmailError('TEMPLATE_MISSING', `The template ${folder} has no subject.hbs.`, { hint });
    }
    const digest = createHash('sha256')
      .update(JSON.stringify([line, html, text]))
      .digest('hex');
    return { name: basename(folder), subject: line, html, text, digest };
  }
  throw await missing(nameOrFolder, folders, shippedDir);
}

async function missing(name: string, folders: readonly string[], shippedDir: string): Promise<FanmailError> {
  const shipped = await readdir(shippedDir, { withFileTypes: true }).catch(() => []);
  const names = shipped.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const looked = folders.map((folder) => join(folder, '{html,text}.hbs')).join(' and ');
  return new FanmailError('TEMPLATE_MISSING', `There is no template ${JSON.stringify(name)}: looked for ${looked}.`, {
    hint: `Give a folder with subject.hbs and html.hbs or text.hbs, or one of these names: ${names.sort().join(', ')}.`,
  });
}

/** The text of a part, or null where there is no such file. */
async function readPart(folder: string, file: string): Promise<string | null> {
  const path = join(folder, file);
  try {
    return decode(path, await readLimited(path));
  } catch (error) {
    if (error instanceof FanmailError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new FanmailError('TEMPLATE_MISSING', `${path} can't be read: ${message}`, { cause: error });
  }
}

async function readLimited(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    if (size <= MAX_PART_BYTES) return await handle.readFile();
    const hint = 'Link to pictures instead of embedding them.';
    throw new FanmailError('TEMPLATE_SYNTAX', `${path} has ${size} bytes; allowed are ${MAX_PART_BYTES}.`, { hint });
  } finally {
    await handle.close();
  }
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const hint = 'Save it as UTF-8.';
    throw new FanmailError('TEMPLATE_SYNTAX', `${path} is not UTF-8.`, { hint, cause });
  }
}
