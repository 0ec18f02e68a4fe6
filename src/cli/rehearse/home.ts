import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { Log } from '../../pipeline/ports.js';
import { serverStatus, stopServer } from '../../redis/embedded.js';
import { isAlive } from '../../redis/start-lock.js';

const PREFIX = 'fanmail-rehearsal-';
/** Holds the id of the process whose home it is. */
const OWNER = 'owner.pid';

/** A private folder (0700) for the Redis and the record of one rehearsal. */
export function openTemporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), PREFIX));
  chmodSync(home, 0o700);
  writeFileSync(join(home, OWNER), String(process.pid), { mode: 0o600 });
  return home;
}

/** Ends the Redis of such a home and removes all of it. */
export async function removeTemporaryHome(home: string): Promise<void> {
  // Where the home's path is long, its socket lies in a folder of its own.
  const { path } = await serverStatus(home);
  await stopServer(home);
  if (!path.startsWith(home)) rmSync(dirname(path), { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}

/** What rehearsals left that were killed themselves: their Redis goes on for nobody. */
export async function clearAbandonedHomes(log: Log): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    const home = join(tmpdir(), name);
    if (!isAbandoned(home)) continue;
    await removeTemporaryHome(home).catch((error: unknown) => {
      log.warn({ err: error, home }, 'what an earlier rehearsal left could not be removed');
    });
  }
}

/** Ours, a folder and no link to one, and its process is gone. */
function isAbandoned(home: string): boolean {
  try {
    const stats = lstatSync(home);
    if (!stats.isDirectory() || stats.uid !== userInfo().uid) return false;
    const pid = Number(readFileSync(join(home, OWNER), 'utf8'));
    return Number.isSafeInteger(pid) && pid > 1 && !isAlive(pid);
  } catch {
    // Another one is just making or removing it.
    return false;
  }
}
