import { domainToASCII } from 'node:url';
import type { Campaign } from '../domain/campaign.js';
import { csvCell } from '../domain/csv.js';
import { FanmailError } from '../domain/errors.js';
import { messageIdOf } from '../domain/message-id.js';
import { codeOf } from '../domain/outcome.js';
import { type RecipientRecord, readRecord } from '../domain/record.js';
import { type State, stateOfByte } from '../domain/state.js';
import { VERBS } from '../domain/verdict.js';
import type { ChunkResult, LateWord, ResultSource } from '../pipeline/ports.js';
import type { Figures } from './figures.js';
import { printable } from './format.js';

export const RESULTS_HEADER = 'email,state,code,attempts,message_id,time,reason,reply\n';
/** The reason of a recipient that the ledger has as failed or unknown, but that the relay took after the close. */
export const LATE_SENT = 'late-sent';
/** Characters that are gathered before they are written. */
const PIECE = 1 << 18;

/**
 * The lines of `results.csv`, one a recipient, in the order of the list, in pieces of about 256 kB; counts every
 * recipient into `figures` on the way. Throws LEDGER_UNBALANCED where a chunk can't be read.
 */
export async function* resultsCsv(campaign: Campaign, source: ResultSource, figures: Figures): AsyncIterable<string> {
  const words = new Map([...source.words].map(([number, text]) => [number, printable(text)]));
  const late = lateSent(source.late);
  const messageId = messageIds(campaign);
  const time = isoTimes();
  let piece = RESULTS_HEADER;
  for await (const chunk of source.chunks()) {
    checkAddresses(campaign, chunk);
    const lateHere = late.get(chunk.chunk);
    for (let index = 0; index < chunk.states.length; index++) {
      const state = stateAt(campaign, chunk, index);
      const record = readRecord(chunk.records, index);
      const address = chunk.addresses?.[index] ?? null;
      const code = codeText(record);
      const reply = words.get(record.words) ?? '';
      figures.add(state, record, address, code, reply);
      const reason = lateHere?.has(index) && mayHaveGone(state) ? LATE_SENT : reasonText(record);
      piece +=
        `${address === null ? '' : csvCell(address)},${state},${code},${record.attempts},` +
        `${address === null ? '' : csvCell(messageId(address))},${time(record.time)},${reason},${csvCell(reply)}\n`;
      if (piece.length >= PIECE) {
        yield piece;
        piece = '';
      }
    }
  }
  yield piece;
}

function mayHaveGone(state: State): boolean {
  return state === 'unknown' || state === 'failed';
}

function reasonText({ reason }: RecipientRecord): string {
  return reason === 'none' ? '' : reason;
}

function codeText({ code, enhanced }: RecipientRecord): string {
  return code === 0 ? '' : codeOf({ code, text: '', ...(enhanced && { enhanced }) });
}

/** By chunk, the recipients of whom a late word says that the relay took the message. */
function lateSent(late: readonly LateWord[]): ReadonlyMap<number, ReadonlySet<number>> {
  const chunks = new Map<number, Set<number>>();
  for (const { chunk, index, verb } of late) {
    if (verb !== VERBS.sent) continue;
    const indices = chunks.get(chunk);
    if (indices) indices.add(index);
    else chunks.set(chunk, new Set([index]));
  }
  return chunks;
}

/** Message-IDs are at the domain of the sender, as the composer writes them: in ASCII and lower case. */
function messageIds({ id, salt, options }: Campaign): (address: string) => string {
  const written = options.from.slice(options.from.lastIndexOf('@') + 1).replace(/>\s*$/, '');
  const domain = domainToASCII(written.trim()).toLowerCase();
  return (address) => messageIdOf(id, salt, domain, address);
}

/** ISO 8601 in UTC of epoch seconds, empty for 0; neighbours in a list mostly have the same second. */
function isoTimes(): (seconds: number) => string {
  let last = 0;
  let text = '';
  return (seconds) => {
    if (seconds !== last) {
      text = seconds === 0 ? '' : new Date(seconds * 1000).toISOString();
      last = seconds;
    }
    return text;
  };
}

function stateAt({ id }: Campaign, { chunk, states }: ChunkResult, index: number): State {
  const byte = states[index] ?? 0;
  const state = stateOfByte(byte);
  if (state) return state;
  throw new FanmailError(
    'LEDGER_UNBALANCED',
    `the ledger of campaign ${id} has the byte ${byte} at recipient ${index} of chunk ${chunk}, which is no state`,
    { hint: 'something else wrote to this Redis; check who shares it' },
  );
}

function checkAddresses({ id }: Campaign, { chunk, states, addresses }: ChunkResult): void {
  if (addresses === null || addresses.length === states.length) return;
  throw new FanmailError(
    'LEDGER_UNBALANCED',
    `chunk ${chunk} of campaign ${id} has ${addresses.length} addresses and ${states.length} states`,
    { hint: 'the Redis lost part of what it had acknowledged; check its persistence' },
  );
}
