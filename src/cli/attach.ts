import { join } from 'node:path';
import type { Settings } from '../config/settings.js';
import { EXIT } from '../domain/errors.js';
import { type Context, openContext, pickCampaign } from './context.js';
import { conclude, follow, readProgress, readSummary } from './follow.js';
import type { Session } from './session.js';
import { keysOf } from './signing.js';
import { progressObject } from './view/progress-object.js';
import { createWorkers } from './workers.js';

/** What `launch` and `attach` share. */
type AttachSettings = Omit<Settings<'attach'>, 'campaign'>;

/** `fanmail attach`: follows a campaign to its end; with the embedded Redis, runs the workers meanwhile. */
export async function attach(settings: Settings<'attach'>, session: Session): Promise<number> {
  keysOf(settings, session.cwd);
  const context = await openContext(settings, session, 'attach');
  try {
    const { id, phase } = await pickCampaign(context.backend, settings.campaign);
    if (phase === 'completed' || phase === 'cancelled') {
      return conclude(await readSummary(context.backend, id), settings.json, session.terminal);
    }
    return await attachTo(id, context, settings, session);
  } finally {
    await context.backend.close();
  }
}

/** Follows a campaign; Ctrl-C leaves it as it is, drained, and says how to go on. */
export async function attachTo(
  id: string,
  context: Context,
  settings: AttachSettings,
  session: Session,
): Promise<number> {
  const { terminal, stop } = session;
  const { home, target } = context;
  const processes = home === null ? 0 : settings.workers;
  const logFile = home === null ? null : join(home, 'workers.log');
  const workers = createWorkers({ ...settings, processes, target, logFile }, session);
  stop.addEventListener(
    'abort',
    () => {
      terminal.say('Stopping at once: what is on the wire without an answer becomes unknown, and may have arrived.');
      workers.hurry();
    },
    { once: true },
  );
  await workers.start();
  try {
    if (home === null) await sayWorkers(context, session);
    const followed = await follow(context.backend, id, session, processes > 0);
    if (followed.kind === 'ended') {
      await workers.stop();
      return conclude(followed.summary, settings.json, terminal);
    }
    terminal.say('Draining what is on the wire; Ctrl-C again ends it at once, and what is unanswered becomes unknown.');
    await workers.stop();
    terminal.say(`Left ${id} as it is. To go on: fanmail attach ${id}`);
    if (settings.json) terminal.out(JSON.stringify(progressObject(await readProgress(context.backend, id))));
    return EXIT.interrupted;
  } finally {
    await workers.stop();
  }
}

async function sayWorkers({ backend }: Context, { terminal }: Session): Promise<void> {
  const workers = await backend.presence.present();
  if (workers.length > 0) terminal.say(`${workers.length} worker processes are connected.`);
  else terminal.say('No workers are connected to this Redis: start some with fanmail worker, here or anywhere.');
}
