import type { Campaign } from '../domain/campaign.js';
import { scheduleOf, spanFrom } from '../domain/span.js';
import type { Campaigns, Closed } from './ports.js';

/** How many milliseconds a campaign that is closed has to wait; where its span has passed, finds out the next one and says so. */
export async function untilOpen(campaign: Campaign, closed: Closed, campaigns: Campaigns): Promise<number> {
  const schedule = scheduleOf(campaign);
  if (closed.waitMs > 0 || !schedule) return closed.waitMs;
  const next = await spanFrom(schedule, closed.now);
  await campaigns.span(campaign, next);
  // What is given up ends at any time.
  return Math.min(next.opensAt, campaign.giveUpAt ?? next.opensAt) - closed.now;
}
