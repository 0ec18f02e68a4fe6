import { closeSync, linkSync, openSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';

/** A holder that takes longer than this hangs: starting ends as soon as the server answers, even if it still loads. */
const STALE_MS = 60_000;
const GUARD_STALE_MS = 10_000;

/** Takes the lock if it is free or its holder is gone; undefined where somebody holds it. Returns its release. */
export function tryLock(path: string): (() => void) | undefined {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${Date.now()}`);
  try {
    // A link appears together with its content, so nobody reads a lock without a holder.
    if (!link(mine, path)) {
      if (!isStale(path)) return undefined;
      breakLock(path);
      if (!link(mine, path)) return undefined;
    }
    return () => {
      if (holderOf(path)?.pid === process.pid) rmSync(path, { force: true });
    };
  } finally {
    rmSync(mine, { force: true });
  }
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(path: string): boolean {
  const holder = holderOf(path);
  // Gone since: not stale, just free at the next try.
  if (!holder) return false;
  return !isAlive(holder.pid) || Math.abs(Date.now() - holder.at) > STALE_MS;
}

/** Undefined where there is no lock; what no version of ours wrote counts as very old. */
function holderOf(path: string): { pid: number; at: number } | undefined {
  try {
    const [pid, at] = readFileSync(path, 'utf8').split(' ').map(Number);
    return { pid: pid || 0, at: at || 0 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Removes a stale lock. Two that saw the same stale lock must not both remove, or the second removes the first one's new
 * lock: so look again under a guard, which is held for one synchronous step only.
 */
function breakLock(path: string): void {
  const guard = `${path}.guard`;
  let fd: number;
  try {
    fd = openSync(guard, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const stats = statSync(guard, { throwIfNoEntry: false });
    if (stats && Date.now() - stats.mtimeMs > GUARD_STALE_MS) rmSync(guard, { force: true });
    return;
  }
  try {
    if (isStale(path)) unlinkSync(path);
  } finally {
    closeSync(fd);
    rmSync(guard, { force: true });
  }
}

/** Whether a process with this id exists, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
