import type { AttachedFile, EncodedContents } from '../domain/attached-file.js';
import type { CampaignOptions, StagedTotals } from '../domain/campaign.js';
import type { Recipient } from '../domain/recipient.js';
import type { Span } from '../domain/schedule.js';
import type { TemplateText } from './ports.js';

/** What staging needs: where it reads from, and where it writes to. */

/** Files of one recipient, and their encoded contents. */
export interface CarriedFiles {
  readonly files: readonly AttachedFile[];
  readonly contents: EncodedContents;
}

/** Reads what each recipient's message carries beside what all carry. */
export interface RecipientFiles {
  /** The variables that say which files these are. */
  readonly needs: readonly string[];
  /** Throws ATTACHMENT_INVALID, naming the line. */
  of(recipient: Recipient): Promise<CarriedFiles>;
}

/** What staging writes. Everything expires by itself until it is sealed. */
export interface StagingStore {
  /** `exists`: the id is taken, by a campaign or by a staging that was heard of lately. */
  open(id: string, nonce: string, salt: string, options: CampaignOptions): Promise<'ok' | 'exists'>;
  template(id: string, nonce: string, template: TemplateText): Promise<void>;
  /** Contents of files, by digest; written before what tells of them. */
  contents(id: string, nonce: string, contents: EncodedContents): Promise<void>;
  /** How many bytes of contents can be written, and leave Redis the memory that it needs beside. */
  room(): Promise<number>;
  /**
   * Begins a chunk, whose first recipient is number `first` of the campaign (from 0); of its recipients it keeps the variables
   * `columns`, and nothing is written before `write`.
   */
  chunk(
    id: string,
    nonce: string,
    chunk: ChunkPlace,
    columns: readonly string[],
    options: CampaignOptions,
  ): StagedChunk;
  /** Says that this staging is alive; throws CAMPAIGN_TAKEN_OVER where it is not its own any more. */
  heard(id: string, nonce: string): Promise<void>;
  /** One atomic step: every chunk is there, and the campaign is queued. Throws CAMPAIGN_TAKEN_OVER otherwise. */
  seal(id: string, nonce: string, totals: StagedTotals, options: CampaignOptions, span: Span | null): Promise<void>;
  /** Forgets a staging that was given up. */
  discard(id: string, nonce: string): Promise<void>;
}

export interface ChunkPlace {
  readonly number: number;
  readonly first: number;
}

/** A chunk while it is filled. */
export interface StagedChunk {
  /** How many recipients were added. */
  readonly size: number;
  add(recipients: readonly Recipient[]): void;
  /** Adds `count` of a batch, which these bytes are; they are copied. */
  addPacked(bytes: Buffer, count: number): void;
  /** Writes the chunk, once; returns the bytes that its recipients take in Redis. */
  write(): Promise<number>;
}
