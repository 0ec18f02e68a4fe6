import type { Reply, Stage } from '../domain/outcome.js';
import type { Message } from '../pipeline/ports.js';

/** What EHLO offered. */
export interface Offer {
  readonly pipelining: boolean;
  readonly size: boolean;
  /** The largest message in bytes, or null without a limit. */
  readonly sizeLimit: number | null;
}

const NOT_FOR_A_COMMAND = /[^\x20-\x7e]/;

/** The refusal of a message that this relay can't take, or that could not be said safely; null where it can be tried. */
export function refusedHere(message: Message, offer: Offer): { readonly stage: Stage; readonly reply: Reply } | null {
  if (NOT_FOR_A_COMMAND.test(message.from)) return { stage: 'mail', reply: NOT_ASCII };
  if (NOT_FOR_A_COMMAND.test(message.to)) return { stage: 'rcpt', reply: NOT_ASCII };
  const limit = offer.sizeLimit;
  if (limit === null || message.content.length <= limit) return null;
  // RFC 1870 6.1, 3463 3.4
  const text = `refused by fanmail itself: ${message.content.length} bytes, and the relay takes at most ${limit}`;
  return { stage: 'mail', reply: { code: 552, enhanced: [3, 4], text } };
}

const NOT_ASCII: Reply = { code: 553, enhanced: [1, 3], text: 'refused by fanmail itself: the address is not ASCII' };
