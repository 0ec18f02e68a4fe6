import type { Outcome } from '../domain/outcome.js';
import type { Message, Offered, RelayConnection } from '../pipeline/relay-ports.js';
import type { Dialogue } from './dialogue.js';

/** Whose connections are lent. */
export interface Lender {
  free(dialogue: Dialogue): void;
  /** Whether a connection may be kept for one message more. */
  mayKeep(dialogue: Dialogue): boolean;
  /** Lends it once more, see RelayConnection. */
  passOn(dialogue: Dialogue, until: Promise<unknown>): void;
}

/** A taken connection: good for messages one behind the other, until none is under way, or to be given back unused. */
export class Lease implements RelayConnection {
  readonly #dialogue: Dialogue;
  readonly #lender: Lender;
  #underway = 0;
  #over = false;

  constructor(dialogue: Dialogue, lender: Lender) {
    this.#dialogue = dialogue;
    this.#lender = lender;
  }

  send(message: Message): Promise<Outcome> {
    const offered = this.offer(message);
    if (message.signed) return sendSigned(offered, message.signed);
    offered.deliver();
    return offered.outcome;
  }

  offer(message: Message): Offered {
    this.#mustBeOurs();
    this.#underway++;
    return this.#dialogue.offer(message, () => {
      this.#underway--;
      this.#over = this.#underway === 0;
    });
  }

  mayKeep(): boolean {
    return !this.#over && this.#lender.mayKeep(this.#dialogue);
  }

  release(): void {
    this.#mustBeOurs();
    if (this.#underway > 0) throw new Error('a connection in use is not given back');
    this.#over = true;
    if (this.#dialogue.idle) this.#lender.free(this.#dialogue);
  }

  passOn(until: Promise<unknown>): void {
    if (!this.#over) this.#lender.passOn(this.#dialogue, until);
  }

  #mustBeOurs(): void {
    if (this.#over) throw new Error('a taken connection is good until its messages are done');
  }
}

async function sendSigned(offered: Offered, signed: Promise<void>): Promise<Outcome> {
  try {
    await signed;
  } catch (error) {
    offered.withdraw();
    return { kind: 'not-sent', stage: 'mail', why: `the message could not be signed: ${String(error)}` };
  }
  offered.deliver();
  return offered.outcome;
}
