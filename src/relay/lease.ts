import type { Outcome } from '../domain/outcome.js';
import type { Message, RelayConnection } from '../pipeline/ports.js';
import type { Dialogue, Holder } from './dialogue.js';

/** A taken connection: good for one message, or to be given back. */
export class Lease implements RelayConnection {
  readonly #dialogue: Dialogue;
  readonly #holder: Holder;
  #used = false;

  constructor(dialogue: Dialogue, holder: Holder) {
    this.#dialogue = dialogue;
    this.#holder = holder;
  }

  send(message: Message): Promise<Outcome> {
    this.#use();
    return new Promise((resolve) => this.#dialogue.send(message, resolve));
  }

  release(): void {
    this.#use();
    if (this.#dialogue.idle) this.#holder.free(this.#dialogue);
  }

  #use(): void {
    if (this.#used) throw new Error('a taken connection is good for one message');
    this.#used = true;
  }
}
