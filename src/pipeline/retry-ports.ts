import type { Campaign } from '../domain/campaign.js';
import type { Opening, Round } from '../domain/round.js';
import type { Span } from '../domain/schedule.js';
import type { Counters } from '../domain/state.js';
import type { Refusal } from './ports.js';

/** What a retry writes. Nothing of the campaign changes before `reopen`, and what was staged expires by itself. */
export interface RetryStore {
  /**
   * Makes sure that all of an ended campaign stays while the retry is staged, which has an hour for it. Refused where it has
   * not ended, or is of another round.
   */
  begin(campaign: Campaign): Promise<'ok' | Refusal>;
  /** What a chunk is to become: its states, and a record for each. */
  stage(
    campaign: Campaign,
    retry: string,
    chunk: number,
    content: { readonly states: Buffer; readonly records: Buffer },
  ): Promise<void>;
  /** One atomic step: what was staged is the ledger's, and the next round is queued. May be repeated after a lost reply. */
  reopen(campaign: Campaign, retry: string, round: StagedRound): Promise<Reopened>;
  /** Forgets what a retry that was given up had staged of these chunks. */
  discard(campaign: Campaign, retry: string, chunks: readonly number[]): Promise<void>;
}

/** `late`: there are other late words by now; `incomplete`: what was staged, or what it needs, is not there any more. */
export type Reopened = 'ok' | 'late' | 'incomplete' | Refusal;

export interface StagedRound {
  /** The chunks that change, and whether anybody in them is open. */
  readonly chunks: readonly { readonly chunk: number; readonly open: boolean }[];
  /** How many late words were taken into account. */
  readonly lateWords: number;
  readonly counters: Counters;
  readonly opening: Opening;
  /** The rounds that ended. */
  readonly rounds: readonly Round[];
  /** When it may send; null: at once, without end. */
  readonly span: Span | null;
}
