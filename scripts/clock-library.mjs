// The library by which tests hold the clock of a redis-server and of whole programs: Debian's libfaketime, a private copy beside
// that of Redis. Where it can't be had, those tests say so and are skipped.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { unpackDebian } from './debian.mjs';

const NAME = 'libfaketimeMT.so.1';

/** Where it is, or would be. */
export function clockLibrary(env = process.env) {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'fanmail', 'clock', NAME);
}

export function provideClockLibrary() {
  const path = clockLibrary();
  if (existsSync(path) || process.platform !== 'linux') return;
  mkdirSync(dirname(path), { recursive: true });
  const work = mkdtempSync(`${dirname(path)}-`);
  try {
    const root = unpackDebian([['libfaketime']], work);
    const found = root && readdirSync(root, { recursive: true }).find((file) => file.endsWith(`/${NAME}`));
    if (!found) return;
    copyFileSync(join(root, found), `${path}.partial`);
    renameSync(`${path}.partial`, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
