import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { detectMimeType } from 'nodemailer/lib/mime-funcs';
import type { AttachedFile, EncodedContents } from '../../domain/attached-file.js';
import { FanmailError } from '../../domain/errors.js';
import { encodeFile } from '../file-part.js';

/** What every message carries. */
export interface Attachments {
  /** The HTML, whose pictures have the names that their parts have. */
  readonly html: string | null;
  readonly files: readonly AttachedFile[];
  readonly contents: EncodedContents;
}

const ATTACHMENTS = 'attachments';
const IMAGES = 'images';
/** Most providers take messages of 25 MB, encoded; more than that is better linked to. */
const MOST_BYTES = 18 * 1024 * 1024;
const MOST_FILES = 100;
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
    const content = await readWithin(path, left);
    left -= content.length;
    const digest = createHash('sha256').update(content).digest('hex');
    if (!contents.has(digest)) contents.set(digest, encodeFile(content));
    const name = basename(path);
    return { name, type: detectMimeType(name), bytes: content.length, digest };
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
  if (files.length > MOST_FILES)
    throw refusal(`there are ${files.length} files`, `Allowed are ${MOST_FILES} in a message.`);
  return { html: html?.replace(SHOWN, (_, name: string) => `cid:${cids.get(name)}`) ?? null, files, contents };
}

async function readWithin(path: string, left: number): Promise<Buffer> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw refusal(`${path} is no file`, 'Name a file.');
    if (stats.size > left) {
      const hint = 'Link to what is larger: providers refuse it, and so do receivers.';
      throw refusal(`${path} has ${stats.size} bytes, and all together may have ${MOST_BYTES}`, hint);
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof FanmailError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw refusal(`${path} can't be read: ${code ?? message}`, 'Name a file that is there.', error);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw refusal(`${folder} can't be read: ${error.code ?? error.message}`, 'Make it readable.', error);
  });
  // What systems leave in folders is meant for nobody.
  const meant = entries.filter((entry) => !entry.name.startsWith('.') && !entry.isDirectory());
  return meant.map(({ name }) => name).sort();
}

/** A link in a template that came from somewhere else might name any file of this machine. */
async function requireInside(folder: string, path: string): Promise<void> {
  const [home, real] = await Promise.all([realpath(folder), realpath(path).catch(() => path)]);
  const way = relative(home, resolve(real));
  if (!way.startsWith('..') && way !== resolve(real)) return;
  throw refusal(
    `${path} leads out of the template, to ${real}`,
    'Put the file itself there, or name it with --attach.',
  );
}

async function requireShown(folder: string, name: string, html: string): Promise<void> {
  const known = await namesIn(join(folder, IMAGES));
  if (known.includes(name)) return requireInside(folder, join(folder, IMAGES, name));
  const line = html.slice(0, html.indexOf(`cid:${name}`)).split('\n').length;
  const hint = known.length > 0 ? `There are ${known.join(', ')}.` : `The template has no folder ${IMAGES}.`;
  throw refusal(`the HTML shows cid:${name} (line ${line}), and there is no ${IMAGES}/${name}`, hint);
}

function refusal(problem: string, hint: string, cause?: unknown): FanmailError {
  return new FanmailError('ATTACHMENT_INVALID', problem, { hint, cause });
}
