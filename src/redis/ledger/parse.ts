import {
  type Campaign,
  type CampaignOptions,
  FORMAT,
  PHASES,
  type Phase,
  type StagedTotals,
  type Told,
} from '../../domain/campaign.js';
import { FanmailError } from '../../domain/errors.js';
import type { Opening, Round } from '../../domain/round.js';
import type { CanaryFound } from '../../domain/schedule.js';

/** The campaign in a hash of Redis; null for an empty one. Throws LEDGER_FORMAT for one of another version. */
export function parseCampaign(id: string, fields: Record<string, string>): Campaign | null {
  if (!fields.format) return null;
  if (fields.format !== String(FORMAT)) {
    throw new FanmailError(
      'LEDGER_FORMAT',
      `campaign ${id} has format ${fields.format}; this version knows ${FORMAT}`,
      {
        hint: 'use the version of fanmail that launched it',
      },
    );
  }
  const time = (name: string) => (fields[name] === undefined ? null : Number(fields[name]));
  return {
    id,
    phase: parsePhase(fields.phase ?? ''),
    flags: { paused: told(fields.paused), cancelling: fields.cancelling !== undefined },
    cancelled: told(fields.cancelled),
    round: Number(fields.round),
    generation: Number(fields.generation),
    nonce: fields.nonce ?? '',
    salt: fields.salt ?? '',
    options: parseOptions(fields.options ?? '{}'),
    totals: fields.totals ? (JSON.parse(fields.totals) as StagedTotals) : null,
    createdAt: Number(fields.createdAt),
    heardAt: Number(fields.heardAt),
    sealedAt: time('sealedAt'),
    openedAt: time('openedAt') ?? time('sealedAt'),
    opening: fields.opening ? (JSON.parse(fields.opening) as Opening) : null,
    rounds: fields.rounds ? (JSON.parse(fields.rounds) as Round[]) : [],
    giveUpAt: time('giveUpAt'),
    opensAt: time('opensAt'),
    closesAt: time('closesAt'),
    canary: canaryOf(fields.canary, time('holdUntil')),
    canaryFound: fields.canaryFound ? (JSON.parse(fields.canaryFound) as CanaryFound) : null,
    startedAt: time('startedAt'),
    closedAt: time('closedAt'),
    endedAt: time('endedAt'),
    notice: fields.notice ?? null,
    retries: Number(fields.retries ?? 0),
    forgotten: Number(fields.forgotten ?? 0),
  };
}

function told(text: string | undefined): Told | null {
  return text === undefined ? null : (JSON.parse(text) as Told);
}

function canaryOf(kind: string | undefined, until: number | null): Campaign['canary'] {
  if (kind === 'hold' && until !== null) return { kind, until };
  return kind === 'out' ? { kind } : null;
}

/** What a version before the suppression list didn't know of. */
const OLDER: Pick<CampaignOptions, 'topic' | 'onDead'> = { topic: null, onDead: 'keep' };

function parseOptions(text: string): CampaignOptions {
  return { ...OLDER, ...(JSON.parse(text) as CampaignOptions) };
}

export function parsePhase(text: string): Phase {
  const phase = PHASES.find((name) => name === text);
  if (!phase)
    throw new FanmailError('LEDGER_FORMAT', `the ledger names a phase "${text}"; known are ${PHASES.join(', ')}`);
  return phase;
}
