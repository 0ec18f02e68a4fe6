import { randomUUID } from 'node:crypto';
import type { Campaign } from '../domain/campaign.js';
import type { Campaigns, Log, Message, NoticeOutcome, Relay } from './ports.js';

export interface NotifierPorts {
  readonly campaigns: Campaigns;
  relay(campaign: Campaign): Relay | string;
  /** The notice as a message; `summary` is what the ledger keeps. */
  compose(campaign: Campaign, to: string, summary: string): Message;
  readonly log: Log;
}

/** What the job does next: nothing, or later since the relay can't be had now. */
export type NoticeEnd = { readonly kind: 'done' } | { readonly kind: 'later'; readonly delayMs: number };

const LATER_MS = 15_000;

/**
 * Mails the summary to the operator. Its failure never undoes the campaign's end; on doubt it isn't sent a second time,
 * so its intent is recorded only when a connection is ready.
 */
export async function notify(id: string, round: number, ports: NotifierPorts, quiet: AbortSignal): Promise<NoticeEnd> {
  const { campaigns, log } = ports;
  const campaign = await campaigns.get(id);
  const to = campaign?.options.notify;
  const summary = await campaigns.summary(id);
  if (!campaign || campaign.round !== round || !to || summary === null || campaign.notice) return end(id, campaigns);
  const relay = ports.relay(campaign);
  if (typeof relay === 'string') return { kind: 'later', delayMs: LATER_MS };
  const message = ports.compose(campaign, to, summary);
  const taken = await relay.take(1, quiet);
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
  const became: NoticeOutcome = outcome.kind === 'sent' ? 'sent' : outcome.kind === 'unknown' ? 'unknown' : 'failed';
  await campaigns.notice(id, round, token, became);
  log.info({ campaign: id, outcome: became }, 'notice');
  return end(id, campaigns);
}

async function end(id: string, campaigns: Campaigns): Promise<NoticeEnd> {
  await campaigns.leaveOpen(id);
  return { kind: 'done' };
}
