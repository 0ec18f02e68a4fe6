import type { Campaign } from '../domain/campaign.js';
import type { Campaigns, Log, Wake } from './ports.js';

export interface SweepPorts {
  readonly campaigns: Campaigns;
  readonly wake: Wake;
  readonly log: Log;
}

/**
 * Puts right from the ledger what the queue lost: queued without a coordinator, sending without jobs, closed but not
 * marked, ended but not notified; and renews the scratch of what is open. Runs at every worker's start, then
 * periodically, in one place at a time. Everything that it adds is there at most once, so a needless repair is harmless.
 */
export async function sweep({ campaigns, wake, log }: SweepPorts): Promise<void> {
  for (const id of await campaigns.open()) {
    try {
      await sweepOne(id, { campaigns, wake, log });
    } catch (error) {
      // One campaign that can't be swept (another version's, say) must not keep the others from it.
      log.warn({ err: error, campaign: id }, 'a campaign could not be swept');
    }
  }
}

async function sweepOne(id: string, { campaigns, wake, log }: SweepPorts): Promise<void> {
  const campaign = await campaigns.get(id);
  if (!campaign) return campaigns.leaveOpen(id);
  switch (campaign.phase) {
    case 'staging':
      return;
    case 'queued':
      await campaigns.renew(campaign);
      return wake.coordinator(campaign);
    case 'sending':
    case 'aggregating': {
      await campaigns.renew(campaign);
      const missing = await whatIsMissing(campaign, { campaigns, wake, log });
      if (!missing) return;
      log.warn({ campaign: id, chunks: missing.open.length }, 'jobs were lost from the queue; adding the flow again');
      return wake.flow(missing.campaign, missing.open);
    }
    case 'completed':
    case 'cancelled':
      if (campaign.options.notify && campaign.notice === null && campaign.sealedAt !== null)
        return wake.notifier(campaign);
      return campaigns.leaveOpen(id);
    default:
      return campaign.phase satisfies never;
  }
}

/** The open chunks, if one of the jobs that this campaign needs is not there; null when all is well. */
async function whatIsMissing(
  campaign: Campaign,
  { campaigns, wake }: SweepPorts,
): Promise<{ readonly campaign: Campaign; readonly open: readonly number[] } | null> {
  if (await wake.present(campaign, await campaigns.unfinished(campaign))) return null;
  // A chunk that finished between the two looks has no job and needs none.
  const again = await campaigns.get(campaign.id);
  if (!again || again.round !== campaign.round || (again.phase !== 'sending' && again.phase !== 'aggregating'))
    return null;
  const open = await campaigns.unfinished(again);
  return (await wake.present(again, open)) ? null : { campaign: again, open };
}
