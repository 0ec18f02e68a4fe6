import type { Standing } from '../../domain/campaign.js';
import type { WorkerWord } from '../../pipeline/ports.js';
import type { RelayView } from './relay-lines.js';

/** What is known of a campaign in progress. */
export interface ProgressView {
  readonly standing: Standing;
  /** Of the campaign, at least one. */
  readonly relays: readonly RelayView[];
  /** All that are connected. */
  readonly workers: readonly WorkerWord[];
  /** When it may send next, where it is not its time; else null. */
  readonly opensAt: number | null;
  /** This command is starting some itself. */
  readonly starting?: boolean;
}
