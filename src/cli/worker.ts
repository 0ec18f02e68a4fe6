import type { Settings } from '../config/settings.js';
import { EXIT } from '../domain/errors.js';
import { parseRelayUrls } from '../relay/urls.js';
import { aborted } from '../runtime/signals.js';
import { openContext, sayFindings } from './context.js';
import type { Session } from './session.js';
import { keysOf } from './signing.js';
import { createWorkers } from './workers.js';

/** `fanmail worker`: keeps worker processes running until told to stop. */
export async function worker(settings: Settings<'worker'>, session: Session): Promise<number> {
  const { terminal, quiet, stop } = session;
  // Refused here once, instead of by every process again and again.
  if (settings.smtp) parseRelayUrls(settings.smtp.reveal());
  keysOf(settings, session.cwd);
  const context = await openContext(settings, session, 'worker');
  await sayFindings(context, terminal);
  await context.backend.close();
  const workers = createWorkers({ ...settings, target: context.target, logFile: settings.logFile }, session);
  await workers.start();
  stop.addEventListener('abort', () => workers.hurry(), { once: true });
  const { processes, connections } = settings;
  terminal.say(
    `${processes} worker ${processes === 1 ? 'process' : 'processes'}, ${connections} connections each. Ctrl-C drains and stops.`,
  );
  await aborted(quiet);
  await workers.stop();
  return EXIT.ok;
}
