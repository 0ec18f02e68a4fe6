import type { EncodedContents } from '../domain/attached-file.js';
import type { Campaign, RelayChoice, RelayIdentity } from '../domain/campaign.js';
import type { Breaker } from './breaker-ports.js';
import type { Pacer } from './pacer.js';
import type { Campaigns, ChunkLedger, Log, Scratch, TemplateText } from './ports.js';
import type { Recorder } from './recorder.js';
import type { Composer, Relay } from './relay-ports.js';
import type { LinkSecrets } from './suppression-ports.js';
import type { SuppressionWatch } from './suppression-watch.js';

/** A relay that messages may go through. */
export interface Route extends RelayChoice {
  readonly relay: Relay;
  /** What the ledger counts under, from 1; 0 where it is the only one, and nothing is counted. */
  readonly number: number;
}

/** What the chunk worker needs. */
export interface ChunkWorkerPorts {
  readonly campaigns: Campaigns;
  readonly ledger: ChunkLedger;
  readonly recorder: Recorder;
  readonly scratch: Scratch;
  readonly breaker: Breaker;
  readonly suppression: SuppressionWatch;
  readonly links: LinkSecrets;
  /** What messages of a campaign have to wait for at one of its relays. */
  pacer(campaign: Campaign, relay: RelayIdentity): Pacer;
  /** The campaign's relays that this process can have connections to, at least one, or why it can't have any. */
  routes(campaign: Campaign): readonly Route[] | string;
  /**
   * Without a secret there are no links to unsubscribe by. Contents are asked for only where no composer is at hand; null
   * where they are gone.
   */
  composer(
    campaign: Campaign,
    template: TemplateText,
    linkSecret: string | null,
    contents: () => Promise<EncodedContents | null>,
  ): Composer | Promise<Composer | null>;
  /** See Wake. */
  promote(campaign: Campaign): Promise<void>;
  readonly log: Log;
}

/** Two ways to be told to leave a chunk. Both stop beginning, drain the wire, flush the settles and hand back. */
export interface ChunkSignals {
  /** This process takes no new work. */
  readonly quiet: AbortSignal;
  /** The queue gave the job to somebody else. */
  readonly lost: AbortSignal;
  /**
   * Another chunk may be sent in this one's place while it waits for its pace and nothing else; the result takes the place
   * back. `leave` is called where it is to be left, for a party that has fewer waiting so. Null where too many do.
   */
  aside(party: string, leave: () => void): (() => void) | null;
}
