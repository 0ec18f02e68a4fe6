import type { Outcome } from '../domain/outcome.js';
import type { Message, Offered } from '../pipeline/relay-ports.js';

/** Who carries an exchange out. */
export interface Carrier {
  /** It is cleared now: its content may go. */
  proceed(exchange: Exchange): void;
  /** It must not be carried out any more, wherever it is. */
  withdraw(exchange: Exchange): void;
}

/** One message offered on a connection: its envelope may go at once, its content only when it is cleared. */
export class Exchange implements Offered {
  readonly message: Message;
  readonly outcome: Promise<Outcome>;
  /** The content may be handed over. */
  cleared = false;
  /** The envelope was written. */
  announced = false;
  withdrawn = false;
  readonly #carrier: Carrier;
  readonly #ended: () => void;
  #known: Outcome | null = null;
  #resolve: (outcome: Outcome) => void = () => undefined;

  /** @param ended is told when the outcome is known, or there will be none */
  constructor(message: Message, carrier: Carrier, ended: () => void) {
    this.message = message;
    this.#carrier = carrier;
    this.#ended = ended;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get lost(): boolean {
    return this.#known?.kind === 'not-sent';
  }

  deliver(): void {
    if (this.cleared || this.withdrawn) return;
    this.cleared = true;
    this.#carrier.proceed(this);
  }

  withdraw(): void {
    if (this.cleared || this.withdrawn) return;
    this.withdrawn = true;
    if (this.#known === null) this.#ended();
    this.#carrier.withdraw(this);
  }

  /** The outcome, once; nobody hears that of a withdrawn one. */
  settle(outcome: Outcome): void {
    if (this.#known !== null) return;
    this.#known = outcome;
    if (!this.withdrawn) this.#ended();
    this.#resolve(outcome);
  }
}
