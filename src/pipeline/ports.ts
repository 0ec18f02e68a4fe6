import type { AttachedFile, EncodedContents } from '../domain/attached-file.js';
import type { Campaign, Phase, Standing } from '../domain/campaign.js';
import type { Recipient } from '../domain/recipient.js';
import type { Reason } from '../domain/record.js';
import type { LateOutcome } from '../domain/reopening.js';
import type { Span } from '../domain/schedule.js';
import type { Summary } from '../domain/summary.js';
import type { Verdict } from '../domain/verdict.js';

/** What the actors need from the outside. The adapters implement these; none of them imports another. */

/** Structured logging. Fields never hold credentials or message bodies. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Names a chunk of a round; what a chunk job carries. */
export interface ChunkRef {
  readonly campaign: string;
  readonly round: number;
  readonly chunk: number;
}

/** A chunk under this owner's fence. */
export interface ClaimedChunk extends ChunkRef {
  readonly nonce: string;
  /** Random, new at every claim, in the same process too. */
  readonly token: number;
  /** A byte a recipient, see src/domain/state.ts. */
  readonly states: Buffer;
  /** 16 bytes a recipient, see src/domain/record.ts. */
  readonly records: Buffer;
  /** The Redis clock at the claim, in milliseconds after the round was opened, as `due` in the records counts. */
  readonly sinceOpeningMs: number;
  /** How many of its recipients, from the first on, may be begun: not all while the campaign's canary is out. */
  readonly part: number;
}

/** Why the ledger lets nobody work: not there, of another format, round or phase, paused, its own data gone. */
export type Refusal = 'missing' | 'format' | 'round' | 'phase' | 'paused' | 'lost';

/** Why a run of a chunk has to stop beginning; `waits`: it is not the campaign's time. */
export type LedgerStop = Refusal | 'fenced' | 'cancelling' | 'expired' | 'waits';

/** It is not the campaign's time. */
export interface Closed {
  readonly kind: 'closed';
  /** Milliseconds until it may send; 0: its span has passed, and when it may send next is to be found out. */
  readonly waitMs: number;
  /** The Redis clock. */
  readonly now: number;
}

export type Claim =
  | { readonly kind: 'claimed'; readonly claim: ClaimedChunk }
  | { readonly kind: 'finished' }
  | Closed
  /** Only the campaign's canary is sent, and of this chunk nobody in it is to be tried for so long. */
  | { readonly kind: 'held'; readonly waitMs: number }
  /** The canary is to be judged. */
  | { readonly kind: 'judge' }
  | { readonly kind: 'refused'; readonly why: Refusal };

export interface Settlement {
  readonly index: number;
  readonly verdict: Verdict;
  /** Which of several relays it came from, from 1; 0 where there is only one. */
  readonly route?: number;
}

export type Begun =
  | { readonly kind: 'granted'; readonly indices: readonly number[] }
  | { readonly kind: 'stopped'; readonly why: LedgerStop };

export interface Turn {
  /** `fenced`: the chunk has another owner; the outcomes were late words then, as after the close. */
  readonly settled: 'ok' | 'fenced' | 'closed' | 'refused';
  readonly begun: Begun;
}

export type Finish =
  | { readonly kind: 'finished' }
  /** Something is open; the earliest may be tried after this many milliseconds. */
  | { readonly kind: 'open'; readonly waitMs: number }
  | { readonly kind: 'refused'; readonly why: Refusal | 'fenced' };

/** The ledger as the chunk worker uses it. All may be repeated after a lost reply. */
export interface ChunkLedger {
  claim(ref: ChunkRef, nonce: string): Promise<Claim>;
  /** Sends the commands that `act` gives, at once and in their order, in one write. */
  together(act: () => void): void;
  /**
   * Records outcomes, and then the intents to send to others, in one step; either may be none. Only what is granted may go to
   * the relay.
   */
  turn(chunk: ClaimedChunk, settlements: readonly Settlement[], indices: readonly number[]): Promise<Turn>;
  finish(chunk: ClaimedChunk): Promise<Finish>;
  /** Fails what is open and not in flight, since its recipients can't be read any more. */
  lose(chunk: ClaimedChunk, reason: Reason): Promise<void>;
}

/** What is shown of a chunk when the campaign has ended. */
export interface ChunkResult {
  readonly chunk: number;
  readonly states: Buffer;
  readonly records: Buffer;
  /** Null where the recipients were lost. */
  readonly addresses: readonly string[] | null;
}

/** A word that came after the close. */
export interface LateWord {
  readonly chunk: number;
  readonly index: number;
  readonly verb: string;
}

/** The recipients, apart from the broker's payloads; expire by themselves. */
export interface Scratch {
  /** Null where they are gone or unreadable; rejects where Redis refuses to read. */
  recipients(campaign: string, nonce: string, chunk: number): Promise<readonly Recipient[] | null>;
  /** The template of this staging, by its digest; null where it is gone. */
  template(campaign: string, nonce: string, digest: string): Promise<TemplateText | null>;
  /** The encoded contents of files; null where one is gone. */
  contents(campaign: string, nonce: string, files: readonly AttachedFile[]): Promise<EncodedContents | null>;
  /** Whether the contents are there that messages of this template carry. */
  hasContents(campaign: string, nonce: string, template: TemplateText): Promise<boolean>;
}

/** A template as it travels with its campaign. */
export interface TemplateText {
  readonly name: string;
  readonly subject: string;
  readonly html: string | null;
  readonly text: string | null;
  /** SHA-256 of the parts, in hex. */
  readonly digest: string;
  /** What each message carries; absent: nothing. */
  readonly files?: readonly AttachedFile[];
  /** How many each recipient has beside those; absent: none. */
  readonly filesEach?: number;
}

