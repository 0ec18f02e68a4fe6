import { type Condition, fits, type Subject } from './condition.js';
import { LATE_SENT, REASONS, RECORD_BYTES, type Reason, readRecord } from './record.js';
import { classify, type ReplyRule } from './reply-class.js';
import { STATES, type State, stateOfByte } from './state.js';
import { VERBS } from './verdict.js';

/** An outcome that came after the close, as it counts when a further round is opened. */
export interface LateOutcome {
  readonly chunk: number;
  readonly index: number;
  /** One of VERBS. */
  readonly verb: string;
  /** Of the fence that says it. */
  readonly token: number;
  /** Epoch seconds. */
  readonly time: number;
  readonly reason: Reason;
  readonly code: number;
  readonly enhanced: readonly [subject: number, detail: number] | null;
}

/** Who is tried again: of the failed, and of the others where they are asked for, those who fit. */
export interface Selection {
  readonly unknown: boolean;
  readonly skipped: boolean;
  readonly where: Condition | null;
}

/** A chunk of an ended round, as the ledger has it. */
export interface EndedChunk {
  readonly states: Buffer;
  readonly records: Buffer;
  /** Null where they are lost. */
  readonly addresses: readonly string[] | null;
}

export interface ReopenedChunk {
  readonly states: Buffer;
  /** One for each recipient. */
  readonly records: Buffer;
  /** Whether anything is other than it was. */
  readonly changed: boolean;
  /** Recipients in each state before and after; what is no state is in none. */
  readonly before: Map<State, number>;
  readonly after: Map<State, number>;
  /** Who is tried again, by the state that they ended in. */
  readonly retried: Map<State, number>;
  /** Who fits, and is unknown or skipped, which was not asked for. */
  readonly others: Map<State, number>;
  /** Who fits, but their data was lost, so that there is nothing to send. */
  readonly lost: number;
}

export interface ReopenOptions extends Said {
  readonly selection: Selection;
  /** Those of this chunk, as they came. */
  readonly late: readonly LateOutcome[];
  /** Whether the recipients' data can still be read. */
  readonly readable: boolean;
  /** Epoch seconds. */
  readonly now: number;
}

/**
 * What a chunk becomes when a further round is opened. Late words come first: who was sent after all is not tried again.
 * Then who is chosen becomes pending, with all attempts before them, and in doubt where a message may have arrived: so they
 * never end as failed or skipped, which would say that nothing did.
 */
export function reopenChunk({ states, records, addresses }: EndedChunk, options: ReopenOptions): ReopenedChunk {
  const { selection, late, readable, now } = options;
  const became = { states: Buffer.from(states), records: Buffer.alloc(states.length * RECORD_BYTES) };
  records.copy(became.records);
  const before = countStates(states);
  for (const word of late) applyLate(became, word);
  const [retried, others] = [new Map<State, number>(), new Map<State, number>()];
  let lost = 0;
  for (let index = 0; index < states.length; index++) {
    const state = stateOfByte(became.states[index] ?? 0);
    if (state !== 'failed' && state !== 'unknown' && state !== 'skipped') continue;
    if (selection.where && !fits(selection.where, subjectOf(became, index, state, addresses?.[index] ?? null, options)))
      continue;
    if (state !== 'failed' && !selection[state]) count(others, state);
    else if (!readable && readRecord(became.records, index).reason === 'data-lost') lost++;
    else {
      count(retried, state);
      reopen(became, index, state === 'unknown', now);
    }
  }
  const changed = late.length > 0 || retried.size > 0;
  return { ...became, changed, before, after: countStates(became.states), retried, others, lost };
}

/** As turn.lua takes a late word, but that its words were not kept. */
function applyLate({ states, records }: Pick<EndedChunk, 'states' | 'records'>, word: LateOutcome): void {
  const state = stateOfByte(states[word.index] ?? 0);
  const at = word.index * RECORD_BYTES;
  const heard = word.verb === VERBS.sent && state !== 'sent';
  const { due } = readRecord(records, word.index);
  const refused = word.verb === VERBS.failed && state === 'unknown' && due === word.token && !isInDoubt(records, at);
  if (!heard && !refused) return;
  states[word.index] = byteOf(heard ? 'sent' : 'failed');
  if (word.code > 0) {
    records.writeUInt16BE(word.code, at);
    records.writeUInt16BE(0, at + 2);
    records[at + 6] = word.enhanced?.[0] ?? 255;
    records[at + 7] = word.enhanced?.[1] ?? 0;
  }
  records[at + 5] = REASONS.indexOf(word.reason);
  records.writeUInt32BE(word.time, at + 8);
  records.writeUInt32BE(0, at + 12);
}

/** Pending again. What the relay said last stays, until it says something else. */
function reopen(
  { states, records }: Pick<EndedChunk, 'states' | 'records'>,
  index: number,
  doubt: boolean,
  now: number,
) {
  const at = index * RECORD_BYTES;
  states[index] = byteOf('pending');
  records[at + 4] = doubt || isInDoubt(records, at) ? 0x80 : 0;
  records[at + 5] = REASONS.indexOf('none');
  records.writeUInt32BE(now, at + 8);
  records.writeUInt32BE(0, at + 12);
}

function isInDoubt(records: Buffer, at: number): boolean {
  return (records[at + 4] ?? 0) >= 0x80;
}

/** What relays said, and what it means to the operator. */
export interface Said {
  /** The relay's words by number. */
  readonly words: ReadonlyMap<number, string>;
  readonly replyRules?: readonly ReplyRule[] | undefined;
}

/** A recipient as a condition sees it. */
export function subjectOf(
  { records }: Pick<EndedChunk, 'records'>,
  index: number,
  state: State,
  address: string | null,
  { words, replyRules }: Said,
  lateSent = false,
): Subject {
  const { code, enhanced, reason, attempts, words: number } = readRecord(records, index);
  const shown = lateSent ? LATE_SENT : reason;
  const reply = words.get(number) ?? '';
  const replyClass = code < 400 ? null : classify({ code, text: reply, ...(enhanced && { enhanced }) }, replyRules);
  return { state, code, enhanced, reason: shown, address, attempts, reply, replyClass };
}

function byteOf(state: State): number {
  return STATES[state].byte.charCodeAt(0);
}

function countStates(states: Buffer): Map<State, number> {
  const counts = new Map<State, number>();
  for (const byte of states) {
    const state = stateOfByte(byte);
    if (state) count(counts, state);
  }
  return counts;
}

function count(counts: Map<State, number>, state: State): void {
  counts.set(state, (counts.get(state) ?? 0) + 1);
}
