import { domainToASCII } from 'node:url';
import type { Campaign } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';
import { messageIdOf } from '../domain/message-id.js';
import { codeOf } from '../domain/outcome.js';
import type { RecipientRecord } from '../domain/record.js';
import { type State, stateOfByte } from '../domain/state.js';
import { VERBS } from '../domain/verdict.js';
import type { ChunkResult, LateWord } from '../pipeline/ports.js';

/** How what the ledger holds of a recipient is written, in results.csv and in an export. */

export function mayHaveGone(state: State): boolean {
  return state === 'unknown' || state === 'failed';
}

export function reasonText({ reason }: RecipientRecord): string {
  return reason === 'none' ? '' : reason;
}

export function codeText({ code, enhanced }: RecipientRecord): string {
  return code === 0 ? '' : codeOf({ code, text: '', ...(enhanced && { enhanced }) });
}

/** By chunk, the recipients of whom a late word says that the relay took the message. */
export function lateSent(late: readonly LateWord[]): ReadonlyMap<number, ReadonlySet<number>> {
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
export function messageIds({ id, salt, options }: Campaign): (address: string) => string {
  const written = options.from.slice(options.from.lastIndexOf('@') + 1).replace(/>\s*$/, '');
  const domain = domainToASCII(written.trim()).toLowerCase();
  return (address) => messageIdOf(id, salt, domain, address);
}

/** ISO 8601 in UTC of epoch seconds, empty for 0; neighbours in a list mostly have the same second. */
export function isoTimes(): (seconds: number) => string {
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

export function stateAt({ id }: Campaign, { chunk, states }: ChunkResult, index: number): State {
  const byte = states[index] ?? 0;
  const state = stateOfByte(byte);
  if (state) return state;
  throw new FanmailError(
    'LEDGER_UNBALANCED',
    `the ledger of campaign ${id} has the byte ${byte} at recipient ${index} of chunk ${chunk}, which is no state`,
    { hint: 'something else wrote to this Redis; check who shares it' },
  );
}

export function checkAddresses({ id }: Campaign, { chunk, states, addresses }: ChunkResult): void {
  if (addresses === null || addresses.length === states.length) return;
  throw new FanmailError(
    'LEDGER_UNBALANCED',
    `chunk ${chunk} of campaign ${id} has ${addresses.length} addresses and ${states.length} states`,
    { hint: 'the Redis lost part of what it had acknowledged; check its persistence' },
  );
}
