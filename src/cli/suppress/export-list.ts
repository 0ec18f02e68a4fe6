import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Settings } from '../../config/settings.js';
import { EXIT, FanmailError } from '../../domain/errors.js';
import { exportHeader, exportLine } from '../../domain/suppression-export.js';
import type { SuppressionStore } from '../../redis/suppression/store.js';
import { count } from '../../report/format.js';
import type { Session } from '../session.js';

type SuppressSettings = Settings<'suppress'>;

/**
 * `fanmail suppress export`: all of the list, or what belongs to a topic, as hashes, with the key that gives them a meaning
 * in another Redis. Who has both can test any address, so a file is its owner's alone.
 */
export async function exportList(
  list: SuppressionStore,
  { topic, out, json }: SuppressSettings,
  { terminal, cwd }: Session,
): Promise<number> {
  const secret = await list.secret();
  if (secret === null) {
    throw new FanmailError('USAGE', 'there is no suppression list in this Redis yet', {
      hint: 'fanmail suppress add or import begins one; FANMAIL_HOME or REDIS_URL name another Redis',
    });
  }
  const lines = { written: 0 };
  const text = exportText(list, secret, topic, lines);
  if (out === null) {
    for await (const piece of text) if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  } else await writeFile(resolve(cwd, out), text);
  if (json)
    terminal.out(JSON.stringify({ action: 'export', topic, lines: lines.written, out: out && resolve(cwd, out) }));
  else terminal.say(`Exported ${count(lines.written)} lines with their key: keep them like the list itself.`);
  return EXIT.ok;
}

async function* exportText(
  list: SuppressionStore,
  secret: string,
  topic: string | null,
  lines: { written: number },
): AsyncGenerator<string, void, undefined> {
  yield `${exportHeader(secret)}\n`;
  for await (const page of list.pages()) {
    const chosen = page.flatMap(({ hash, items }) =>
      items.filter((item) => topic === null || item.topic === topic).map((item) => exportLine({ hash, ...item })),
    );
    lines.written += chosen.length;
    if (chosen.length > 0) yield `${chosen.join('\n')}\n`;
  }
}

/** Under another name first, so that a file at `path` is always a whole one. */
async function writeFile(path: string, text: AsyncIterable<string>): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.partial`;
  const file = await open(temporary, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new FanmailError('OPTION_INVALID', `--out can't be "${path}": ${error.code ?? error.message}`, {
      hint: 'Allowed: a file in a folder that is there and may be written to.',
      cause: error,
    });
  });
  try {
    for await (const piece of text) await file.appendFile(piece);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
