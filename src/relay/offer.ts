import type { Reply, Stage } from '../domain/outcome.js';
import type { Message } from '../pipeline/relay-ports.js';

/** What EHLO offered. */
export interface Offer {
  readonly pipelining: boolean;
  readonly size: boolean;
  /** The largest message in bytes, or null without a limit. */
  readonly sizeLimit: number | null;
  /** Addresses and headers outside ASCII (RFC 6531). */
  readonly smtpUtf8: boolean;
  /** Lines with bytes above 127 (RFC 6152). */
  readonly eightBit: boolean;
}

const ASCII = /^[\x20-\x7e]*$/;
/** What no address may carry into a command, whatever the relay offers. */
const NOT_FOR_A_COMMAND = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The parameters of MAIL for this message, each after a space (RFC 1870, 6152, 6531). */
function mailParameters(message: Message, offer: Offer): string {
  const size = offer.size ? ` SIZE=${message.content.length}` : '';
  if (ASCII.test(message.to) && ASCII.test(message.from)) return size;
  // RFC 6531 3.1: who offers SMTPUTF8 must offer 8BITMIME; the header holds the address as it is.
  return `${size}${offer.eightBit ? ' BODY=8BITMIME' : ''} SMTPUTF8`;
}

/** What may be said at once of a message's envelope: all of it where pipelining is offered (RFC 2920), or MAIL. */
export function envelope(message: Message, offer: Offer): string {
  const mail = `MAIL FROM:<${message.from}>${mailParameters(message, offer)}\r\n`;
  return offer.pipelining ? `${mail}RCPT TO:<${message.to}>\r\nDATA\r\n` : mail;
}

/** The refusal of a message that this relay can't take, or that could not be said safely; null where it can be tried. */
export function refusedHere(message: Message, offer: Offer): { readonly stage: Stage; readonly reply: Reply } | null {
  const from = refusedAddress(message.from, offer);
  if (from) return { stage: 'mail', reply: from };
  const to = refusedAddress(message.to, offer);
  if (to) return { stage: 'rcpt', reply: to };
  const limit = offer.sizeLimit;
  if (limit === null || message.content.length <= limit) return null;
  // RFC 1870 6.1, 3463 3.4
  const text = `refused by fanmail itself: ${message.content.length} bytes, and the relay takes at most ${limit}`;
  return { stage: 'mail', reply: { code: 552, enhanced: [3, 4], text } };
}

function refusedAddress(address: string, offer: Offer): Reply | null {
  if (ASCII.test(address)) return null;
  if (NOT_FOR_A_COMMAND.test(address)) return UNSAFE;
  return offer.smtpUtf8 ? null : NEEDS_SMTPUTF8;
}

const UNSAFE: Reply = {
  code: 553,
  enhanced: [1, 3],
  text: 'refused by fanmail itself: the address holds control characters',
};
/** RFC 6531 3.5: 553 for an address, and X.6.7, "non-ASCII addresses not permitted". */
const NEEDS_SMTPUTF8: Reply = {
  code: 553,
  enhanced: [6, 7],
  text: 'refused by fanmail itself: the address is not ASCII, and the relay does not offer SMTPUTF8',
};
