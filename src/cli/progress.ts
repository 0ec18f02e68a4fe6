import type { Settings } from '../config/settings.js';
import { EXIT } from '../domain/errors.js';
import { openContext, pickCampaign } from './context.js';
import { exitCodeOf, follow, readProgress } from './follow.js';
import type { Session } from './session.js';
import { progressLines } from './view/progress.js';
import { progressObject } from './view/progress-object.js';

/** `fanmail progress`: where a campaign stands, once or until its end. */
export async function progress(settings: Settings<'progress'>, session: Session): Promise<number> {
  const { terminal } = session;
  const { backend } = await openContext(settings, session, 'progress');
  try {
    const { id } = await pickCampaign(backend, settings.campaign);
    if (settings.watch) {
      const followed = await follow(backend, id, session, false);
      if (followed.kind === 'interrupted') return EXIT.interrupted;
      if (settings.json) terminal.out(JSON.stringify(progressObject(await readProgress(backend, id))));
      return exitCodeOf(followed.summary);
    }
    const view = await readProgress(backend, id);
    if (settings.json) terminal.out(JSON.stringify(progressObject(view)));
    else terminal.out(progressLines(view, terminal.outStyle).join('\n'));
    return EXIT.ok;
  } finally {
    await backend.close();
  }
}
