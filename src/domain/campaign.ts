import type { DkimIdentity } from './dkim.js';
import type { PaceOptions } from './pace.js';
import type { ReplyClass, ReplyRule } from './reply-class.js';
import type { Opening, Round } from './round.js';
import type { Canary, CanaryFound, Schedule } from './schedule.js';
import type { Counters } from './state.js';
import type { UnsubscribeOptions } from './unsubscribe.js';

/**
 * The format of payloads, chunks and ledger that this version reads and writes. An unknown one is left for others. It changes with
 * whatever an older version would do wrong: 2 has files, signatures and ways to unsubscribe, without which it would send.
 */
export const FORMAT = 2;

export const PHASES = ['staging', 'queued', 'sending', 'aggregating', 'completed', 'cancelled'] as const;
export type Phase = (typeof PHASES)[number];

/** What to do with a recipient whose worker or connection died between intent and outcome. */
export type OnUnknown = 'hold' | 'resend';
/** What to do with an address that a relay says there is not, beside failing its recipient. */
export type OnDead = 'suppress' | 'keep';

/** The relay of a campaign as far as others may know it: never a user name or password. */
export interface RelayIdentity {
  readonly host: string;
  readonly port: number;
  /** TLS from the start (smtps), required STARTTLS, STARTTLS where offered, or none. */
  readonly security: 'tls' | 'starttls' | 'opportunistic' | 'plain';
  /** A short hash of the user name, so that a worker knows whether its own credentials are the ones meant. */
  readonly user: string | null;
}

/** One of several relays of a campaign. */
export interface RelayChoice {
  readonly identity: RelayIdentity;
  /** Its part of the messages, beside the weights of the others. */
  readonly weight: number;
  /** Used only while none of the others can be. */
  readonly spare: boolean;
}

/** What the operator asked for. Kept in Redis as it is; holds no credential. */
export interface CampaignOptions {
  readonly name: string;
  readonly from: string;
  readonly replyTo: string | null;
  /** The first one. */
  readonly relay: RelayIdentity;
  /** All of them, where there is more than one. */
  readonly relays?: readonly RelayChoice[];
  /** The keys that sign every message; absent: none does. */
  readonly dkim?: readonly DkimIdentity[];
  /** Tries at one recipient, at least 1. */
  readonly attempts: number;
  /** Waits between attempts in milliseconds; the last one repeats. */
  readonly retryScheduleMs: readonly number[];
  /** Milliseconds after the seal, or a retry, when what is still open is failed as expired. */
  readonly giveUpMs: number;
  readonly onUnknown: OnUnknown;
  /** Whoever is suppressed for it is not sent to; null: only who is suppressed for all. */
  readonly topic: string | null;
  readonly onDead: OnDead;
  /** Milliseconds that the ledger is kept after the end. */
  readonly keepMs: number;
  readonly notify: string | null;
  /** The folder for results on the machine where the campaign ends; null: the default folder there. */
  readonly resultsDir: string | null;
  /** Absent where an older version staged it: no limits. */
  readonly pace?: PaceOptions;
  /** What replies mean to this operator, before the table. */
  readonly replyRules?: readonly ReplyRule[];
  /** Absent: it may send at once and at any time. */
  readonly schedule?: Schedule;
  /** Absent: all of it goes out at once. */
  readonly canary?: Canary;
  /** Absent: its messages say nothing of unsubscribing. */
  readonly unsubscribe?: UnsubscribeOptions;
}

/** What staging found out. */
export interface StagedTotals {
  readonly total: number;
  readonly chunks: number;
  readonly rows: number;
  readonly rejects: Readonly<Record<string, number>>;
  readonly listDigest: string;
  readonly templateDigest: string;
}

/** Who told a campaign something, and why. */
export interface Told {
  readonly by: string;
  readonly reason: string;
  readonly at: number;
}

export interface CampaignFlags {
  readonly paused: Told | null;
  readonly cancelling: boolean;
}

/** A campaign as everybody may read it. Times are epoch milliseconds of the Redis clock. */
export interface Campaign {
  readonly id: string;
  readonly phase: Phase;
  readonly flags: CampaignFlags;
  /** Counts from 1; a retry opens the next one. */
  readonly round: number;
  /** Counts the flows added for this round. */
  readonly generation: number;
  readonly nonce: string;
  /** Random per campaign, the key of its Message-IDs. */
  readonly salt: string;
  readonly options: CampaignOptions;
  readonly totals: StagedTotals | null;
  readonly createdAt: number;
  /** The last word of its staging. */
  readonly heardAt: number;
  readonly sealedAt: number | null;
  /** When this round could begin: after the seal or a retry, but not before its time. */
  readonly openedAt: number | null;
  /** How this round was opened; null for the first one. */
  readonly opening: Opening | null;
  /** The rounds that ended before this one. */
  readonly rounds: readonly Round[];
  /** When what is still open is failed as expired. */
  readonly giveUpAt: number | null;
  /** Who cancelled it; null where nobody did, or an older version. */
  readonly cancelled: Told | null;
  /** When it may send: from the one on, and before the other. Null: at once, without end. */
  readonly opensAt: number | null;
  readonly closesAt: number | null;
  /** Only its canary is being sent (`out`), or was, and is waited for until a time (`hold`); null: neither. */
  readonly canary: { readonly kind: 'out' } | { readonly kind: 'hold'; readonly until: number } | null;
  /** What the canary was judged by; null before. */
  readonly canaryFound: CanaryFound | null;
  readonly startedAt: number | null;
  readonly closedAt: number | null;
  readonly endedAt: number | null;
  /** What became of the notice; null while it is due or none was asked for. */
  readonly notice: string | null;
  /** Attempts that ended in a deferral. */
  readonly retries: number;
  /** Outcomes, at least, that Redis had acknowledged and then forgot, as a worker that had seen them noticed. */
  readonly forgotten: number;
}

/** A campaign's figures, at the same cost for any number of recipients. */
export interface Standing {
  readonly campaign: Campaign;
  readonly counters: Counters;
  readonly total: number;
  readonly chunksDone: number;
  /** Attempts that ended in a deferral and were or will be repeated. */
  readonly retries: number;
  /** Recipients that reached a final state in the last full 10 s, per second. */
  readonly ratePerSecond: number;
  /** What became of messages at each of several relays, in their order; empty where there is one. */
  readonly relays: readonly RelayFigures[];
  /** When the earliest waiting chunk goes on, or null. */
  readonly nextDueAt: number | null;
  /** Refusals by code, the commonest first. */
  readonly refusals: readonly RefusalCount[];
  /** The Redis clock. */
  readonly now: number;
}

/** Outcomes at one of several relays, each try counted. */
export interface RelayFigures {
  readonly sent: number;
  readonly failed: number;
  /** Refused for now, but not for the pace. */
  readonly deferred: number;
  readonly throttled: number;
  readonly unknown: number;
}

/** How often a relay refused so, final or not. */
export interface RefusalCount {
  readonly code: string;
  /** What it is about; null where an older version counted. */
  readonly replyClass: ReplyClass | null;
  readonly count: number;
}

/** The relays of a campaign, at least one. */
export function relaysOf({ relay, relays }: Pick<CampaignOptions, 'relay' | 'relays'>): readonly RelayChoice[] {
  return relays ?? [{ identity: relay, weight: 1, spare: false }];
}

export const CAMPAIGN_ID = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
