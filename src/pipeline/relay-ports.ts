import type { EncodedContents } from '../domain/attached-file.js';
import type { Outcome, RelayFault } from '../domain/outcome.js';
import type { Recipient } from '../domain/recipient.js';

/** What the actors need to compose messages and to hand them over. */

/** A message ready for the wire: RFC 5322, CRLF line ends, not yet dot-stuffed, ends with CRLF. */
export interface Message {
  /** Without angle brackets, for MAIL FROM. */
  readonly from: string;
  /** Without angle brackets, for RCPT TO. */
  readonly to: string;
  readonly content: Buffer;
  /** No line of the content begins with a dot, so that there is none to double (RFC 5321 4.5.2); else it is looked through. */
  readonly dotless?: boolean;
  /** With angle brackets, as in the header. */
  readonly messageId: string;
  /**
   * Resolves when the content is signed, where it is to be; until then nobody may be handed it. Rejects where it can't be.
   */
  readonly signed?: Promise<void>;
  /** Told at most once, and only when nobody reads the content any more: its bytes are used for other messages from then on. */
  readonly handedOver?: () => void;
}

/** Composes synchronously, but for signatures; throws FanmailError TEMPLATE_RENDER where the template fails on a recipient. */
export interface Composer {
  /** `contents`: of the recipient's own files. */
  compose(recipient: Recipient, contents?: EncodedContents): Message;
}

/** A message that was offered to the relay: its envelope goes out at once, its content only when it is delivered. */
export interface Offered {
  /** What became of it; never rejects. */
  readonly outcome: Promise<Outcome>;
  /** The connection ended before its content was handed over; its place is free when this is delivered or withdrawn. */
  readonly lost: boolean;
  /** Lets its content go: its intent is recorded. */
  deliver(): void;
  /** Calls it off, where it was not delivered; the connection may have to be closed for that. Then no outcome counts. */
  withdraw(): void;
}

/** A logged-in connection that is taken, so nobody else uses it. It goes back by itself when no message is under way on it. */
export interface RelayConnection {
  /** Hands one message over and resolves when its outcome is known; never rejects. */
  send(message: Message): Promise<Outcome>;
  /** Offers a message; one more may be offered before that one's outcome, and then follows without a pause. */
  offer(message: Message): Offered;
  /** Whether to offer another one here, or to let the connection go: to a party with fewer, or since it has done its work. */
  mayKeep(): boolean;
  /** Gives the connection back unused. */
  release(): void;
  /**
   * Lets whoever of the same party waits for a connection have this one already, behind the last message that was offered and is
   * about to be delivered. `until` resolves when that one's outcome is known.
   */
  passOn(until: Promise<unknown>): void;
}

/** Who asks for connections; looked at anew whenever there are some to share out. */
export interface Asker {
  /** How many more it would take. */
  readonly wants: number;
  /** The campaign. Campaigns share equally; of one campaign, who asked first is served first. */
  readonly party: string | symbol;
  /**
   * Takes a connection on which another message is under way, and offers one behind it or gives it back, at once. Nothing may be
   * begun on it before `until`. Absent: only free ones are taken.
   */
  follow?(connection: RelayConnection, until: Promise<unknown>): void;
}

export type Taken =
  | { readonly kind: 'connections'; readonly connections: readonly RelayConnection[] }
  /** No connection is open and none could be opened. */
  | { readonly kind: 'fault'; readonly fault: RelayFault }
  | { readonly kind: 'aborted' };

/** The kept connections of one process to one relay, shared by the chunks that it sends. */
export interface Relay {
  /**
   * Waits until at least one connection is ready, then takes this asker's share of those that are, or up to so many;
   * opens connections as they are needed, up to the pool's size. Resolves at the end of the event loop's turn, so that one
   * call takes all that this turn set free.
   */
  take(asker: Asker | number, signal: AbortSignal): Promise<Taken>;
  /** Ends what is unanswered now: each pending `send` resolves as unknown or not-sent, by what it had handed over. */
  abandon(): void;
  /** Says QUIT on idle connections; resolves when every socket is closed. */
  close(): Promise<void>;
}
