import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { EncodedContents } from '../domain/attached-file.js';
import { FanmailError } from '../domain/errors.js';
import type { RecipientFiles } from '../pipeline/staging-ports.js';
import { PLAIN_LOCALE } from './helpers/locale.js';
import { assemble } from './source/assemble.js';
import { readAttachments } from './source/attachments.js';
import { requireFew } from './source/carried-file.js';
import { SourceFile } from './source/collage.js';
import { readPart, readPartials } from './source/files.js';
import { isPathPattern, type PathPattern, parsePathPattern } from './source/path-pattern.js';
import { openRecipientFiles } from './source/recipient-files.js';
import type { TemplateFile } from './source/template-file.js';
import type { TemplateSource } from './template.js';

export interface LoadOptions {
  /** Replaces that of the folder. */
  readonly subject?: string | null;
  /** What `{{campaign.…}}` stands for, beside the template's own variables. */
  readonly campaign?: Readonly<Record<string, string>>;
  /** Files that are attached beside those of the folder. */
  readonly attach?: readonly string[];
}

/** A template, and who sends it where the launch does not say. */
export interface LoadedTemplate extends TemplateSource {
  /** Of its files. */
  readonly contents: EncodedContents;
  /** Of what only some recipients get; null: everybody gets the same files. */
  readonly recipientFiles: RecipientFiles | null;
  readonly from?: string;
  readonly replyTo?: string;
}

const FILE = 'template.json';

/** Files of a template's folder, by their names without the ending. */
interface Read {
  readonly html: string | null;
  readonly mjml: string | null;
  readonly text: string | null;
}

/**
 * Reads a template's folder: `html.hbs` (or `html.mjml`) or `text.hbs` or both, `subject.hbs` or the subject in
 * `template.json`, and the folder `partials`, all in UTF-8. A bare name is looked for in the current folder first, then among
 * the templates that come along (`shippedDir`).
 * Throws FanmailError TEMPLATE_MISSING for what isn't there, TEMPLATE_SYNTAX for a part that is too large or no UTF-8, and
 * for what is wrong in it.
 */
export async function loadTemplate(
  nameOrFolder: string,
  shippedDir: string,
  options: LoadOptions = {},
): Promise<LoadedTemplate> {
  const isName = /^[^/\\]+$/.test(nameOrFolder) && nameOrFolder !== '.' && nameOrFolder !== '..';
  const folders = [resolve(nameOrFolder), ...(isName ? [join(shippedDir, nameOrFolder)] : [])];
  for (const folder of folders) {
    const read = (file: string) => readPart(folder, file);
    const parts = { html: await read('html.hbs'), mjml: await read('html.mjml'), text: await read('text.hbs') };
    if (parts.html === null && parts.mjml === null && parts.text === null) continue;
    return loadFolder(folder, parts, options);
  }
  throw await missing(nameOrFolder, folders, shippedDir);
}

async function loadFolder(folder: string, { html, mjml, text }: Read, options: LoadOptions): Promise<LoadedTemplate> {
  if (html !== null && mjml !== null) {
    const hint = 'Take one of them away.';
    throw new FanmailError('TEMPLATE_SYNTAX', `The template ${folder} has html.hbs and html.mjml.`, { hint });
  }
  const json = await readPart(folder, FILE);
  // What checks it takes a while to load, and many templates have none.
  const parser = json === null ? null : await import('./source/template-file.js');
  const file = parser === null || json === null ? {} : parser.parseTemplateFile(join(folder, FILE), json);
  const as = (name: string, part: string | null) => (part === null ? null : new SourceFile(name, part));
  const files = {
    ...{ html: as('html.hbs', html), mjml: as('html.mjml', mjml), text: as('text.hbs', text) },
    ...{ subject: await subjectOf(folder, file, options.subject ?? null), preheader: file.preheader ?? null },
    partials: await readPartials(folder),
  };
  const { places, ...parts } = await assemble(files, { ...file.variables, ...options.campaign });
  const [patterns, paths] = apart(options.attach ?? []);
  const carried = await readAttachments(folder, parts.html, paths);
  requireFew(carried.files.length + patterns.length);
  const carriedBytes = carried.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const recipientFiles = patterns.length > 0 ? await openRecipientFiles(patterns, carriedBytes) : null;
  const made = { ...parts, html: carried.html };
  const { from, replyTo } = file;
  const locale = { locale: file.locale ?? PLAIN_LOCALE.locale, zone: file.zone ?? PLAIN_LOCALE.zone };
  const hasLocale = file.locale !== undefined || file.zone !== undefined;
  const asWritten = made.html === html && made.text === text && made.subject === files.subject.text;
  const told = [
    ...[made.subject, made.html, made.text, hasLocale && locale, carried.files.length > 0 && carried.files],
    patterns.length > 0 && patterns.map((pattern) => pattern.text),
  ];
  return {
    ...{ name: basename(folder), ...made, contents: carried.contents, recipientFiles, digest: digestOf(told) },
    ...(carried.files.length > 0 && { files: carried.files }),
    ...(patterns.length > 0 && { filesEach: patterns.length }),
    ...(hasLocale && { locale }),
    ...(!asWritten && { places }),
    ...(from !== undefined && { from }),
    ...(replyTo !== undefined && { replyTo }),
  };
}

/** Those that each recipient has for itself, by what the list says, and those of all. */
function apart(attach: readonly string[]): [patterns: PathPattern[], paths: string[]] {
  const [own, all] = [attach.filter(isPathPattern), attach.filter((path) => !isPathPattern(path))];
  return [own.map(parsePathPattern), all.map((path) => resolve(path))];
}

async function subjectOf(folder: string, file: TemplateFile, given: string | null): Promise<SourceFile> {
  if (given !== null) return new SourceFile('subject.hbs', given);
  const own = await readPart(folder, 'subject.hbs');
  if (own !== null && file.subject !== undefined) {
    const hint = 'Take one of them away.';
    throw new FanmailError('TEMPLATE_SYNTAX', `The template ${folder} has a subject in ${FILE} and in subject.hbs.`, {
      hint,
    });
  }
  if (file.subject !== undefined) return new SourceFile(`${FILE} (subject)`, file.subject);
  if (own !== null) return new SourceFile('subject.hbs', own);
  const hint = `Write the subject into it, or as "subject" into ${FILE}, or give one with --subject.`;
  throw new FanmailError('TEMPLATE_MISSING', `The template ${folder} has no subject.hbs.`, { hint });
}

function digestOf(parts: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify(parts.filter((part) => part !== false)))
    .digest('hex');
}

async function missing(name: string, folders: readonly string[], shippedDir: string): Promise<FanmailError> {
  const shipped = await readdir(shippedDir, { withFileTypes: true }).catch(() => []);
  const isTemplate = (folder: string) => folder !== 'partials';
  const names = shipped.filter((entry) => entry.isDirectory() && isTemplate(entry.name)).map((entry) => entry.name);
  const looked = folders.map((folder) => join(folder, '{html,text}.hbs')).join(' and ');
  return new FanmailError('TEMPLATE_MISSING', `There is no template ${JSON.stringify(name)}: looked for ${looked}.`, {
    hint: `Give a folder with subject.hbs and html.hbs or text.hbs, or one of these names: ${names.sort().join(', ')}.`,
  });
}
