import type { Recipient } from '../domain/recipient.js';
import type { Line } from './line.js';
import type { Open } from './open.js';
import type { ClaimedChunk, Log } from './ports.js';
import type { Composer, Message } from './relay-ports.js';

/** A recipient whose message is composed. */
export interface Ready {
  readonly open: Open;
  readonly message: Message;
}

export interface MessagesOptions {
  readonly chunk: ClaimedChunk;
  readonly recipients: readonly Recipient[];
  readonly composer: Composer;
  /** Who is open and due, and is taken from it. */
  readonly line: Line;
  readonly log: Log;
  /** False: begin nothing more. */
  readonly goesOn: () => boolean;
  /** Told when the last one was taken, and when one waits again. */
  readonly changed: () => void;
}

/** The messages of a chunk, composed one by one as they are asked for. */
export class Messages {
  readonly #options: MessagesOptions;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  /** The next one; null where none is to be begun any more. `failed` is told of those for whom none can be composed. */
  next(failed: (open: Open) => void): Ready | null {
    const { line, recipients, chunk, goesOn, changed } = this.#options;
    while (goesOn()) {
      const open = line.take();
      if (line.available === 0) changed();
      if (!open) return null;
      const recipient = recipients[open.index];
      if (!recipient) throw new RangeError(`chunk ${chunk.chunk} has no recipient ${open.index}`);
      const message = this.#compose(recipient);
      if (message) return { open, message };
      failed(open);
      line.over(open);
    }
    return null;
  }

  /** One that was not offered: its recipient waits again, before the others. */
  putBack({ open, message }: Ready): void {
    const { line, changed } = this.#options;
    message.handedOver?.();
    line.back(open);
    changed();
  }

  #compose(recipient: Recipient): Message | null {
    const { composer, chunk, log } = this.#options;
    try {
      return composer.compose(recipient);
    } catch (error) {
      const { line } = recipient;
      log.warn({ err: error, campaign: chunk.campaign, line }, 'a message could not be composed');
      return null;
    }
  }
}
