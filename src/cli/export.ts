import { resolve } from 'node:path';
import type { Settings } from '../config/settings.js';
import { closest } from '../config/suggest.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { DEFAULT_COLUMNS, EXPORT_COLUMNS, type ExportColumn, exportLines } from '../report/export.js';
import { count } from '../report/format.js';
import { openContext, pickCampaign } from './context.js';
import type { Session } from './session.js';
import { fileOut, streamOut } from './stream-out.js';

/** `fanmail export <id>`: recipients and what became of them, of a campaign that runs or has ended. */
export async function exportResults(settings: Settings<'export'>, session: Session): Promise<number> {
  const columns = parseColumns(settings.columns);
  const format = parseFormat(settings.format);
  const { backend } = await openContext(settings, session, 'export');
  try {
    const { campaigns } = backend;
    const campaign = await pickCampaign(backend, settings.campaign);
    const { id, sealedAt, phase } = campaign;
    if (sealedAt === null) {
      throw new FanmailError('CAMPAIGN_NOT_OPEN', `the campaign ${id} is ${phase} and was never sealed`, {
        hint: 'it has no recipients yet',
      });
    }
    const [words, late] = await Promise.all([campaigns.words(id), campaigns.late(id)]);
    const source = { words, late, chunks: () => campaigns.results(campaign) };
    const counted = { read: 0, written: 0 };
    const options = { format, columns, where: settings.where?.condition ?? null };
    const { quiet, terminal } = session;
    const pieces = unless(quiet, exportLines(campaign, source, options, counted));
    const path = settings.out === null ? null : resolve(session.cwd, settings.out);
    if (path === null) await streamOut(pieces);
    else await fileOut(path, pieces, quiet);
    if (quiet.aborted) return EXIT.interrupted;
    const where = path === null ? '' : ` to ${path}`;
    terminal.say(`Exported ${count(counted.written)} of ${count(counted.read)} recipients${where}.`);
    return EXIT.ok;
  } finally {
    await backend.close();
  }
}

/** Stops reading where the command was told to stop. */
async function* unless(quiet: AbortSignal, pieces: AsyncIterable<string>): AsyncIterable<string> {
  for await (const piece of pieces) {
    if (quiet.aborted) return;
    yield piece;
  }
}

export function parseColumns(text: string | null): readonly ExportColumn[] {
  if (text === null) return DEFAULT_COLUMNS;
  const names = text.split(',').map((name) => name.trim());
  return names.map((name, i) => {
    const column = EXPORT_COLUMNS.find((known) => known === name);
    if (column !== undefined && names.indexOf(name) === i) return column;
    const meant = column === undefined ? closest(name, EXPORT_COLUMNS) : undefined;
    const what = column === undefined ? `there is no "${name}"` : `"${name}" stands there twice`;
    throw new FanmailError('OPTION_INVALID', `--columns can't be "${text}": ${what}.`, {
      hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}Allowed: ${EXPORT_COLUMNS.join(', ')}.`,
    });
  });
}

function parseFormat(format: Settings<'export'>['format']): 'csv' | 'ndjson' {
  if (format === null) return 'csv';
  if (format === 'csv' || format === 'ndjson') return format;
  throw new FanmailError('OPTION_INVALID', `--format can't be "${format}" for an export.`, {
    hint: 'Allowed: csv or ndjson.',
  });
}
