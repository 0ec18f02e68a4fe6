import type { Settings } from '../config/settings.js';
import { EXIT } from '../domain/errors.js';
import { createUnsubscribes } from '../pipeline/unsubscribes.js';
import { aborted } from '../runtime/signals.js';
import { startServer } from '../web/server.js';
import { unsubscribeSite } from '../web/unsubscribe-site.js';
import { openContext } from './context.js';
import type { Session } from './session.js';

/** What was begun is answered within that. */
const GRACE_MS = 8_000;

/** `fanmail serve`: answers links to unsubscribe, until told to stop. */
export async function serve(settings: Settings<'serve'>, session: Session): Promise<number> {
  const { terminal, log, quiet, stop } = session;
  const { host, port } = settings.listen;
  const { backend } = await openContext(settings, session, 'serve');
  try {
    const unsubscribes = createUnsubscribes(backend.suppression);
    const answer = unsubscribeSite({ unsubscribes, sender: settings.name, log });
    const server = await startServer({ host, port, answer, log });
    const where = host.includes(':') ? `[${host}]` : host;
    terminal.say(`Answering links to unsubscribe at http://${where}:${server.port}/, until told to stop.`);
    await aborted(quiet);
    await Promise.race([server.stop(GRACE_MS), aborted(stop)]);
    return EXIT.ok;
  } finally {
    await backend.close();
  }
}
