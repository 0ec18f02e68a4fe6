import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FanmailError } from '../../domain/errors.js';
import { SourceFile } from './collage.js';

/** Bytes that a part may have: 1 MB. Gmail clips what is longer than a tenth of that. */
const MAX_PART_BYTES = 1_048_576;
const MOST_PARTIALS = 500;
const PARTIALS = 'partials';
/** `button.hbs` for HTML and text, or one for each: `button.html.hbs`, `button.text.hbs`. */
const PARTIAL = /^([A-Za-z0-9][\w-]*)(?:\.(html|text))?\.hbs$/;

/** The text of a file in a template's folder, or null where there is none. */
export async function readPart(folder: string, file: string): Promise<string | null> {
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

/** Partials by their names, for either kind of part. */
export interface Partials {
  readonly html: ReadonlyMap<string, SourceFile>;
  readonly text: ReadonlyMap<string, SourceFile>;
}

/** Those of the template's own folder `partials`, and of the one beside the template, which several templates share. */
export async function readPartials(folder: string): Promise<Partials> {
  const found = { html: new Map<string, SourceFile>(), text: new Map<string, SourceFile>() };
  for (const where of ['..', '.']) {
    const names = (await namesIn(join(folder, where, PARTIALS))).sort((a, b) => a.length - b.length);
    // The longer name, which is for one kind, comes last and counts.
    for (const name of names) {
      const [, partial = '', kind] = PARTIAL.exec(name) ?? [];
      const text = await readPart(join(folder, where, PARTIALS), name);
      if (text === null) continue;
      const shown = where === '.' ? `${PARTIALS}/${name}` : `../${PARTIALS}/${name}`;
      const file = new SourceFile(shown, text);
      if (kind !== 'text') found.html.set(partial, file);
      if (kind !== 'html') found.text.set(partial, file);
    }
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw new FanmailError('TEMPLATE_MISSING', `${folder} can't be read: ${error.message}`, { cause: error });
  });
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const partials = names.filter((name) => PARTIAL.test(name));
  if (partials.length <= MOST_PARTIALS) return partials;
  const problem = `${folder} has ${partials.length} partials; allowed are ${MOST_PARTIALS}`;
  throw new FanmailError('TEMPLATE_SYNTAX', problem);
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
