import type { Backend } from '../backend.js';
import type { Settings } from '../config/settings.js';
import type { Standing } from '../domain/campaign.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { readSource } from '../pipeline/aggregator.js';
import { type Check, verify as verifyLedger } from '../report/verify.js';
import { openContext, pickCampaign } from './context.js';
import { readSummary } from './follow.js';
import type { Session } from './session.js';

/** `fanmail verify`: recounts the ledger of a campaign and says what it proved; exits 0 only where all holds. */
export async function verify(settings: Settings<'verify'>, session: Session): Promise<number> {
  const { backend } = await openContext(settings, session, 'verify');
  const { terminal } = session;
  try {
    const { id } = await pickCampaign(backend, settings.campaign);
    const { checks, standing } = await recount(backend, id);
    const holds = checks.every((check) => check.holds !== false);
    if (settings.json) {
      terminal.out(JSON.stringify({ campaign: id, phase: standing.campaign.phase, holds, checks }));
    } else {
      for (const check of checks) terminal.out(`${verdict(check).padEnd(8)} ${check.name.padEnd(8)} ${check.detail}`);
      terminal.out(holds ? `${id} holds.` : `${id} does not hold.`);
    }
    return holds ? EXIT.ok : EXIT.failure;
  } finally {
    await backend.close();
  }
}

function verdict({ holds }: Check): string {
  return holds === null ? 'open' : holds ? 'ok' : 'WRONG';
}

/** Counters and bytes can't be read in one step: they are held against each other only while nothing moves. */
export async function recount(backend: Backend, id: string): Promise<{ checks: readonly Check[]; standing: Standing }> {
  const { campaigns } = backend;
  const standing = await standingOf(backend, id);
  const { campaign } = standing;
  if (campaign.sealedAt === null) {
    throw new FanmailError(
      'CAMPAIGN_NOT_OPEN',
      `the campaign ${id} is ${campaign.phase} and was never sealed: it has no ledger yet`,
    );
  }
  const source = await readSource(standing, campaigns, () => campaigns.results(campaign));
  const ended = campaign.endedAt !== null;
  const resultsDir = ended ? (await readSummary(backend, id)).resultsDir : null;
  const unfinished = await campaigns.unfinished(campaign);
  const checks = await verifyLedger({ campaign, source, unfinished, resultsDir });
  const after = await standingOf(backend, id);
  if (JSON.stringify(after.counters) !== JSON.stringify(standing.counters)) {
    throw new FanmailError('CAMPAIGN_NOT_OPEN', `the campaign ${id} moved while it was recounted`, {
      hint: `pause it first: fanmail pause ${id}`,
    });
  }
  return { checks, standing };
}

async function standingOf({ campaigns }: Backend, id: string): Promise<Standing> {
  const standing = await campaigns.standing(id);
  if (standing) return standing;
  throw new FanmailError('CAMPAIGN_UNKNOWN', `the campaign ${id} is not in this Redis any more`);
}
