import type { Campaign } from '../domain/campaign.js';
import { scheduleOf, spanFrom } from '../domain/span.js';
import type { Campaigns, Closed } from './ports.js';

/**
 * No job sleeps longer. Who resumes, releases or cancels wakes up all that sleep, but one that is just about to would be missed,
 * and its campaign would not hear of it until its time comes, which may be next week.
 */
export const LONGEST_SLEEP_MS = 900_000;

/** How many milliseconds a campaign that is closed has to wait; where its span has passed, finds out the next one and says so. */
export async function untilOpen(campaign: Campaign, closed: Closed, campaigns: Campaigns): Promise<number> {
  const schedule = scheduleOf(campaign);
  if (closed.waitMs > 0 || !schedule) return closed.waitMs;
  const next = await spanFrom(schedule, closed.now);
  await campaigns.span(campaign, next);
  // What is given up ends at any time.
  return Math.min(next.opensAt, campaign.giveUpAt ?? next.opensAt) - closed.now;
}
