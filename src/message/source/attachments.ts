import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttachedFile, EncodedContents } from '../../domain/attached-file.js';
import { attachmentError, MOST_BYTES, readCarried, realPathWithin } from './carried-file.js';

/** What every message carries. */
export interface Attachments {
  /** The HTML, whose pictures have the names that their parts have. */
  readonly html: string | null;
  readonly files: readonly AttachedFile[];
  readonly contents: EncodedContents;
}

const ATTACHMENTS = 'attachments';
const IMAGES = 'images';
/** `<img src="cid:logo.png">` */
const SHOWN = /\bcid:([A-Za-z0-9][\w.-]*)/g;

/**
 * The files in the template's folder `attachments`, those named besides (`given`, absolute paths), and the pictures that the
 * HTML shows by `cid:`, from the template's folder `images`.
 * Throws ATTACHMENT_INVALID for what can't be read, lies elsewhere than its folder says, or is too much.
 */
export async function readAttachments(
  folder: string,
  html: string | null,
  given: readonly string[],
): Promise<Attachments> {
  const contents = new Map<string, Buffer>();
  let left = MOST_BYTES;
  const read = async (path: string): Promise<Omit<AttachedFile, 'cid'>> => {
    const { content, ...file } = await readCarried(path, left);
    left -= file.bytes;
    if (!contents.has(file.digest)) contents.set(file.digest, content);
    return file;
  };
  const files: AttachedFile[] = [];
  const own = (await namesIn(join(folder, ATTACHMENTS))).map((name) => join(folder, ATTACHMENTS, name));
  for (const path of own) await requireInside(folder, path);
  for (const path of [...own, ...given]) files.push({ ...(await read(path)), cid: null });
  const cids = new Map<string, string>();
  for (const name of new Set(Array.from((html ?? '').matchAll(SHOWN), ([, shown = '']) => shown))) {
    const path = join(folder, IMAGES, name);
    await requireShown(folder, name, html ?? '');
    const file = await read(path);
    const cid = `${file.digest.slice(0, 20)}@fanmail`;
    cids.set(name, cid);
    files.push({ ...file, cid });
  }
  return { html: html?.replace(SHOWN, (_, name: string) => `cid:${cids.get(name)}`) ?? null, files, contents };
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw attachmentError(`${folder} can't be read: ${error.code ?? error.message}`, 'Make it readable.', error);
  });
  // What systems leave in folders is meant for nobody.
  const meant = entries.filter((entry) => !entry.name.startsWith('.') && !entry.isDirectory());
  return meant.map(({ name }) => name).sort();
}

/** A link in a template that came from somewhere else might name any file of this machine. */
async function requireInside(folder: string, path: string): Promise<void> {
  const { real, inside } = await realPathWithin(folder, path);
  if (inside) return;
  throw attachmentError(
    `${path} leads out of the template, to ${real}`,
    'Put the file itself there, or name it with --attach.',
  );
}

async function requireShown(folder: string, name: string, html: string): Promise<void> {
  const known = await namesIn(join(folder, IMAGES));
  if (known.includes(name)) return requireInside(folder, join(folder, IMAGES, name));
  const line = html.slice(0, html.indexOf(`cid:${name}`)).split('\n').length;
  const hint = known.length > 0 ? `There are ${known.join(', ')}.` : `The template has no folder ${IMAGES}.`;
  throw attachmentError(`the HTML shows cid:${name} (line ${line}), and there is no ${IMAGES}/${name}`, hint);
}
