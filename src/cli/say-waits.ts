import type { Backend } from '../backend.js';
import { readProgress } from './follow.js';
import type { Terminal } from './terminal.js';
import type { Cause } from './view/cause.js';
import { waitsFor } from './view/waits-for.js';

/** What its operator asked it to wait for. */
const ASKED: readonly Cause['kind'][] = ['time', 'hours', 'hold'];

/** Says what a campaign was asked to wait for, and still does. */
export async function sayWaits(id: string, backend: Backend, terminal: Terminal): Promise<void> {
  const asked = waitsFor(await readProgress(backend, id)).filter(({ kind }) => ASKED.includes(kind));
  for (const { text } of asked) terminal.say(`It waits for ${text}.`);
  if (asked.length > 0) terminal.say(`Without that: fanmail resume ${id} --now`);
}
