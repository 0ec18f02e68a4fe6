import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { closest } from '../config/suggest.js';
import type { EncodedContents } from '../domain/attached-file.js';
import { FanmailError } from '../domain/errors.js';
import type { Recipient } from '../domain/recipient.js';
import { type LoadedTemplate, loadTemplate } from '../message/load-template.js';
import { withOwn } from '../message/own-variables.js';
import { parseSender } from '../message/sender.js';
import { type CompiledTemplate, compileTemplate, type TemplateSource } from '../message/template.js';
import { testUrl } from '../message/unsubscribe.js';
import type { RecipientFiles } from '../pipeline/staging-ports.js';
import type { EncodingChoice } from '../recipients/encoding.js';
import { readExclude } from '../recipients/exclude.js';
import type { KeySet } from '../recipients/key-set.js';
import { openList, type RecipientList } from '../recipients/list.js';
import type { ListInput } from '../recipients/text.js';
import { ownVariableFaults } from './unsubscribe-options.js';

/** A list and a template that fit each other. */
export interface Plan {
  readonly list: RecipientList;
  readonly template: TemplateSource;
  /** Of the template's files. */
  readonly contents: EncodedContents;
  /** What each recipient's message carries beside; null: nothing. */
  readonly recipientFiles: RecipientFiles | null;
  /** The variables that the template uses. */
  readonly needs: readonly string[];
  /** Those, and the variables that say which files a recipient gets. */
  readonly reads: readonly string[];
  readonly sender: PlannedSender;
  /** Refuses a recipient on which the template fails; null where it can't fail on what a list may have. */
  readonly check: ((recipient: Recipient) => void) | null;
}

/** Who sends, as `parseSender` gives it. */
export interface PlannedSender {
  readonly from: string;
  readonly replyTo: string | null;
}

export interface PlanInput {
  /** A file, or `-` for standard input. */
  readonly list: string;
  readonly template: string;
  readonly subject: string | null;
  readonly from: string | null;
  readonly replyTo: string | null;
  /** Paths of files that are attached, with variables where each recipient has its own. */
  readonly attach: readonly string[] | null;
  readonly emailColumn: string | null;
  readonly encoding: EncodingChoice;
  /** Names separated by commas, where the list has no header. */
  readonly columns: string | null;
  readonly exclude: string | null;
  readonly limit: number | null;
  readonly unsubscribeUrl: string | null;
}

/** A list of so many bytes takes some seconds to be staged, and a thread a tenth of one to start. */
const LONG_BYTES = 8 * 1024 * 1024;

const SHIPPED_TEMPLATES = fileURLToPath(new URL('../../templates/', import.meta.url));

/** What a template may say of its campaign: `{{campaign.name}}`. */
export interface PlannedCampaign {
  readonly id: string;
  readonly name: string;
}

/** Reads the template and as much of the list as tells its columns, and holds the one against the other. */
export async function makePlan(input: PlanInput, campaign: PlannedCampaign): Promise<Plan> {
  const { from, replyTo, contents, recipientFiles, ...template } = await loadPlanTemplate(input, campaign);
  const sender = {
    from: fromOf(input, from === undefined ? {} : { from }),
    replyTo: replyToOf(input, replyTo === undefined ? {} : { replyTo }),
  };
  const compiled = withTestUrl(compileTemplate(template), input.unsubscribeUrl);
  const list = await openPlanList(input);
  const [fault] = variableFaults(compiled, list, { ...input, files: recipientFiles });
  if (fault) throw fault;
  const needs = compiled.needs.map((need) => need.variable);
  return {
    ...{ list, template, contents, recipientFiles, sender, needs },
    reads: [...new Set([...needs, ...(recipientFiles?.needs ?? [])])],
    check: mayFailOn(compiled, list) ? (recipient) => renderOnce(compiled, recipient) : null,
  };
}

/** Cells are text, so a column that is there renders, unless a helper can't write it; a value of NDJSON may have any shape. */
export function mayFailOn(template: CompiledTemplate, list: RecipientList): boolean {
  return list.format !== 'csv' || template.mayFail;
}

export function loadPlanTemplate(
  { template, subject, attach }: Pick<PlanInput, 'template' | 'subject' | 'attach'>,
  { id, name }: PlannedCampaign,
): Promise<LoadedTemplate> {
  return loadTemplate(template, SHIPPED_TEMPLATES, { subject, campaign: { id, name }, attach: attach ?? [] });
}

