import type { Campaign } from '../domain/campaign.js';
import type { Breaker, Campaigns, ChunkLedger, Log, Scratch, TemplateText } from './ports.js';
import type { Recorder } from './recorder.js';
import type { Composer, Relay } from './relay-ports.js';
import type { SuppressionWatch } from './suppression-watch.js';

/** What the chunk worker needs. */
export interface ChunkWorkerPorts {
  readonly campaigns: Campaigns;
  readonly ledger: ChunkLedger;
  readonly recorder: Recorder;
  readonly scratch: Scratch;
  readonly breaker: Breaker;
  readonly suppression: SuppressionWatch;
  /** This process's connections to the campaign's relay, or why it can't have any. */
  relay(campaign: Campaign): Relay | string;
  composer(campaign: Campaign, template: TemplateText): Composer;
  readonly log: Log;
}

/** Two ways to be told to leave a chunk. Both stop beginning, drain the wire, flush the settles and hand back. */
export interface ChunkSignals {
  /** This process takes no new work. */
  readonly quiet: AbortSignal;
  /** The queue gave the job to somebody else. */
  readonly lost: AbortSignal;
}
