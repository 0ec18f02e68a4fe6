import type { JobsOptions } from 'bullmq';
import { FORMAT } from '../domain/campaign.js';

/** The two queues: chunks, and the steps around them, so that a large campaign's chunks never keep a small one's end waiting. */
export const CHUNKS_QUEUE = 'chunks';
export const STEPS_QUEUE = 'steps';

export type StepName = 'coordinate' | 'aggregate' | 'notify';

/** What a job carries: ids only, under 300 bytes however large the campaign is. */
export interface Payload {
  /** The format of payload and ledger; an unknown one is left for others. */
  readonly v: number;
  readonly campaign: string;
  readonly round: number;
  /** The chunk's number; only in chunk jobs. */
  readonly chunk?: number;
}

/** BullMQ's attempts never count as a recipient's: a job goes on until the ledger says that it is done. */
const WITHOUT_LIMIT = 1_000_000;

export const JOB_OPTIONS: JobsOptions = {
  attempts: WITHOUT_LIMIT,
  backoff: { type: 'capped' },
  // A kept job would block its id: the flow of a round could not be added again.
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 2,
};

/** BullMQ's own exponential backoff has no cap. Milliseconds before attempt `attemptsMade + 1` of a job that threw. */
export function cappedBackoff(attemptsMade: number): number {
  return Math.min(30_000, 250 * 2 ** Math.min(attemptsMade, 10)) * (0.8 + 0.4 * Math.random());
}

/** Job ids hold no colon and are no integers, as BullMQ demands; and the round, so that rounds never meet. */
export const jobId = {
  coordinate: (campaign: string, round: number) => `${campaign}.r${round}.start`,
  chunk: (campaign: string, round: number, chunk: number) => `${campaign}.r${round}.c${chunk}`,
  aggregate: (campaign: string, round: number, generation: number) => `${campaign}.r${round}.g${generation}.end`,
  notify: (campaign: string, round: number) => `${campaign}.r${round}.notice`,
};

export function payload(campaign: string, round: number, chunk?: number): Payload {
  return chunk === undefined ? { v: FORMAT, campaign, round } : { v: FORMAT, campaign, round, chunk };
}

/**
 * The payload of a job; `other`: of a format that other versions know; `broken`: nobody can use it, as where the job's hash was
 * deleted under its id.
 */
export function parsePayload(data: unknown): Payload | 'other' | 'broken' {
  if (typeof data !== 'object' || data === null) return 'broken';
  const { v, campaign, round, chunk } = data as Record<string, unknown>;
  if (typeof v === 'number' && v !== FORMAT) return 'other';
  if (v !== FORMAT || typeof campaign !== 'string' || typeof round !== 'number') return 'broken';
  if (chunk !== undefined && typeof chunk !== 'number') return 'broken';
  return payload(campaign, round, chunk);
}
