import { resolve } from 'node:path';
import type { Settings } from '../../config/settings.js';
import { EXIT, FanmailError } from '../../domain/errors.js';
import { exportHeader, exportLine } from '../../domain/suppression-export.js';
import type { SuppressionStore } from '../../redis/suppression/store.js';
import { count } from '../../report/format.js';
import type { Session } from '../session.js';
import { fileOut, streamOut } from '../stream-out.js';

type SuppressSettings = Settings<'suppress'>;

/**
 * `fanmail suppress export`: all of the list, or what belongs to a topic, as hashes, with the key that gives them a meaning
 * in another Redis. Who has both can test any address, so a file is its owner's alone.
 */
export async function exportList(
  list: SuppressionStore,
  { topic, out, json }: SuppressSettings,
  { terminal, cwd, quiet }: Session,
): Promise<number> {
  const secret = await list.secret();
  if (secret === null) {
    throw new FanmailError('USAGE', 'there is no suppression list in this Redis yet', {
      hint: 'fanmail suppress add or import begins one; FANMAIL_HOME or REDIS_URL name another Redis',
    });
  }
  const lines = { written: 0 };
  const text = exportText(list, secret, topic, lines, quiet);
  const path = out === null ? null : resolve(cwd, out);
  if (path === null) await streamOut(text);
  else await fileOut(path, text, quiet);
  if (quiet.aborted) return EXIT.interrupted;
  if (json) terminal.out(JSON.stringify({ action: 'export', topic, lines: lines.written, out: path }));
  else terminal.say(`Exported ${count(lines.written)} lines with their key: keep them like the list itself.`);
  return EXIT.ok;
}

async function* exportText(
  list: SuppressionStore,
  secret: string,
  topic: string | null,
  lines: { written: number },
  quiet: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  yield `${exportHeader(secret)}\n`;
  for await (const page of list.pages()) {
    if (quiet.aborted) return;
    const chosen = page.flatMap(({ hash, items }) =>
      items.filter((item) => topic === null || item.topic === topic).map((item) => exportLine({ hash, ...item })),
    );
    lines.written += chosen.length;
    if (chosen.length > 0) yield `${chosen.join('\n')}\n`;
  }
}
