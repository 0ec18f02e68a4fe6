import type { CampaignOptions } from '../../domain/campaign.js';

const DAY_MS = 86_400_000;

/** How long recipients and template stay in Redis without being renewed: 7 days. */
export const SCRATCH_TTL_MS = 7 * DAY_MS;

/** How long a retry may take to be staged, and how long what it staged stays where it is given up: an hour. */
export const RETRY_TTL_MS = 3_600_000;

/** States and records outlive the scratch: without them, nobody could tell who got a message. */
export function ledgerTtlMs(options: Pick<CampaignOptions, 'giveUpMs' | 'keepMs'>): number {
  return options.giveUpMs + options.keepMs + SCRATCH_TTL_MS;
}
