import type { Reply } from './outcome.js';

/**
 * What a refusal is about, and so what is done about it. The position is what the ledger stores: append only.
 * throttle       the pace: its domain is slowed down, no attempt is used
 * transient      the recipient, for now: later, an attempt used
 * misconfigured  the sender or the login: the campaign pauses, nobody is burned
 * dead           the recipient, for good: failed, and never to be sent to again
 * permanent      anything else for good: failed
 * unavailable    the session or the service: later, no attempt is used
 */
export const REPLY_CLASSES = ['throttle', 'transient', 'misconfigured', 'dead', 'permanent', 'unavailable'] as const;
export type ReplyClass = (typeof REPLY_CLASSES)[number];

/** A line of the table: a reply that has all that is given is of this class. */
export interface ReplyRule {
  /** `421`, or `4xx` and `5xx`. */
  readonly code?: string;
  /** `5.1.1`; `x.7.26` for both classes, `4.7.x` for all details. */
  readonly enhanced?: string;
  /** Part of the relay's words, in any case. */
  readonly words?: string;
  readonly class: ReplyClass;
}

const MISCONFIGURED = [23, 25, 26, 27, 29, 30, 31, 32, 40, 515].map(
  (detail): ReplyRule => ({ enhanced: `x.7.${detail}`, class: 'misconfigured' }),
);
const DEAD = ['5.1.1', '5.1.2', '5.1.3', '5.1.10'].map((enhanced): ReplyRule => ({ enhanced, class: 'dead' }));
const SLOWER = ['rate limit', 'throttl', 'too many connections', 'too many messages', 'frequency limited'].map(
  (words): ReplyRule => ({ words, class: 'throttle' }),
);

/**
 * The first line that fits decides (RFC 5321 4.2.1, RFC 3463 3, RFC 4954 6, RFC 7372, and what Gmail, Microsoft and Yahoo say of
 * theirs). Some say 5xx and mean the pace.
 */
export const REPLY_RULES: readonly ReplyRule[] = [
  { code: '530', class: 'misconfigured' },
  { code: '535', class: 'misconfigured' },
  ...MISCONFIGURED,
  { code: '421', enhanced: '4.7.x', class: 'throttle' },
  { code: '432', class: 'throttle' },
  { code: '454', class: 'throttle' },
  { code: '452', enhanced: '4.5.3', class: 'throttle' },
  { enhanced: 'x.7.28', class: 'throttle' },
  { code: '4xx', words: '[TSS04]', class: 'throttle' },
  { code: '550', enhanced: '5.7.0', words: 'too many', class: 'throttle' },
  ...SLOWER,
  { code: '421', class: 'unavailable' },
  ...DEAD,
  { code: '4xx', class: 'transient' },
  { code: '5xx', class: 'permanent' },
];

/** The class of a refusal, 400 to 599; the operator's own rules come before those of the table. */
export function classify(reply: Reply, own: readonly ReplyRule[] = []): ReplyClass {
  const found = own.find((rule) => fits(rule, reply)) ?? REPLY_RULES.find((rule) => fits(rule, reply));
  return found?.class ?? (reply.code < 500 ? 'transient' : 'permanent');
}

function fits({ code, enhanced, words }: ReplyRule, reply: Reply): boolean {
  if (code !== undefined && code !== String(reply.code) && code !== `${String(reply.code)[0]}xx`) return false;
  if (enhanced !== undefined && !fitsEnhanced(enhanced, reply)) return false;
  return words === undefined || reply.text.toLowerCase().includes(words.toLowerCase());
}

function fitsEnhanced(enhanced: string, reply: Reply): boolean {
  if (!reply.enhanced) return false;
  const [first, subject, detail] = enhanced.split('.');
  if (first !== 'x' && first !== String(reply.code)[0]) return false;
  return subject === String(reply.enhanced[0]) && (detail === 'x' || detail === String(reply.enhanced[1]));
}
