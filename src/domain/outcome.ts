/** A complete reply of a relay (RFC 5321 4.2, RFC 3463). */
export interface Reply {
  /** 200 to 599. */
  readonly code: number;
  /** The subject and detail of an enhanced status code; its class is the first digit of `code`. */
  readonly enhanced?: readonly [subject: number, detail: number];
  /** The relay's words without codes, lines joined by a space, control characters removed, at most 200 characters. */
  readonly text: string;
}

/** Where in the dialogue something happened. */
export type Stage = 'mail' | 'rcpt' | 'data' | 'message';

/**
 * What became of one message. Once the final dot was handed to the socket, only a complete 2xx means sent and only a
 * complete 4xx or 5xx means refused; anything else is unknown. Before that, nothing was sent.
 */
export type Outcome =
  | { readonly kind: 'sent'; readonly reply: Reply /** From MAIL to the last reply. */; readonly latencyMs: number }
  | { readonly kind: 'refused'; readonly stage: Stage; readonly reply: Reply; readonly latencyMs: number }
  /** The connection was lost, or became useless, before the final dot was handed over. */
  | { readonly kind: 'not-sent'; readonly stage: Stage; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** Why no connection to the relay could be had. None of these uses an attempt of a recipient. */
export interface RelayFault {
  readonly cause: 'unreachable' | 'greeting' | 'tls' | 'login';
  /** For a person; never holds a credential. */
  readonly why: string;
  /** True where trying again without a change is pointless: a refused login (535), a missing STARTTLS. */
  readonly misconfigured: boolean;
}

/** `550 5.1.1`, or `550` where the reply had no enhanced code. */
export function codeOf(reply: Reply): string {
  const cls = Math.floor(reply.code / 100);
  return reply.enhanced ? `${reply.code} ${cls}.${reply.enhanced[0]}.${reply.enhanced[1]}` : String(reply.code);
}
