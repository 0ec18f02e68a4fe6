/**
 * What the ledger keeps about one recipient beside its state byte: 16 bytes, at `16 * index` of a string per chunk,
 * big-endian. Written by turn.lua and claim.lua, read here.
 *
 *  0 u16 code      the last reply's code, 0 without one
 *  2 u16 words     the relay's words in the campaign's dictionary, 0 for none
 *  4 u8  attempts  attempts used, 7 bits; the highest bit: tried again although a former try may have arrived
 *  5 u8  reason    why it is in this state, see REASONS
 *  6 u8  subject   of the enhanced code, 255 without one
 *  7 u8  detail    of the enhanced code
 *  8 u32 time      of the last change, epoch seconds
 * 12 u32 due       deferred: earliest next attempt, milliseconds after the round was opened, the first one by the seal;
 *                  unknown: the token of the fence that left it, 0 for none
 */
export const RECORD_BYTES = 16;

/** Why a recipient is in its state. The position is what the ledger stores: append only. */
export const REASONS = [
  'none',
  'reply',
  'dropped',
  'attempts-used',
  'expired',
  'data-lost',
  'chunk-lost',
  'cancelled',
  'interrupted',
  'unanswered',
  'render',
  'throttled',
  'suppressed',
] as const;
export type Reason = (typeof REASONS)[number];
/** The reason that results give to who is failed or unknown in the ledger, but whose message the relay took after the close. */
export const LATE_SENT = 'late-sent';

export interface RecipientRecord {
  readonly code: number;
  readonly words: number;
  readonly attempts: number;
  readonly reason: Reason;
  readonly enhanced: readonly [subject: number, detail: number] | null;
  readonly time: number;
  readonly due: number;
}

const EMPTY: RecipientRecord = { code: 0, words: 0, attempts: 0, reason: 'none', enhanced: null, time: 0, due: 0 };

/** The record of recipient `index`; an empty one where the ledger has not written that far. */
export function readRecord(records: Buffer, index: number): RecipientRecord {
  const at = index * RECORD_BYTES;
  if (records.length < at + RECORD_BYTES) return EMPTY;
  const subject = records[at + 6] ?? 255;
  return {
    code: records.readUInt16BE(at),
    words: records.readUInt16BE(at + 2),
    attempts: (records[at + 4] ?? 0) & 0x7f,
    reason: REASONS[records[at + 5] ?? 0] ?? 'none',
    enhanced: subject === 255 || records.readUInt16BE(at) === 0 ? null : [subject, records[at + 7] ?? 0],
    time: records.readUInt32BE(at + 8),
    due: records.readUInt32BE(at + 12),
  };
}
