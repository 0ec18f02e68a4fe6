import type { Recipient } from '../domain/recipient.js';
import type { Conclusions } from './conclusions.js';
import type { Line } from './line.js';
import type { Open } from './open.js';
import type { ClaimedChunk, Log } from './ports.js';
import type { Intent, Recorder } from './recorder.js';
import type { Composer, Message, Offered, RelayConnection } from './relay-ports.js';

/** An intent that was confirmed so late may belong to somebody else by now: less than the queue's lock. */
const STALE_INTENT_MS = 10_000;

const NOTHING = { reply: null, replyClass: null, latencyMs: null, delayMs: 0 } as const;
const UNTOUCHED = { verb: 'untouched', reason: 'none', ...NOTHING } as const;
const UNCOMPOSED = { verb: 'failed', reason: 'render', ...NOTHING } as const;

/** Behind a message that is not answered for so long nobody waits where other connections could be had. */
const PATIENCE_MS = 5_000;

/** A recipient on its way to the relay. */
interface Mail {
  readonly open: Open;
  readonly offered: Offered;
  readonly signed: Promise<void> | undefined;
  /** Where it waits behind another one: since when (performance.now). */
  readonly behindSince: number;
}

export interface LanesOptions {
  readonly chunk: ClaimedChunk;
  readonly recipients: readonly Recipient[];
  readonly composer: Composer;
  readonly recorder: Pick<Recorder, 'begin'>;
  readonly conclusions: Conclusions;
  /** Who is open and due; lanes take from it. */
  readonly line: Line;
  readonly log: Log;
  /** False: begin nothing more. */
  readonly goesOn: () => boolean;
  /** The ledger did not grant an intent. */
  readonly refused: (intent: Intent) => void;
  /** A lane ended by a mistake of ours. */
  readonly broken: (error: unknown) => void;
  /** Told whenever a lane has ended, or the last recipient was taken. */
  readonly changed: () => void;
}

/**
 * The connections that send a chunk, each a lane: a recipient is composed and its envelope offered while its intent is
 * being recorded; only then its content goes, with the next one's envelope behind it.
 */
export class Lanes {
  /** Lanes that are open, and recipients that are failed without one. */
  count = 0;
  readonly #options: LanesOptions;
  /** What waits behind an unanswered message; not begun, so that it can still be taken back. */
  readonly #behind = new Set<Mail>();
  readonly #clock = setInterval(() => this.#takeBack(), PATIENCE_MS / 5).unref();

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  close(): void {
    clearInterval(this.#clock);
  }

  open(connection: RelayConnection): void {
    this.count++;
    void this.#run(connection)
      .catch(this.#options.broken)
      .finally(() => this.#ended());
  }

  async #run(connection: RelayConnection): Promise<void> {
    let mail = this.#next(connection);
    if (mail === null) connection.release();
    while (mail !== null) {
      // Lost with the connection under the one before it, and no intent of its own: as if it had not been tried.
      if (mail.offered.lost) {
        mail.offered.withdraw();
        this.#options.line.back(mail.open);
        return;
      }
      mail = await this.#carry(mail, connection);
    }
  }

  /** Carries one mail through; returns what follows it on the same connection. */
  async #carry({ open, offered, signed }: Mail, connection: RelayConnection): Promise<Mail | null> {
    const { conclusions, goesOn, line } = this.#options;
    if (!goesOn() || !(await this.#begin(open, signed))) {
      offered.withdraw();
      line.over(open);
      return null;
    }
    const following = connection.mayKeep() ? this.#next(connection) : null;
    if (following) this.#behind.add(following);
    offered.deliver();
    const outcome = await offered.outcome;
    line.over(open);
    conclusions.conclude(open, outcome);
    return following && this.#behind.delete(following) ? following : null;
  }

  /** At the end of a chunk, when there is nobody else to begin: who waits behind a message that hangs goes elsewhere. */
  #takeBack(): void {
    const { line, changed } = this.#options;
    if (line.available > 0 || this.#behind.size === 0) return;
    const late = performance.now() - PATIENCE_MS;
    for (const mail of this.#behind) {
      if (mail.behindSince > late) continue;
      this.#behind.delete(mail);
      mail.offered.withdraw();
      line.back(mail.open);
    }
    if (line.length > 0) changed();
  }

  /** Composes the next recipient and offers it; null where none is to be begun here any more. */
  #next(connection: RelayConnection): Mail | null {
    const { line, recipients, chunk, goesOn, changed } = this.#options;
    while (goesOn()) {
      const open = line.take();
      if (line.available === 0) changed();
      if (!open) return null;
      const recipient = recipients[open.index];
      if (!recipient) throw new RangeError(`chunk ${chunk.chunk} has no recipient ${open.index}`);
      const message = this.#compose(open, recipient);
      if (message) {
        const { signed } = message;
        return { open, offered: connection.offer(message), signed, behindSince: performance.now() };
      }
      line.over(open);
    }
    return null;
  }

  #compose(open: Open, recipient: Recipient): Message | null {
    try {
      return this.#options.composer.compose(recipient);
    } catch (error) {
      const { campaign } = this.#options.chunk;
      this.#options.log.warn({ err: error, campaign, line: recipient.line }, 'a message could not be composed');
      this.#fail(open);
      return null;
    }
  }

  #fail(open: Open): void {
    const { conclusions, broken } = this.#options;
    this.count++;
    void this.#begin(open)
      .then((begun) => begun && conclusions.record(open, UNCOMPOSED))
      .catch(broken)
      .finally(() => this.#ended());
  }

  #ended(): void {
    this.count--;
    this.#options.changed();
  }

  /**
   * Resolves to true where the message is signed, if it is to be, and the intent is in the ledger, and fresh: now, and only
   * now, the content may go.
   */
  #begin(open: Open, signed?: Promise<void>): Promise<boolean> {
    const { chunk, recorder } = this.#options;
    const asked = performance.now();
    const intent = recorder.begin(chunk, open.index);
    if (signed) return this.#signed(open, intent, signed, asked);
    return intent.then((told) => this.#granted(open, told, asked));
  }

  /** An intent may grow stale while a message is being signed. What can't be signed is not sent, and no fault of its recipient. */
  async #signed(open: Open, intent: Promise<Intent>, signed: Promise<void>, asked: number): Promise<boolean> {
    const fault = await signed.then(
      () => null,
      (error: unknown) => ({ error }),
    );
    if (!this.#granted(open, await intent, asked)) return false;
    if (fault === null) return true;
    this.#options.conclusions.record(open, UNTOUCHED);
    this.#options.broken(fault.error);
    return false;
  }

  #granted(open: Open, intent: Intent, asked: number): boolean {
    if (intent.kind !== 'granted') {
      this.#options.refused(intent);
      return false;
    }
    if (performance.now() - asked <= STALE_INTENT_MS) return true;
    this.#options.conclusions.record(open, UNTOUCHED);
    return false;
  }
}
