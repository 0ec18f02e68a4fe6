import type { CampaignOptions } from '../../domain/campaign.js';

const DAY_MS = 86_400_000;

/** How long recipients and template stay in Redis without being renewed: 7 days. */
export const SCRATCH_TTL_MS = 7 * DAY_MS;

/** How long a retry may take to be staged, and how long what it staged stays where it is given up: an hour. */
export const RETRY_TTL_MS = 3_600_000;

type Lasting = Pick<CampaignOptions, 'giveUpMs' | 'keepMs' | 'schedule'>;

/** The same for a campaign that is about to be sealed or open, until its time has come. */
export function scratchTtlMs({ schedule }: Pick<Lasting, 'schedule'>, now: number): number {
  return SCRATCH_TTL_MS + Math.max(0, (schedule?.at ?? 0) - now);
}

/** States and records outlive the scratch: without them, nobody could tell who got a message. */
export function ledgerTtlMs(options: Lasting, now: number): number {
  return options.giveUpMs + options.keepMs + scratchTtlMs(options, now);
}
