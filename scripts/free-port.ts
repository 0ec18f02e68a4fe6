import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give to whoever asks for any, clients too: Linux from 32768 on, others from 49152. */
const [FIRST, LAST] = [10_000, 32_767];
const TRIES = 100;
const given = new Set<number>();

/**
 * A port of 127.0.0.1 for a program that can't choose one itself: nobody listens there now, and until it is started
 * no connection gets it as its own end, as it could one that the system names.
 *
 * @throws Error where none is found
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port was found between ${FIRST} and ${LAST}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = once(server.listen(port, '127.0.0.1'), 'listening').then(
    () => true,
    () => false,
  );
  if (!(await listening)) return false;
  server.close();
  await once(server, 'close');
  return true;
}
