import type { Settings } from '../../config/settings.js';
import { EXIT, FanmailError } from '../../domain/errors.js';
import {
  type ExportedItem,
  isExportHeader,
  parseExportHeader,
  parseExportLine,
} from '../../domain/suppression-export.js';
import { type AddressFile, keysIn, linesIn, openAddressFile } from '../../recipients/address-file.js';
import type { SuppressionStore } from '../../redis/suppression/store.js';
import { count } from '../../report/format.js';
import { openInput, sourceName } from '../plan.js';
import type { Session } from '../session.js';
import { changedText, restoredText } from '../view/suppress.js';

type SuppressSettings = Settings<'suppress'>;

/** How far an import has come. */
interface Figures {
  given: number;
  changed: number;
}

/**
 * `fanmail suppress import`: reads and adds in batches, so that a list of any length can be read from a pipe. Half of it is
 * worth more than nothing, since it only ever keeps mail back; where it ends early it says how far it came, and what is
 * there already stays as it is when it is imported again.
 */
export async function importList(
  list: SuppressionStore,
  settings: SuppressSettings,
  session: Session,
): Promise<number> {
  const [path = ''] = settings.who ?? [];
  const source = sourceName({ list: path });
  const figures: Figures = { given: 0, changed: 0 };
  let whole = false;
  try {
    const file = await openAddressFile(await openInput(path), source);
    whole = isExportHeader(file.first?.text ?? '');
    const steps = (whole ? exported : addresses)(file, list, settings, figures);
    for await (const _ of steps) if (session.quiet.aborted) return interrupted(figures, session);
  } catch (error) {
    throw withFigures(error, figures);
  }
  const result = { action: 'import', topic: settings.topic, ...figures } as const;
  if (settings.json) session.terminal.out(JSON.stringify(result));
  else session.terminal.out(whole ? restoredText(result) : changedText(result));
  return EXIT.ok;
}

/** Each step is a batch that is in Redis. */
async function* addresses(
  file: AddressFile,
  list: SuppressionStore,
  { topic, why }: SuppressSettings,
  figures: Figures,
): AsyncGenerator<void, void, undefined> {
  for await (const keys of keysIn(file)) {
    figures.changed += await list.add(keys, topic, why ?? 'import');
    figures.given += keys.length;
    yield;
  }
}

async function* exported(
  file: AddressFile,
  list: SuppressionStore,
  { topic, why }: SuppressSettings,
  figures: Figures,
): AsyncGenerator<void, void, undefined> {
  const { source, first } = file;
  if (topic !== null || why !== null) {
    throw new FanmailError('USAGE', `${source} is an export, which has its own topics and reasons`, {
      hint: 'leave --topic and --why away',
    });
  }
  const header = parseExportHeader(first?.text ?? '');
  if (typeof header === 'string') throw badLine(source, first?.line ?? 1, header);
  let ready = false;
  for await (const lines of linesIn(file)) {
    const items = lines
      .filter(({ line }) => line !== first?.line)
      .map(({ line, text }) => {
        const item = parseExportLine(text);
        if (typeof item === 'string') throw badLine(source, line, item);
        return item;
      });
    // Not before a part of it was read: a file that holds nothing else must not change the key.
    if (!ready && items.length > 0 && !(await list.adopt(header.secret))) throw otherKey(source);
    ready ||= items.length > 0;
    for (const [name, some] of byTopic(items)) figures.changed += await list.addHashes(header.secret, some, name);
    figures.given += items.length;
    yield;
  }
}

function byTopic(items: readonly ExportedItem[]): ReadonlyMap<string | null, ExportedItem[]> {
  const groups = new Map<string | null, ExportedItem[]>();
  for (const item of items) {
    const group = groups.get(item.topic);
    if (group) group.push(item);
    else groups.set(item.topic, [item]);
  }
  return groups;
}

function badLine(source: string, line: number, why: string): FanmailError {
  return new FanmailError('LIST_SYNTAX', `Line ${line} of ${source} is no line of an export: ${why}.`);
}

function otherKey(source: string): FanmailError {
  return new FanmailError(
    'SUPPRESSION_KEY',
    `${source} was exported under another key than that of the list in this Redis.`,
    {
      hint: 'Its hashes mean nothing here. It can be imported into an empty list of which no unsubscribe link was sent, or the addresses themselves into this one.',
    },
  );
}

function withFigures(error: unknown, { given }: Figures): unknown {
  if (!(error instanceof FanmailError) || (error.code !== 'LIST_SYNTAX' && error.code !== 'LIST_UNREADABLE'))
    return error;
  const hint = `${count(given)} before it are suppressed. Mend it and import it again: what is there already stays as it is.`;
  return new FanmailError(error.code, error.message, { hint, cause: error });
}

function interrupted({ given }: Figures, { terminal }: Session): number {
  terminal.say(`Interrupted: ${count(given)} were read and are suppressed. Import it again for the rest.`);
  return EXIT.interrupted;
}
