import type { Socket } from 'node:net';
import type { Outcome, Reply } from '../domain/outcome.js';
import type { Message } from '../pipeline/relay-ports.js';
import { type Carrier, Exchange } from './exchange.js';
import type { Holder, Manners } from './holder.js';
import { envelope, type Offer, refusedHere } from './offer.js';
import { type Phase, stageOf } from './phase.js';
import { positive, refusal } from './reply.js';
import { FINAL_DOT, stuffed } from './stuffing.js';
import type { Timeouts } from './timeouts.js';
import { type Ear, Wire } from './wire.js';

/** Larger messages are written before their final dot. */
const ONE_WRITE = 65_536;

/**
 * The dialogue over messages on a socket that is greeted, upgraded and logged in (RFC 5321 3.3, 2920, 1870, 6531).
 *
 * idle → mail → rcpt → data → (ready →) (body →) message → idle: each step waits for the reply of that name. Pipelined,
 * the first three commands leave in one write, and the replies are taken in order. `ready` waits for the message to be
 * cleared: envelopes go out while its intent is still being recorded. A small message and its final dot are one
 * write, and from then on it counts as handed over; a large one is written first (`body`), and the dot when the system
 * has taken it all, so that a loss on the way leaves nothing unknown.
 *
 * The envelope of a following message goes out behind the final dot of the one before, in the same write (RFC 2920 3.1
 * allows content as the first of a group of commands): a message then costs one round trip. Should a relay drop what comes
 * behind a dot, its silence shows it, and `Manners` keep all dialogues with it from doing so again.
 *
 * A refusal is the outcome at once. Then the dialogue clears up (`rest`): it takes what is still due, says RSET where a
 * transaction may be open, and is free again; where the relay says 354 after all, accepts what can't be, or is silent,
 * the connection is closed. It never sends an empty message to get out of a 354, as RFC 2920 3.1 would: it might be
 * accepted. Anything else out of order closes the connection too, and the outcome is by whether the dot was handed over.
 */
export class Dialogue implements Carrier, Ear {
  /** Messages offered so far. */
  messages = 0;
  readonly #wire: Wire;
  readonly #offer: Offer;
  readonly #timeouts: Timeouts;
  readonly #holder: Holder<Dialogue>;
  readonly #manners: Manners;
  #phase: Phase = 'idle';
  #current: Exchange | null = null;
  /** Comes after the current one; its envelope may be out already. */
  #next: Exchange | null = null;
  /** Refused before it was cleared: until its owner has seen to that, the connection is not free. */
  #uncleared: Exchange | null = null;
  /** The current envelope went out behind a final dot, and nothing was said to it yet. */
  #unheard = false;
  /** Replies still due to commands that were pipelined, after a refusal. */
  #due = 0;
  #startedAt = 0;
  #lost = '';

  constructor(socket: Socket, offer: Offer, timeouts: Timeouts, holder: Holder<Dialogue>, manners: Manners) {
    this.#offer = offer;
    this.#timeouts = timeouts;
    this.#holder = holder;
    this.#manners = manners;
    const shortest = Math.min(...Object.values(timeouts));
    this.#wire = new Wire(socket, Math.min(1000, Math.max(10, shortest / 4)), this);
  }

  get idle(): boolean {
    return this.#phase === 'idle';
  }

  /** Takes no message more: it has one waiting behind the one that is under way or cleared up after, or is over. */
  get full(): boolean {
    return this.#next !== null || this.#phase === 'over';
  }

