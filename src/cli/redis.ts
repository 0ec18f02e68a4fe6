import type { Settings } from '../config/settings.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { ensureServer, serverStatus, stopServer } from '../redis/embedded.js';
import { findServerBinary } from '../redis/find-server.js';
import { homeOf, serverPlaces } from './context.js';
import type { Session } from './session.js';

/** `fanmail redis start|stop|status`: the embedded Redis. */
export async function redis(settings: Settings<'redis'>, session: Session): Promise<number> {
  const { terminal, log } = session;
  if (settings.redis !== null) {
    throw new FanmailError(
      'USAGE',
      'fanmail redis is about the embedded Redis, and REDIS_URL or --redis names another one',
      {
        hint: 'unset REDIS_URL to use the embedded one',
      },
    );
  }
  const home = homeOf(settings, session);
  if (settings.action === 'start')
    await ensureServer({ home, bin: () => findServerBinary(serverPlaces(session)).bin, log });
  if (settings.action === 'stop') await stopServer(home);
  const status = await serverStatus(home);
  if (settings.json) terminal.out(JSON.stringify({ home, ...status }));
  else
    terminal.out(
      `The embedded Redis of ${home} is ${status.state}${'pid' in status ? `, pid ${status.pid}, at ${status.path}` : ''}.`,
    );
  const wanted = settings.action === 'stop' ? status.state === 'stopped' : status.state === 'running';
  return wanted || settings.action === 'status' ? EXIT.ok : EXIT.failure;
}
