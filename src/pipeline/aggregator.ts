import { randomUUID } from 'node:crypto';
import type { Campaign, Standing } from '../domain/campaign.js';
import { suppressingDead } from './dead-recipients.js';
import type { Campaigns, ChunkResult, Log, ResultSource, Results, Wake } from './ports.js';
import type { Suppression } from './suppression-ports.js';

export interface AggregatorPorts {
  readonly campaigns: Campaigns;
  readonly suppression: Suppression;
  readonly results: Results;
  readonly wake: Wake;
  readonly log: Log;
}

/**
 * Fans a campaign in: closes the ledger, reads it, proves that it balances, writes the results, marks the end. May run
 * again at any point; a newer run fences an older one, so there is one result.
 */
export async function aggregate(id: string, round: number, ports: AggregatorPorts): Promise<void> {
  const { campaigns, log } = ports;
  const before = await campaigns.get(id);
  if (!before || before.round !== round) return;
  const token = randomUUID();
  const closed = await campaigns.close(id, before.nonce, round, token);
  if (closed === 'open') return openAgain(before, ports);
  if (closed === 'ended') return afterwards(before, ports);
  if (closed !== 'ok') {
    log.info({ campaign: id, round, why: closed }, 'nothing to aggregate');
    return;
  }
  const lost = await campaigns.recover(before);
  if (lost !== 0)
    log.error({ campaign: id, chunks: lost }, 'Redis lost the states of chunks; their recipients are unknown');
  const standing = await campaigns.standing(id);
  // Another aggregator may have ended the round meanwhile, and a retry opened the next one: it is not to be written.
  if (!standing || standing.campaign.round !== round) return;
  const { campaign } = standing;
  const source = await readSource(standing, campaigns, () => keepingAddresses(campaign, campaigns));
  const { summary, dir } = await ports.results.write(campaign, seeingToDead(campaign, source, ports));
  const marked = await campaigns.mark(campaign, token, JSON.stringify({ ...summary, resultsDir: dir }));
  log.info({ campaign: id, round, dir, marked }, 'aggregated');
  if (marked === 'ok') await campaigns.letExpire(campaign);
  if (marked === 'ok' || marked === 'ended') await afterwards(campaign, ports);
}

/** What results are made of; `chunks` is read once, from begin to end. */
export async function readSource(
  standing: Standing,
  campaigns: Campaigns,
  chunks: ResultSource['chunks'],
): Promise<ResultSource> {
  const { id } = standing.campaign;
  const [words, said, latencies, timeline, late] = await Promise.all([
    campaigns.words(id),
    campaigns.said(id),
    campaigns.latencies(id),
    campaigns.timeline(id),
    campaigns.late(id),
  ]);
  return { standing, words, said, latencies, timeline, late, chunks };
}

/** The flow let the aggregator run although chunks are open: jobs were lost. A new generation of the flow goes on. */
async function openAgain(seen: Campaign, ports: AggregatorPorts): Promise<void> {
  const generation = await ports.campaigns.regenerate(seen.id, seen.round, seen.generation);
  const campaign = await ports.campaigns.get(seen.id);
  if (!campaign || generation === null) return;
  const chunks = await ports.campaigns.unfinished(campaign);
  ports.log.warn({ campaign: seen.id, chunks: chunks.length, generation }, 'chunks are open; fanning out again');
  await ports.wake.flow(campaign, chunks);
}

function seeingToDead(
  { options }: Campaign,
  source: ResultSource,
  { suppression, log }: AggregatorPorts,
): ResultSource {
  if (options.onDead !== 'suppress') return source;
  return {
    ...source,
    chunks: () => suppressingDead(source.chunks(), source.words, options.replyRules, suppression, log),
  };
}

async function afterwards(campaign: Campaign, ports: AggregatorPorts): Promise<void> {
  if (campaign.options.notify) await ports.wake.notifier(campaign);
  else await ports.campaigns.leaveOpen(campaign.id);
}

async function* keepingAddresses(campaign: Campaign, campaigns: Campaigns): AsyncIterable<ChunkResult> {
  for await (const chunk of campaigns.results(campaign)) {
    if (chunk.addresses) await campaigns.keepAddresses(campaign, chunk.chunk, chunk.addresses);
    yield chunk;
  }
}
