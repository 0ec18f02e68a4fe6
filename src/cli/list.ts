import type { Settings } from '../config/settings.js';
import type { Standing } from '../domain/campaign.js';
import { EXIT } from '../domain/errors.js';
import { forgetCampaign, listCampaigns } from '../redis/ledger/campaigns.js';
import { openContext } from './context.js';
import type { Session } from './session.js';
import { listLines } from './view/list.js';

const SHOWN = 50;

/** `fanmail list`: the newest campaigns of this Redis. */
export async function list(settings: Settings<'list'>, session: Session): Promise<number> {
  const { backend } = await openContext(settings, session, 'list');
  try {
    const standings: Standing[] = [];
    for (const id of await listCampaigns(backend.redis, SHOWN)) {
      const standing = await backend.campaigns.standing(id);
      if (standing) standings.push(standing);
      // Its ledger has expired: it is kept for a while, and then it is gone.
      else await forgetCampaign(backend.redis, id);
    }
    if (settings.json) session.terminal.out(JSON.stringify({ campaigns: standings.map(listed) }));
    else session.terminal.out(listLines(standings, session.terminal.outStyle).join('\n'));
    return EXIT.ok;
  } finally {
    await backend.close();
  }
}

/** What `--json` says of one; `fanmail progress --json` says more. */
function listed({ campaign, counters, total }: Standing) {
  const { id, phase, options, createdAt } = campaign;
  return { id, name: options.name, phase, total, counters, createdAt: new Date(createdAt).toISOString() };
}
