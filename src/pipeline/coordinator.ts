import type { Campaigns, Log, Wake } from './ports.js';
import { LONGEST_SLEEP_MS, untilOpen } from './timing.js';

export interface CoordinatorPorts {
  readonly campaigns: Campaigns;
  readonly wake: Wake;
  readonly log: Log;
}

export type CoordinatorEnd = { readonly kind: 'done' } | { readonly kind: 'later'; readonly delayMs: number };

const DONE: CoordinatorEnd = { kind: 'done' };

/**
 * Fans a sealed campaign out: one flow, the aggregator the parent, every chunk that is not finished a child. Where it is not its
 * time, it comes back then, or to look.
 */
export async function coordinate(id: string, round: number, ports: CoordinatorPorts): Promise<CoordinatorEnd> {
  const before = await ports.campaigns.get(id);
  if (!before) return DONE;
  const started = await ports.campaigns.start(id, round);
  if (typeof started === 'object') {
    const delayMs = Math.min(await untilOpen(before, started, ports.campaigns), LONGEST_SLEEP_MS);
    ports.log.info({ campaign: id, round, delayMs }, 'not its time');
    return { kind: 'later', delayMs };
  }
  if (started !== 'ok') {
    ports.log.info({ campaign: id, round, why: started }, 'nothing to fan out');
    return DONE;
  }
  const campaign = await ports.campaigns.get(id);
  if (!campaign) return DONE;
  const chunks = await ports.campaigns.unfinished(campaign);
  await ports.wake.flow(campaign, chunks);
  ports.log.info({ campaign: id, round, chunks: chunks.length }, 'fanned out');
  return DONE;
}
