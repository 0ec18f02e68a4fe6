import type { AttachedFile } from './attached-file.js';

/**
 * The words of fanmail, one meaning each:
 *
 * campaign     one launch: a list, a template, a sender, options. It has an id
 * recipient    a row of the list, parsed: an address and the variables for the template
 * chunk        a run of consecutive recipients, the unit of work that a job names
 * coordinator  the step that fans a staged campaign out into chunk jobs
 * chunk worker the step that sends a chunk
 * aggregator   the step that reads the totals when the last chunk is done, and writes the summary
 * ledger       the record in Redis of the state of every recipient, and the counters over it
 * relay        the SMTP server that we hand messages to. Transport: our code that talks to it
 * attempt      one try at one recipient
 * round        one sending of a campaign: the first one, or one that a retry opened for some
 * class        what a refusal is about: the pace, the recipient, the sender, the relay
 * group        domains that one provider runs, which count together
 * slot, permit a moment for one message that a limit allows; a slot that a process holds
 * topic        what a campaign is about, for which an address may be suppressed
 * suppression  the list of addresses never to send to
 * unsubscribe token  what a link ends in: for whom it is, and for which topic, signed, without an address
 * quiet, drain, stop   take no new work; finish what is in flight; both, by a deadline
 */

/** A value for the template: text from CSV, any JSON value from NDJSON. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** The variables of a recipient by their name in the template; without a prototype, so that no column can reach one. */
export type Variables = Readonly<Record<string, Value>>;

/** A sendable row. Only `src/recipients/` makes these. */
export interface Recipient {
  /** The line of the list on which the row begins, from 1. */
  readonly line: number;
  /** `local@domain` as it goes to the relay: trimmed, the local part as written, the domain in ASCII (RFC 5321, 5891). */
  readonly address: string;
  readonly variables: Variables;
  /** What this one's message carries beside those of all; absent: nothing. */
  readonly files?: readonly AttachedFile[];
}

export const REJECT_REASONS = [
  'no-address',
  'no-at',
  'local-empty',
  'local-too-long',
  'local-syntax',
  'local-not-ascii',
  'domain-empty',
  'domain-too-long',
  'domain-syntax',
  'address-too-long',
  'row-syntax',
  'row-ragged',
  'duplicate',
  'suppressed',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** A row that can't or must not be sent, kept with its place and reason. */
export interface Reject {
  readonly line: number;
  /** What stood in the address column, as written. */
  readonly address: string;
  readonly reason: RejectReason;
  /** One sentence for a person. */
  readonly detail: string;
}

/** A column: its title in the list, and the name that a template uses for it. */
export interface Column {
  readonly title: string;
  readonly variable: string;
}
