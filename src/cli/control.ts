import { userInfo } from 'node:os';
import type { Settings } from '../config/settings.js';
import { relaysOf } from '../domain/campaign.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { openContext, pickCampaign } from './context.js';
import { sayWaits } from './say-waits.js';
import type { Session } from './session.js';

type Action = 'pause' | 'resume' | 'cancel';

const SAID: Readonly<Record<Action, (id: string) => string>> = {
  pause: (id) =>
    `${id} is paused: what is on the wire is finished, nothing more begins. To go on: fanmail resume ${id}`,
  resume: (id) => `${id} goes on.`,
  cancel: (id) =>
    `${id} is being cancelled: what is on the wire is finished, workers skip the rest. To see it end: fanmail attach ${id}`,
};

/** `fanmail pause|resume|cancel <id>`. */
export async function control(action: Action, settings: Settings<Action>, session: Session): Promise<number> {
  const { backend } = await openContext(settings, session, action);
  try {
    const campaign = await pickCampaign(backend, settings.campaign);
    const { id } = campaign;
    const now = action === 'resume' && (settings as Settings<'resume'>).now;
    const told = now ? 'release' : action;
    const result = await backend.campaigns.control(id, told, userInfo().username, 'asked for');
    if (result.kind === 'refused') {
      throw new FanmailError(
        'CAMPAIGN_NOT_OPEN',
        `the campaign ${id} can't be told to ${action}: it has ended (${campaign.phase})`,
        {
          hint: `fanmail report ${id} shows how it ended`,
        },
      );
    }
    // Delayed chunks would notice only when their time comes.
    if (action !== 'pause') {
      for (const { identity } of relaysOf(campaign.options)) await backend.breaker.clear(identity);
      await (await backend.wake()).promote(campaign);
    }
    if (settings.json) session.terminal.out(JSON.stringify({ campaign: id, action, phase: result.phase }));
    else {
      session.terminal.say(SAID[action](id));
      if (action === 'resume') await sayWaits(id, backend, session.terminal);
    }
    return EXIT.ok;
  } finally {
    await backend.close();
  }
}
