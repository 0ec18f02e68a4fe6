import type { Socket } from 'node:net';
import type { Outcome, Reply, Stage } from '../domain/outcome.js';
import type { Message } from '../pipeline/ports.js';
import { type Carrier, Exchange } from './exchange.js';
import { mailParameters, type Offer, refusedHere } from './offer.js';
import { ReplyParser } from './reply.js';
import { FINAL_DOT, stuffed } from './stuffing.js';
import type { Timeouts } from './timeouts.js';

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
type Phase = 'idle' | Stage | 'ready' | 'body' | 'rest' | 'reset' | 'over';

/** What dialogues with one relay learn of it for each other. */
export interface Manners {
  /** It takes the envelope of the next message behind a final dot. */
  ahead: boolean;
}

/** Who holds a dialogue hears what becomes of the connection. */
export interface Holder {
  /** Free for the next message; later than the outcome of the last one. */
  free(dialogue: Dialogue): void;
  /** No use any more; said once, also when it was idle. */
  over(dialogue: Dialogue): void;
  /** Its socket is closed. */
  closed(dialogue: Dialogue): void;
}

/** Larger messages are written before their final dot. */
const ONE_WRITE = 65_536;
/** Of what is larger, written at once. */
const BLOCK = 262_144;

export class Dialogue implements Carrier {
  /** Messages offered so far. */
  messages = 0;
  readonly #socket: Socket;
  readonly #offer: Offer;
  readonly #timeouts: Timeouts;
  readonly #holder: Holder;
  readonly #manners: Manners;
  readonly #parser = new ReplyParser();
  readonly #clock: NodeJS.Timeout;
  #phase: Phase = 'idle';
  #current: Exchange | null = null;
  /** Comes after the current one; its envelope may be out already. */
  #next: Exchange | null = null;
  /** The current envelope went out behind a final dot, and nothing was said to it yet. */
  #unheard = false;
  /** Replies still due to commands that were pipelined, after a refusal. */
  #due = 0;
  #startedAt = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #lost = '';
  #closed = false;

