/** Every key that fanmail uses beside BullMQ's. Those of one campaign share a hash tag: one node of a Redis Cluster. */

const PREFIX = 'fanmail';

/** The prefix of BullMQ's keys; its queues lie in one slot. */
export const QUEUE_PREFIX = `${PREFIX}:{queue}`;

/** Sorted set: campaign ids by the time of their launch. */
export const CAMPAIGNS = `${PREFIX}:campaigns`;
/** Set: ids of campaigns that have not ended or whose notice is due: what the sweep looks at. */
export const OPEN_CAMPAIGNS = `${PREFIX}:open`;
/** Hash: worker id to its last word. */
export const WORKERS = `${PREFIX}:workers`;
/** The sweep runs in one place at a time. */
export const SWEEP_LOCK = `${PREFIX}:sweep`;

/** Hash: the breaker of a relay, shared by all workers. */
export function relayKey(identity: string): string {
  return `${PREFIX}:relay:${identity}`;
}

export interface PaceKeys {
  /** Hash: the last slot for all messages to this relay. */
  readonly relay: string;
  /** String: the operator's limit for all campaigns, messages a second. */
  readonly limit: string;
  /** Sorted set: groups of domains that were throttled, by when (epoch microseconds). */
  readonly slow: string;
  /** Hash: the last slot of a campaign. */
  campaign(id: string): string;
  /** Hash: the last slot of a group of domains. The scripts name it from `relay`, and the next one, too. */
  domain(group: string): string;
  /** Hash: the rate that a group was cut to. Not in the one before, which lives as long as there are slots. */
  rate(group: string): string;
  /** Hash: who may have how many messages of a group under way. */
  leases(group: string): string;
}

/**
 * What limits a relay, for all campaigns. One hash tag for all, since a slot is one of campaign, relay and group at once; no
 * campaign's id begins with `_`.
 */
export function paceKeys(relay: string): PaceKeys {
  const of = (name: string) => `${PREFIX}:{_pace}:${name}`;
  return {
    relay: of(`relay:${relay}`),
    limit: of(`limit:${relay}`),
    slow: of(`slow:${relay}`),
    campaign: (id) => of(`campaign:${id}`),
    domain: (group) => of(`domain:${relay}:${group}`),
    rate: (group) => of(`rate:${relay}:${group}`),
    leases: (group) => of(`leases:${relay}:${group}`),
  };
}

/** The suppression list, which all campaigns share: it never expires. */
const SUPPRESSION = `${PREFIX}:{_suppression}:`;
/** Hash: format, secret, key, version, entries. The scripts name the others by this one. */
export const SUPPRESSION_LIST = `${SUPPRESSION}list`;
/** Hash: topic to its number. */
export const SUPPRESSION_TOPICS = `${SUPPRESSION}topics`;

/** Hash: addresses by a part of their hash, see suppression/shared.lua. */
export function suppressionBucket(number: number): string {
  return `${SUPPRESSION}bucket:${number}`;
}

export interface CampaignKeys {
  readonly campaign: string;
  readonly counters: string;
  /** Hash: the relay's words to their number; bounded. */
  readonly words: string;
  /** Hash: refusals by code and class; bounded. */
  readonly codes: string;
  /** Hash: the relay's words at the first of each. */
  readonly said: string;
  /** Hash: outcomes by relay and verb, `2 s`, where there are several relays. */
  readonly relays: string;
  /** Hash: finals by second, a ring. */
  readonly ticks: string;
  /** Hash: finals by epoch second, in steps of 10 s at first. */
  readonly timeline: string;
  /** Hash: latency bucket to count. */
  readonly latency: string;
  /** List: outcomes that came after the close; bounded. */
  readonly late: string;
  /** Sorted set: chunks that wait, by the epoch millisecond of their earliest attempt. */
  readonly waits: string;
  readonly summary: string;
}

export function campaignKeys(id: string): CampaignKeys {
  const of = (name: string) => `${PREFIX}:{${id}}:${name}`;
  return {
    campaign: of('campaign'),
    counters: of('counters'),
    words: of('words'),
    codes: of('codes'),
    said: of('said'),
    relays: of('relays'),
    ticks: of('ticks'),
    timeline: of('timeline'),
    latency: of('latency'),
    late: of('late'),
    waits: of('waits'),
    summary: of('summary'),
  };
}

/** What one staging of a campaign made. The nonce keeps two stagings of one id apart. */
export interface StagingKeys {
  /** Everything below begins with this. */
  readonly prefix: string;
  /** The template with this digest. Scratch. */
  template(digest: string): string;
  /** Hash: what messages carry, encoded, by the SHA-256 of the content. Scratch. */
  readonly contents: string;
  /** Bitmap: chunks that are finished. */
  readonly done: string;
}

export function stagingKeys(id: string, nonce: string): StagingKeys {
  const prefix = `${PREFIX}:{${id}}:${nonce}:`;
  const template = (digest: string) => `${prefix}template:${digest}`;
  return { prefix, template, contents: `${prefix}contents`, done: `${prefix}done` };
}

/** What one retry staged of a chunk, to take the place of what the chunk has. Its nonce keeps two retries apart. */
export function retryKeys(
  id: string,
  nonce: string,
  retry: string,
  chunk: number,
): { states: string; records: string } {
  const prefix = `${PREFIX}:{${id}}:${nonce}:retry:${retry}:`;
  return { states: `${prefix}states:${chunk}`, records: `${prefix}records:${chunk}` };
}

export interface ChunkKeys {
  /** Hash: fence, token, claims. */
  readonly chunk: string;
  /** String: a byte a recipient. */
  readonly states: string;
  /** String: 16 bytes a recipient, see src/domain/record.ts. */
  readonly records: string;
  /** String: the recipients, compressed. Scratch. */
  readonly rows: string;
  /** String: the addresses alone, compressed; written when the campaign ends, kept as long as the ledger. */
  readonly addresses: string;
}

export function chunkKeys(id: string, nonce: string, chunk: number): ChunkKeys {
  const prefix = `${PREFIX}:{${id}}:${nonce}:`;
  return {
    chunk: `${prefix}chunk:${chunk}`,
    states: `${prefix}states:${chunk}`,
    records: `${prefix}records:${chunk}`,
    rows: `${prefix}rows:${chunk}`,
    addresses: `${prefix}addresses:${chunk}`,
  };
}
