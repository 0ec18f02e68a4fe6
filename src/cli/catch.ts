import { join, resolve } from 'node:path';
import type { Settings } from '../config/settings.js';
import { EXIT } from '../domain/errors.js';
import { startCatcher } from '../relay/catcher.js';
import { aborted } from '../runtime/signals.js';
import { homeOf } from './context.js';
import type { Session } from './session.js';

/** `fanmail catch`: a mail server that delivers nothing and keeps everything, until told to stop. */
export async function catchMail(settings: Settings<'catch'>, session: Session): Promise<number> {
  const dir = settings.dir === null ? join(homeOf(settings, session), 'caught') : resolve(session.cwd, settings.dir);
  const { port, httpPort } = settings;
  const catcher = await startCatcher({ port, httpPort, dir });
  const { terminal, quiet } = session;
  terminal.say(`Catching mail on smtp://localhost:${catcher.smtpPort}; nothing is delivered.`);
  terminal.say(`Messages are kept in ${dir} and shown at http://localhost:${catcher.httpPort}/api/v2/messages`);
  await aborted(quiet);
  terminal.say(`Caught ${catcher.count()} messages.`);
  await catcher.stop();
  return EXIT.ok;
}
