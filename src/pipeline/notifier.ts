import { randomUUID } from 'node:crypto';
import type { Campaign } from '../domain/campaign.js';
import type { Outcome } from '../domain/outcome.js';
import type { Route } from './chunk-ports.js';
import type { Campaigns, Log, NoticeOutcome } from './ports.js';
import type { Message } from './relay-ports.js';

export interface NotifierPorts {
  readonly campaigns: Campaigns;
  routes(campaign: Campaign): readonly Route[] | string;
  /** The notice as a message; `summary` is what the ledger keeps. */
  compose(campaign: Campaign, to: string, summary: string): Message;
  readonly log: Log;
}

/** What the job does next: nothing, or later since the relay can't be had now. */
export type NoticeEnd = { readonly kind: 'done' } | { readonly kind: 'later'; readonly delayMs: number };

const LATER_MS = 15_000;
const AGAIN_MS = 60_000;
const TRY_FOR_MS = 86_400_000;

/**
 * Mails the summary to the operator. Its failure never undoes the campaign's end; on doubt it isn't sent a second time,
 * so its intent is recorded only when a connection is ready.
 */
export async function notify(id: string, round: number, ports: NotifierPorts, quiet: AbortSignal): Promise<NoticeEnd> {
  const { campaigns, log } = ports;
  const campaign = await campaigns.get(id);
  const ended = campaign?.phase === 'completed' || campaign?.phase === 'cancelled';
  // A job of an older round, or one that came early: the campaign is still somebody's.
  if (!campaign || campaign.round !== round || !ended) return { kind: 'done' };
  const to = campaign.options.notify;
  const summary = await campaigns.summary(id);
  if (!to || summary === null || campaign.notice !== null) return end(id, campaigns);
  const [route] = ports.routes(campaign);
  if (typeof route !== 'object') return { kind: 'later', delayMs: LATER_MS };
  const message = ports.compose(campaign, to, summary);
  const taken = await route.relay.take(1, quiet);
  const connection = taken.kind === 'connections' ? taken.connections[0] : undefined;
  if (!connection) return { kind: 'later', delayMs: LATER_MS };

  const token = randomUUID();
  const intent = await campaigns.notice(id, round, token, null);
  if (intent !== 'send') {
    connection.release();
    if (intent === 'doubt') await campaigns.notice(id, round, token, 'unknown');
    return end(id, campaigns);
  }
  const outcome = await connection.send(message);
  const became = becomes(outcome, Date.now() - (campaign.endedAt ?? 0));
  await campaigns.notice(id, round, token, became);
  log.info({ campaign: id, outcome: became }, 'notice');
  return became === 'again' ? { kind: 'later', delayMs: AGAIN_MS } : end(id, campaigns);
}

/** What surely did not arrive is tried again for a day; what may have arrived is not. */
function becomes(outcome: Outcome, sinceEndMs: number): NoticeOutcome {
  if (outcome.kind === 'sent' || outcome.kind === 'unknown') return outcome.kind;
  const transient = outcome.kind === 'not-sent' || outcome.reply.code < 500;
  return transient && sinceEndMs < TRY_FOR_MS ? 'again' : 'failed';
}

async function end(id: string, campaigns: Campaigns): Promise<NoticeEnd> {
  await campaigns.leaveOpen(id);
  return { kind: 'done' };
}
