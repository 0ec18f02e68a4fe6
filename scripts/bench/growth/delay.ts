import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../cleanup.js';
import { nodeArgs, start } from '../processes.js';

const MAIN = fileURLToPath(new URL('delay-main.ts', import.meta.url));

/** A port that leads to `target` (a port, or a socket's path), with a round trip of `ms` more. Ends with the run. */
export async function delayed(cleanup: Cleanup, ms: number, target: string): Promise<number> {
  const { child } = start(cleanup, process.execPath, nodeArgs(MAIN, String(ms), target));
  if (!child.stdout) throw new Error('no output');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return Number(line);
}
