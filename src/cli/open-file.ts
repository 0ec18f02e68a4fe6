import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** An opener that has not failed by then is showing the file. */
const FAILS_WITHIN_MS = 3_000;

/** Opens a file with what the system opens such files with; false where there is nothing to do it, or it fails. */
export async function openFile(file: string, path: string | undefined, platform = process.platform): Promise<boolean> {
  // `start` is a word of the shell there; its first quoted argument would be a title.
  if (platform === 'win32') return run('cmd', ['/c', 'start', '', file]);
  const opener = find(platform === 'darwin' ? 'open' : 'xdg-open', path);
  return opener !== null && run(opener, [file]);
}

function find(name: string, path: string | undefined): string | null {
  for (const folder of (path ?? '').split(delimiter)) {
    // An empty or relative entry means the current folder, from which nothing should be started by accident.
    if (!folder.startsWith('/')) continue;
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {}
  }
  return null;
}

function run(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { detached: true, stdio: 'ignore' });
    const timer = setTimeout(() => resolve(true), FAILS_WITHIN_MS);
    const finish = (opened: boolean) => {
      clearTimeout(timer);
      resolve(opened);
    };
    child.on('error', () => finish(false));
    child.on('exit', (code) => finish(code === 0));
    child.unref();
  });
}
