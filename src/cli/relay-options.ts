import type { Settings } from '../config/settings.js';
import { type CampaignOptions, relaysOf } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import { type DomainLimit, groupOf } from '../domain/pace.js';
import { describeRelay } from '../relay/url.js';

type PaceSettings = Pick<Settings<'launch'>, 'rate' | 'throttle' | 'domainConnections' | 'providers' | 'replies'>;

/**
 * The limits of a campaign, and what replies mean to it, from what was asked for.
 * @throws FanmailError OPTION_INVALID where two domains of one provider are given different limits, or a table can't be read.
 */
export async function paceOf(settings: PaceSettings): Promise<Required<Pick<CampaignOptions, 'pace' | 'replyRules'>>> {
  const { providers, replies } = settings;
  // What checks them takes a while to load, and few have any.
  const tables = () => import('../config/tables.js');
  const groups = providers === null ? {} : (await tables()).readProviders(providers);
  const rates = byGroup('--throttle', settings.throttle, groups);
  const connections = byGroup('--domain-connections', settings.domainConnections, groups);
  const domains: Record<string, DomainLimit> = {};
  for (const group of new Set([...rates.keys(), ...connections.keys()]))
    domains[group] = { perSecond: rates.get(group) ?? null, connections: connections.get(group) ?? null };
  return {
    pace: { perSecond: settings.rate, domains, groups },
    replyRules: replies === null ? [] : (await tables()).readReplyRules(replies),
  };
}

/** The relays that a campaign goes through, for a person. */
export function throughText(options: Pick<CampaignOptions, 'relay' | 'relays'>): string {
  return relaysOf(options)
    .map(({ identity }) => describeRelay(identity))
    .join(', ');
}

function byGroup(
  option: string,
  limits: ReadonlyMap<string, number> | null,
  groups: Readonly<Record<string, string>>,
): ReadonlyMap<string, number> {
  const found = new Map<string, { domain: string; limit: number }>();
  for (const [domain, limit] of limits ?? []) {
    const group = groupOf(domain, groups);
    const other = found.get(group);
    if (other && other.limit !== limit)
      throw new FanmailError(
        'OPTION_INVALID',
        `${option} has different limits for ${other.domain} and ${domain}, which one provider runs.`,
        {
          hint: 'They count together: give one limit for both, or take them apart with --providers.',
        },
      );
    found.set(group, { domain, limit });
  }
  return new Map([...found].map(([group, { limit }]) => [group, limit]));
}
