import { FanmailError } from '../domain/errors.js';
import type { Recipient } from '../domain/recipient.js';
import { requireVariables } from '../pipeline/stager.js';
import { parseAddress } from '../recipients/address.js';
import { count } from '../report/format.js';
import { type Plan, sourceName } from './plan.js';

/** Yields the recipients that launch would send to, refusing a row that launch would refuse. */
export async function* recipientsOf({ list, needs, reads, check }: Plan): AsyncGenerator<Recipient, void, undefined> {
  for await (const batch of list.batches(reads)) {
    for (const row of batch) {
      if (row.kind === 'reject') continue;
      requireVariables(row.recipient, needs);
      check?.(row.recipient);
      yield row.recipient;
    }
  }
}

export interface Wanted {
  readonly list: string;
  /** Counts recipients that can be sent to, from 1. */
  readonly row: number | null;
  readonly email: string | null;
}

/**
 * The recipient that is meant: by its number, by its address, or the first one.
 * @throws FanmailError OPTION_INVALID where the list has no such recipient
 */
export async function pickRecipient(plan: Plan, wanted: Wanted): Promise<Recipient> {
  const { row, email } = wanted;
  if (row !== null && email !== null) {
    const hint = 'give the one or the other';
    throw new FanmailError('USAGE', '--row and --email both say which recipient is meant', { hint });
  }
  const key = email === null ? null : keyOf(email);
  let passed = 0;
  for await (const recipient of recipientsOf(plan)) {
    passed++;
    if (key === null ? passed === (row ?? 1) : recipient.address.toLowerCase() === key) return recipient;
  }
  const source = sourceName(wanted);
  if (passed === 0) {
    throw new FanmailError('LIST_NOTHING_SENDABLE', `${source} has no row that can be sent to`, {
      hint: 'fanmail check says why of each',
    });
  }
  const has = `${source} has ${count(passed)} ${passed === 1 ? 'recipient' : 'recipients'}`;
  throw key === null
    ? new FanmailError('OPTION_INVALID', `--row can't be ${row}: ${has}`, { hint: `Allowed: 1 to ${count(passed)}.` })
    : new FanmailError('OPTION_INVALID', `--email can't be "${email}": ${has}, and this is none of them`, {
        hint: 'fanmail check says which rows are rejected, and why',
      });
}

function keyOf(email: string): string {
  const parsed = parseAddress(email);
  if (parsed.ok) return parsed.key;
  throw new FanmailError('OPTION_INVALID', `--email can't be "${email}": ${parsed.detail}`, {
    hint: 'Allowed: an address, such as ada@example.com.',
  });
}