/** Throws SENDER_INVALID for what is no mailbox, USAGE where nobody is named. */
export function fromOf(given: Pick<PlanInput, 'from'>, template: Pick<LoadedTemplate, 'from'>): string {
  const from = given.from ?? template.from;
  if (from !== undefined) return parseSender(from).header;
  throw new FanmailError('USAGE', 'no sender is named: --from is missing', {
    hint: 'give --from "News <news@example.com>", or set FANMAIL_FROM, or write "from" into the template.json of the template',
  });
}

/** Throws SENDER_INVALID for what is no mailbox. */
export function replyToOf(given: Pick<PlanInput, 'replyTo'>, template: Pick<LoadedTemplate, 'replyTo'>): string | null {
  const replyTo = given.replyTo ?? template.replyTo ?? null;
  return replyTo === null ? null : parseSender(replyTo).header;
}

/** Reads whom to exclude, and as much of the list as tells its columns. */
export async function openPlanList(input: PlanInput): Promise<RecipientList> {
  const exclude = input.exclude === null ? undefined : await readExcludeFile(input.exclude);
  const rows = await openInput(input.list);
  return openList(rows, {
    source: sourceName(input),
    long: typeof rows === 'function' && availableParallelism() > 1 && (await stat(input.list)).size >= LONG_BYTES,
    encoding: input.encoding,
    ...(input.columns === null ? {} : { columns: input.columns.split(',') }),
    ...(input.emailColumn === null ? {} : { emailColumn: input.emailColumn }),
    ...(input.limit === null ? {} : { limit: input.limit }),
    ...(exclude ? { exclude } : {}),
  });
}

/** What messages call the list. */
export function sourceName({ list }: Pick<PlanInput, 'list'>): string {
  return list === '-' ? 'standard input' : list;
}

/** The same template, whose renderings lead where a test does. */
export function withTestUrl(template: CompiledTemplate, unsubscribeUrl: string | null): CompiledTemplate {
  const own = { unsubscribeUrl: testUrl(unsubscribeUrl) };
  return { ...template, render: (variables) => template.render(withOwn(variables, own)) };
}

/** An error for each variable that the template or a path of files uses and nobody gives, or the list and fanmail both. */
export function variableFaults(
  template: CompiledTemplate,
  list: RecipientList,
  input: Pick<PlanInput, 'list' | 'unsubscribeUrl'> & { readonly files: RecipientFiles | null },
): FanmailError[] {
  const source = sourceName(input);
  const users = template.needs.map(({ variable, file, line, column }) => ({
    variable,
    by: `${file}, line ${line}, column ${column} uses`,
  }));
  const ofFiles = (input.files?.needs ?? []).map((variable) => ({ variable, by: '--attach uses' }));
  return [
    ...unknownVariables([...users, ...ofFiles], list, source),
    ...ownVariableFaults(template, list, source, input),
  ];
}

/** An error for each variable that the list has no column for; a row of NDJSON may have others. */
function unknownVariables(
  uses: readonly { readonly variable: string; readonly by: string }[],
  list: RecipientList,
  source: string,
): FanmailError[] {
  if (list.format !== 'csv') return [];
  const known = new Set(list.columns.map((column) => column.variable));
  return uses
    .filter(({ variable }) => !known.has(variable))
    .map(({ variable, by }) => {
      const problem = `${by} {{${variable}}}, and ${source} has no such column`;
      return new FanmailError('TEMPLATE_UNKNOWN_VARIABLE', problem, { hint: columnsHint(variable, [...known]) });
    });
}

function columnsHint(variable: string, known: readonly string[]): string {
  const meant = closest(variable, known);
  const columns = `the list's columns are ${known.join(', ')}`;
  return meant === undefined ? columns : `did you mean {{${meant}}}? ${columns}`;
}

/** Renders for nothing but its error, which gets the row's place. */
function renderOnce(template: CompiledTemplate, recipient: Recipient): void {
  try {
    template.render(recipient.variables);
  } catch (error) {
    if (!(error instanceof FanmailError)) throw error;
    throw new FanmailError(error.code, `line ${recipient.line} (${recipient.address}): ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

async function readExcludeFile(path: string): Promise<KeySet> {
  return readExclude(await openInput(path), path);
}

export async function openInput(path: string): Promise<ListInput> {
  if (path === '-') return process.stdin;
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new FanmailError('LIST_UNREADABLE', `${path} can't be read: ${error.code ?? error.message}`, {
      cause: error,
      hint: 'give the path of a CSV or NDJSON file, or - for standard input',
    });
  });
  if (stats.isDirectory()) {
    throw new FanmailError('LIST_UNREADABLE', `${path} is a folder`, { hint: 'give the path of a CSV or NDJSON file' });
  }
  // A pipe, such as a shell's <(…), can be read once only.
  return stats.isFile() ? () => createReadStream(path) : createReadStream(path);
}
