import { statfs } from 'node:fs/promises';
import { count } from '../../report/format.js';
import { type Examined, ok, problem, warning } from './verdict.js';

const LEAST = [20, 19] as const;
/** The first version that is still maintained. */
const MAINTAINED = 22;
const MB = 1_000_000;
const LITTLE = 1_000 * MB;
const TOO_LITTLE = 100 * MB;

/** `version` as `process.versions.node`. */
export function examineNode(version: string): Examined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const text = `Node ${version}`;
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
    return problem('node', `${text} is older than fanmail supports`, 'Install Node 22 or 24; 20.19 is the least.');
  }
  if (major < MAINTAINED) return warning('node', `${text} gets no more security fixes`, 'Install Node 22 or 24.');
  return ok('node', text);
}

/** The file system of a folder that is there; `use` says what is kept in it. */
export async function examineDisk(folder: string, use: string): Promise<Examined> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const text = `${free < 10_000 * MB ? `${count(free / MB)} MB` : `${count(free / (1_000 * MB))} GB`} free in ${folder}, for ${use}`;
  if (free < TOO_LITTLE) return problem('disk', text, 'Free some space: nothing can be recorded or sent without it.');
  if (free < LITTLE) return warning('disk', text, 'A million recipients take a few hundred MB; free some space.');
  return ok('disk', text);
}