  /**
   * Takes one more message, at most one beyond the one under way. Its outcome comes exactly once; where the connection
   * ends before its content was handed over, it is not sent.
   */
  offer(message: Message, ended: () => void): Exchange {
    if (this.#next !== null) throw new Error('a connection takes one message beyond the one under way');
    const exchange = new Exchange(message, this, ended);
    this.messages++;
    if (this.#phase === 'over') {
      exchange.settle({ kind: 'not-sent', stage: 'mail', why: this.#lost || 'the connection was closed' });
    } else if (this.#current === null && this.#phase === 'idle') {
      this.#begin(exchange);
    } else {
      this.#next = exchange;
    }
    return exchange;
  }

  proceed(exchange: Exchange): void {
    if (this.#phase === 'ready' && exchange === this.#current) this.#handOver();
    this.#clear(exchange);
  }

  withdraw(exchange: Exchange): void {
    if (exchange === this.#current) this.fail('the sending of a message was called off');
    else if (exchange === this.#next && !exchange.announced) this.#next = null;
    this.#clear(exchange);
  }

  #clear(exchange: Exchange): void {
    if (exchange !== this.#uncleared) return;
    this.#uncleared = null;
    if (this.#phase === 'ready') this.#goOn();
    else if (this.#phase === 'over') this.#holder.over(this);
  }

  /** Says QUIT and closes; for an idle dialogue. Any other is cut off. */
  quit(): void {
    if (this.#phase !== 'idle') {
      this.fail('the connection was ended');
      return;
    }
    this.#wire.quit(this.#timeouts.quit);
    this.#phase = 'over';
    this.#holder.over(this);
  }

  closed(): void {
    this.#holder.closed(this);
  }

  late(): void {
    if (this.#unheard) this.#manners.ahead = false;
    this.fail('the relay did not answer in time');
  }

  hear(reply: Reply) {
    this.#unheard = false;
    switch (this.#phase) {
      case 'mail':
      case 'rcpt':
        return this.#onEnvelope(this.#phase, reply);
      case 'data':
        return this.#onData(reply);
      case 'body':
        return this.fail(`the relay answered ${reply.code} in the middle of the message: ${reply.text}`);
      case 'message':
        return this.#onMessage(reply);
      case 'rest':
        return this.#onRest(reply);
      case 'reset':
        if (!positive(reply)) return this.fail(`the relay answered RSET with ${reply.code}`);
        return this.#goOn();
      default:
        return this.fail('the relay spoke without being asked');
    }
  }

  #onEnvelope(stage: 'mail' | 'rcpt', reply: Reply) {
    if (refusal(reply)) return this.#refused(stage, reply);
    if (!positive(reply)) return this.fail(`the relay answered ${stage.toUpperCase()} with ${reply.code}`);
    if (this.#wire.pending && !this.#offer.pipelining) return this.fail('the relay answered before it was asked');
    const next = stage === 'mail' ? 'rcpt' : 'data';
    this.#await(next, this.#timeouts[next]);
    if (this.#offer.pipelining) return;
    this.#wire.write(stage === 'mail' ? `RCPT TO:<${this.#current?.message.to}>\r\n` : 'DATA\r\n');
  }

  #onData(reply: Reply) {
    if (refusal(reply)) return this.#refused('data', reply);
    if (reply.code !== 354) return this.fail(`the relay answered DATA with ${reply.code}`);
    if (this.#wire.pending) return this.fail('the relay answered a message before it had it');
    this.#await('ready', Number.POSITIVE_INFINITY);
    if (this.#current?.cleared) this.#handOver();
  }

  #handOver(): void {
    const message = this.#current?.message;
    if (!message) return;
    const body = message.dotless ? message.content : stuffed(message.content);
    if (body.length <= ONE_WRITE) {
      this.#finish(body);
      // The wire has copied it.
      message.handedOver?.();
      return;
    }
    // Each block has its time; the final dot comes when the system has taken them all.
    const onBlock = () => this.#await('body', this.#timeouts.block);
    this.#wire.writeBlocks(body, onBlock, () => {
      message.handedOver?.();
      this.#finish();
    });
  }

  /** Writes the final dot behind what is left of a message, and the next one's envelope behind that where it may go. */
  #finish(body?: Buffer): void {
    this.#await('message', this.#timeouts.message);
    const next = this.#goesAhead() ? this.#next : null;
    if (next) next.announced = true;
    const pieces = body ? [body, FINAL_DOT] : [FINAL_DOT];
    this.#wire.writeTogether(next ? [...pieces, envelope(next.message, this.#offer)] : pieces);
  }

  /** Whether the next message's envelope may go behind a final dot. */
  #goesAhead(): boolean {
    const next = this.#next;
    if (next === null || next.announced || !this.#offer.pipelining || !this.#manners.ahead) return false;
    return refusedHere(next.message, this.#offer) === null;
  }

  #onMessage(reply: Reply) {
    const latencyMs = performance.now() - this.#startedAt;
    if (refusal(reply)) this.#settle({ kind: 'refused', stage: 'message', reply, latencyMs });
    else if (positive(reply)) this.#settle({ kind: 'sent', reply, latencyMs });
    else return this.fail(`the relay answered the message with ${reply.code}`);
    if (reply.code === 421) return this.fail('the relay ended the session (421)');
    this.#goOn();
  }

  #refused(stage: 'mail' | 'rcpt' | 'data', reply: Reply) {
    this.#settle({ kind: 'refused', stage, reply, latencyMs: performance.now() - this.#startedAt });
    if (reply.code === 421) return this.fail('the relay ended the session (421)');
    this.#due = this.#offer.pipelining ? { mail: 2, rcpt: 1, data: 0 }[stage] : 0;
    this.#await('rest', this.#timeouts.afterRefusal);
    if (this.#due === 0) this.#reset();
  }

  #onRest(reply: Reply) {
    // 2xx: the recipient of a refused sender was accepted; 3xx: the relay wants a message without a recipient.
    if (!refusal(reply) || reply.code === 421) return this.fail(`the relay answered ${reply.code} after a refusal`);
    this.#due--;
    if (this.#due === 0) this.#reset();
  }

  #reset() {
    if (this.#wire.pending) return this.fail('the relay answered more than it was asked');
    this.#await('reset', this.#timeouts.afterRefusal);
    this.#wire.write('RSET\r\n');
  }

  /** After a message, in good order: the next one, or none. */
  #goOn() {
    if (this.#phase === 'over') return;
    if (this.#uncleared) return this.#await('ready', Number.POSITIVE_INFINITY);
    const next = this.#next;
    this.#next = null;
    if (next?.withdrawn) return this.fail('the sending of a message was called off');
    if (next?.announced) {
      this.#current = next;
      this.#startedAt = performance.now();
      this.#unheard = true;
      this.#await('mail', Math.min(this.#timeouts.mail, this.#timeouts.ahead));
      return;
    }
    if (this.#wire.pending) return this.fail('the relay answered more than it was asked');
    if (next) return this.#begin(next);
    this.#await('idle', Number.POSITIVE_INFINITY);
    this.#holder.free(this);
  }

  #begin(exchange: Exchange): void {
    this.#current = exchange;
    this.#startedAt = performance.now();
    const impossible = refusedHere(exchange.message, this.#offer);
    if (impossible) {
      this.#settle({ kind: 'refused', ...impossible, latencyMs: 0 });
      this.#phase = 'rest';
      process.nextTick(() => this.#goOn());
      return;
    }
    this.#await('mail', this.#timeouts.mail);
    exchange.announced = true;
    this.#wire.write(envelope(exchange.message, this.#offer));
  }

  #await(phase: Phase, ms: number): void {
    this.#phase = phase;
    this.#wire.expect(ms);
  }

  #settle(outcome: Outcome): void {
    const current = this.#current;
    this.#current = null;
    if (current && !current.cleared && !current.withdrawn) this.#uncleared = current;
    current?.settle(outcome);
  }

  /** Closes the connection; messages without an outcome get the one that is true at this point. */
  fail(why: string): void {
    const phase = this.#phase;
    if (phase === 'over') return;
    this.#lost ||= why;
    this.#wire.cut();
    this.#phase = 'over';
    const next = this.#next;
    this.#next = null;
    if (this.#current !== null) {
      if (phase === 'message') this.#settle({ kind: 'unknown', why });
      else this.#settle({ kind: 'not-sent', stage: stageOf(phase), why });
    }
    next?.settle({ kind: 'not-sent', stage: 'mail', why });
    // The ledger may have its intent by now: until that is seen to, no other connection takes this one's place.
    if (!this.#uncleared) this.#holder.over(this);
  }
}
