import type { Campaigns, Log, Wake } from './ports.js';

export interface CoordinatorPorts {
  readonly campaigns: Campaigns;
  readonly wake: Wake;
  readonly log: Log;
}

/** Fans a sealed campaign out: one flow, the aggregator the parent, every chunk that is not finished a child. */
export async function coordinate(id: string, round: number, ports: CoordinatorPorts): Promise<void> {
  const started = await ports.campaigns.start(id, round);
  if (started !== 'ok') {
    ports.log.info({ campaign: id, round, why: started }, 'nothing to fan out');
    return;
  }
  const campaign = await ports.campaigns.get(id);
  if (!campaign) return;
  const chunks = await ports.campaigns.unfinished(campaign);
  await ports.wake.flow(campaign, chunks);
  ports.log.info({ campaign: id, round, chunks: chunks.length }, 'fanned out');
}