  constructor(socket: Socket, offer: Offer, timeouts: Timeouts, holder: Holder, manners: Manners) {
    this.#socket = socket;
    this.#offer = offer;
    this.#timeouts = timeouts;
    this.#holder = holder;
    this.#manners = manners;
    const shortest = Math.min(...Object.values(timeouts));
    this.#clock = setInterval(() => this.#tick(), Math.min(1000, Math.max(10, shortest / 4))).unref();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => this.#fail(this.#lost || 'the relay closed the connection'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#lost = `the connection failed (${error.code ?? error.message})`;
      this.#fail(this.#lost);
    });
    socket.on('close', () => this.#onClose());
    socket.resume();
  }

  get idle(): boolean {
    return this.#phase === 'idle';
  }

  /** Has one message waiting behind the one that is under way, or that it still clears up after. */
  get full(): boolean {
    return this.#next !== null;
  }

  /**
   * Takes one more message, at most one beyond the one under way. Its outcome comes exactly once; where the connection
   * ends before its content was handed over, it is not sent.
   */
  offer(message: Message, ended: () => void): Exchange {
    if (this.full) throw new Error('a connection takes one message beyond the one under way');
    const exchange = new Exchange(message, this, ended);
    this.messages++;
    if (this.#phase === 'over') {
      exchange.settle({ kind: 'not-sent', stage: 'mail', why: this.#lost || 'the connection was closed' });
    } else if (this.#current === null && this.#phase === 'idle') {
      this.#begin(exchange);
    } else {
      this.#next = exchange;
      if (this.#phase === 'message' && this.#goesAhead()) this.#announce(exchange);
    }
    return exchange;
  }

  proceed(exchange: Exchange): void {
    if (this.#phase === 'ready' && exchange === this.#current) this.#handOver();
  }

  withdraw(exchange: Exchange): void {
    if (exchange === this.#current) this.#fail('the sending of a message was called off');
    else if (exchange === this.#next && !exchange.announced) this.#next = null;
  }

  /** Says QUIT and closes; for an idle dialogue. Any other is cut off. */
  quit(): void {
    if (this.#phase !== 'idle') {
      this.#fail('the connection was ended');
      return;
    }
    this.#end();
    this.#socket.end('QUIT\r\n');
    setTimeout(() => this.#socket.destroy(), this.#timeouts.quit).unref();
  }

  /** Cuts the connection; an unanswered message ends as unknown or not-sent. */
  abandon(why: string): void {
    this.#fail(why);
  }

  #read(chunk: Buffer) {
    if (this.#phase === 'over') return;
    if (this.#phase === 'idle') return this.#unasked(chunk);
    this.#parser.push(chunk);
    // A handler may end the dialogue or make it idle.
    for (let reply = this.#parser.next(); reply !== null; reply = this.#parser.next()) {
      if (reply === 'malformed') return this.#fail('the relay answered something that is no SMTP reply');
      this.#onReply(reply);
      if (this.#isOver()) return;
    }
  }

  // A method, so that the compiler doesn't take the phase for unchanged.
  #isOver(): boolean {
    return this.#phase === 'over';
  }

  #unasked(chunk: Buffer): void {
    const text = chunk.toString('latin1', 0, 3);
    this.#fail(text === '421' ? 'the relay ended the session (421)' : 'the relay spoke without being asked');
  }

  #onReply(reply: Reply) {
    this.#unheard = false;
    switch (this.#phase) {
      case 'mail':
      case 'rcpt':
        return this.#onEnvelope(this.#phase, reply);
      case 'data':
        return this.#onData(reply);
      case 'body':
        return this.#fail(`the relay answered ${reply.code} in the middle of the message: ${reply.text}`);
      case 'message':
        return this.#onMessage(reply);
      case 'rest':
        return this.#onRest(reply);
      case 'reset':
        if (!positive(reply)) return this.#fail(`the relay answered RSET with ${reply.code}`);
        return this.#goOn();
      default:
        return this.#fail('the relay spoke without being asked');
    }
  }

  #onEnvelope(stage: 'mail' | 'rcpt', reply: Reply) {
    if (refusal(reply)) return this.#refused(stage, reply);
    if (!positive(reply)) return this.#fail(`the relay answered ${stage.toUpperCase()} with ${reply.code}`);
    if (this.#parser.pending && !this.#offer.pipelining) return this.#fail('the relay answered before it was asked');
    const next = stage === 'mail' ? 'rcpt' : 'data';
    this.#await(next, this.#timeouts[next]);
    if (this.#offer.pipelining) return;
    this.#write(stage === 'mail' ? `RCPT TO:<${this.#current?.message.to}>\r\n` : 'DATA\r\n');
  }

  #onData(reply: Reply) {
    if (refusal(reply)) return this.#refused('data', reply);
    if (reply.code !== 354) return this.#fail(`the relay answered DATA with ${reply.code}`);
    if (this.#parser.pending) return this.#fail('the relay answered a message before it had it');
    this.#phase = 'ready';
    this.#deadline = Number.POSITIVE_INFINITY;
    if (this.#current?.cleared) this.#handOver();
  }

  #handOver(): void {
    const message = this.#current?.message;
    if (!message) return;
    const body = stuffed(message.content);
    if (body.length > ONE_WRITE) {
      this.#writeBody(message, body, 0);
      return;
    }
    this.#await('message', this.#timeouts.message);
    const ahead = this.#ahead();
    this.#write(Buffer.concat(ahead === null ? [body, FINAL_DOT] : [body, FINAL_DOT, ahead]));
  }

  #goesAhead(): boolean {
    return this.#offer.pipelining && this.#manners.ahead && this.#next !== null && !this.#next.announced;
  }

  /** The next message's envelope, to go behind a final dot; null where none may. */
  #ahead(): Buffer | null {
    const next = this.#next;
    if (next === null || !this.#goesAhead() || refusedHere(next.message, this.#offer)) return null;
    next.announced = true;
    return Buffer.from(this.#envelope(next.message), 'utf8');
  }

  /** Piece by piece, each with the time for a block; the final dot when the system has taken them all. */
  #writeBody(message: Message, body: Buffer, at: number): void {
    const end = Math.min(body.length, at + BLOCK);
    this.#await('body', this.#timeouts.block);
    this.#socket.write(body.subarray(at, end), (error) => {
      if (error || this.#phase !== 'body' || this.#current?.message !== message) return;
      if (end < body.length) {
        this.#writeBody(message, body, end);
        return;
      }
      this.#await('message', this.#timeouts.message);
      const ahead = this.#ahead();
      this.#write(ahead === null ? FINAL_DOT : Buffer.concat([FINAL_DOT, ahead]));
    });
  }

  #onMessage(reply: Reply) {
    const latencyMs = performance.now() - this.#startedAt;
    if (refusal(reply)) this.#settle({ kind: 'refused', stage: 'message', reply, latencyMs });
    else if (positive(reply)) this.#settle({ kind: 'sent', reply, latencyMs });
    else return this.#fail(`the relay answered the message with ${reply.code}`);
    if (reply.code === 421) return this.#fail('the relay ended the session (421)');
    this.#goOn();
  }

  #refused(stage: 'mail' | 'rcpt' | 'data', reply: Reply) {
    this.#settle({ kind: 'refused', stage, reply, latencyMs: performance.now() - this.#startedAt });
    if (reply.code === 421) return this.#fail('the relay ended the session (421)');
    this.#due = this.#offer.pipelining ? { mail: 2, rcpt: 1, data: 0 }[stage] : 0;
    this.#await('rest', this.#timeouts.afterRefusal);
    if (this.#due === 0) this.#reset();
  }

  #onRest(reply: Reply) {
    // 2xx: the recipient of a refused sender was accepted; 3xx: the relay wants a message without a recipient.
    if (!refusal(reply) || reply.code === 421) return this.#fail(`the relay answered ${reply.code} after a refusal`);
    this.#due--;
    if (this.#due === 0) this.#reset();
  }

  #reset() {
    if (this.#parser.pending) return this.#fail('the relay answered more than it was asked');
    this.#await('reset', this.#timeouts.afterRefusal);
    this.#write('RSET\r\n');
  }

  /** After a message, in good order: the next one, or none. */
  #goOn() {
    if (this.#phase === 'over') return;
    const next = this.#next;
    this.#next = null;
    if (next?.withdrawn) return this.#fail('the sending of a message was called off');
    if (next?.announced) {
      this.#current = next;
      this.#startedAt = performance.now();
      this.#unheard = true;
      this.#await('mail', Math.min(this.#timeouts.mail, this.#timeouts.ahead));
      return;
    }
    if (this.#parser.pending) return this.#fail('the relay answered more than it was asked');
    if (next) return this.#begin(next);
    this.#phase = 'idle';
    this.#deadline = Number.POSITIVE_INFINITY;
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
    this.#announce(exchange);
  }

  #announce(exchange: Exchange): void {
    exchange.announced = true;
    this.#write(this.#envelope(exchange.message));
  }

  /** What may be said at once: all of the envelope where pipelining is offered, or MAIL. */
  #envelope(message: Message): string {
    const mail = `MAIL FROM:<${message.from}>${mailParameters(message, this.#offer)}\r\n`;
    return this.#offer.pipelining ? `${mail}RCPT TO:<${message.to}>\r\nDATA\r\n` : mail;
  }

  #await(phase: Phase, ms: number): void {
    this.#phase = phase;
    this.#deadline = performance.now() + ms;
  }

  #write(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  #settle(outcome: Outcome): void {
    const current = this.#current;
    this.#current = null;
    current?.settle(outcome);
  }

  #tick(): void {
    if (performance.now() < this.#deadline) return;
    if (this.#unheard) this.#manners.ahead = false;
    this.#fail('the relay did not answer in time');
  }

  /** Closes the connection; messages without an outcome get the one that is true at this point. */
  #fail(why: string): void {
    const phase = this.#phase;
    if (phase === 'over') return;
    this.#lost ||= why;
    this.#end();
    this.#socket.destroy();
    const next = this.#next;
    this.#next = null;
    if (this.#current !== null) {
      if (phase === 'message') this.#settle({ kind: 'unknown', why });
      else this.#settle({ kind: 'not-sent', stage: stageOf(phase), why });
    }
    next?.settle({ kind: 'not-sent', stage: 'mail', why });
  }

  #end(): void {
    this.#phase = 'over';
    clearInterval(this.#clock);
    this.#holder.over(this);
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#fail(this.#lost || 'the connection was closed');
    this.#holder.closed(this);
  }
}

function stageOf(phase: Phase): Stage {
  if (phase === 'rcpt' || phase === 'data') return phase;
  if (phase === 'ready') return 'data';
  return phase === 'body' ? 'message' : 'mail';
}

function positive(reply: Reply): boolean {
  return reply.code < 300;
}

function refusal(reply: Reply): boolean {
  return reply.code >= 400;
}