/** Campaigns as the coordinator, the aggregator and the commands see them. */
export interface Campaigns {
  get(id: string): Promise<Campaign | null>;
  standing(id: string): Promise<Standing | null>;
  start(id: string, round: number): Promise<'ok' | Closed | Refusal>;
  /** Says when the campaign, as it was read, may send next, once its span has passed. */
  span(campaign: Campaign, next: Span): Promise<void>;
  /** When the hold is over: the campaign goes on, or ends, by what became of its canary; `none`: there is nothing to judge. */
  judge(campaign: Campaign): Promise<'over' | 'failed' | 'nobody' | 'none' | 'held' | Refusal>;
  /** Compare-and-set: makes the next generation of the round's flow unless another already did; returns the one now. */
  regenerate(id: string, round: number, seen: number): Promise<number | null>;
  /** The chunks of this round that are not finished, in order. */
  unfinished(campaign: Campaign): Promise<readonly number[]>;
  close(id: string, nonce: string, round: number, token: string): Promise<'ok' | 'open' | 'ended' | Refusal>;
  /**
   * Makes a whole ledger of one that Redis lost keys of: recipients whose states are gone are unknown, and counters are
   * counted anew. Returns how many chunks had lost their states; null where even their sizes are gone.
   */
  recover(campaign: Pick<Campaign, 'id' | 'nonce' | 'round'>): Promise<number | null>;
  mark(campaign: Campaign, token: string, summary: string): Promise<'ok' | 'ended' | 'fenced' | Refusal>;
  summary(id: string): Promise<string | null>;
  /** `release`: resumes, and waits for no time, hours or canary any more. */
  control(id: string, action: ControlAction, by: string, reason: string): Promise<Control>;
  notice(id: string, round: number, token: string, outcome: NoticeOutcome | null): Promise<Notice>;
  /** Reads every chunk of the campaign once, in order. */
  results(campaign: Campaign): AsyncIterable<ChunkResult>;
  /** Number to words of the relay. */
  words(id: string): Promise<ReadonlyMap<number, string>>;
  /** What a relay said at the first refusal of its kind, by `550 5.1.1 dead`, code and class. */
  said(id: string): Promise<ReadonlyMap<string, string>>;
  /** Latency bucket to count. */
  latencies(id: string): Promise<ReadonlyMap<number, number>>;
  /** Epoch second to recipients that became final in the step that begins there; steps of 10 s, 60 s or 600 s. */
  timeline(id: string): Promise<ReadonlyMap<number, number>>;
  late(id: string): Promise<readonly LateOutcome[]>;
  /** Keeps the addresses as long as the ledger, apart from the scratch. */
  keepAddresses(campaign: Campaign, chunk: number, addresses: readonly string[]): Promise<void>;
  /** After the end: the ledger expires when the operator asked it to. */
  letExpire(campaign: Campaign): Promise<void>;
  /** Renews the time to live of what an open campaign needs. */
  renew(campaign: Campaign): Promise<void>;
  /** Campaigns that have not ended, or whose notice is due. */
  open(): Promise<readonly string[]>;
  /** Nothing is left to do for this campaign; it stays where it is open after all, or a retry is about to open it. */
  leaveOpen(id: string): Promise<void>;
}

/** `again` takes the intent back: the notice was surely not sent. */
export type NoticeOutcome = 'sent' | 'failed' | 'unknown' | 'again';
export type ControlAction = 'pause' | 'resume' | 'release' | 'cancel';
export type Notice = 'send' | 'doubt' | 'done' | Refusal;
export type Control =
  | { readonly kind: 'ok'; readonly phase: Phase }
  | { readonly kind: 'refused'; readonly why: 'missing' | 'format' | 'ended' };

/** Waking somebody up. The ledger alone says what is done; everything here may be lost and is repaired from there. */
export interface Wake {
  coordinator(campaign: Campaign): Promise<void>;
  /** The flow of a round: the aggregator is the parent, each chunk a child. Repeated: repaired. */
  flow(campaign: Campaign, chunks: readonly number[]): Promise<void>;
  notifier(campaign: Campaign): Promise<void>;
  /** Whether the jobs are there that this campaign needs to go on. */
  present(campaign: Campaign, chunks: readonly number[]): Promise<boolean>;
  /** Lets what is delayed of a campaign run now. */
  promote(campaign: Campaign): Promise<void>;
}

/** Where results are written. */
export interface Results {
  /** Writes the results of a round under their final names, whole or not at all; returns the summary and its folder. */
  write(campaign: Campaign, source: ResultSource): Promise<{ readonly summary: Summary; readonly dir: string }>;
}

export interface ResultSource {
  readonly standing: Standing;
  readonly words: ReadonlyMap<number, string>;
  readonly said: ReadonlyMap<string, string>;
  readonly latencies: ReadonlyMap<number, number>;
  readonly timeline: ReadonlyMap<number, number>;
  readonly late: readonly LateWord[];
  chunks(): AsyncIterable<ChunkResult>;
}

/** What a worker process says of itself. */
export interface WorkerWord {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly connections: number;
  /** Epoch milliseconds of the Redis clock. */
  readonly at: number;
  /** Why it can't work on some campaign, for a person; null when nothing is wrong. */
  readonly trouble: string | null;
}

export interface Presence {
  say(word: Omit<WorkerWord, 'at'>): Promise<void>;
  leave(id: string): Promise<void>;
  present(): Promise<readonly WorkerWord[]>;
}
