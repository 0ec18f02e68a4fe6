import type { Socket } from 'node:net';
import type { Outcome, Reply, Stage } from '../domain/outcome.js';
import type { Message } from '../pipeline/ports.js';
import { mailParameters, type Offer, refusedHere } from './offer.js';
import { ReplyParser } from './reply.js';
import { FINAL_DOT, stuffed } from './stuffing.js';
import type { Timeouts } from './timeouts.js';

/**
 * The dialogue over one message on a socket that is greeted, upgraded and logged in (RFC 5321 3.3, 2920, 1870, 6531).
 *
 * idle → mail → rcpt → data → (body →) message → idle: each step waits for the reply of that name. Pipelined, the first
 * three commands leave in one write, and the replies are taken in order. A small message and its final dot are one
 * write, and from then on it counts as handed over; a large one is written first (`body`), and the dot when the system
 * has taken it all, so that a loss on the way leaves nothing unknown.
 *
 * A refusal is the outcome at once. Then the dialogue clears up (`rest`): it takes what is still due, says RSET where a
 * transaction may be open, and is free again; where the relay says 354 after all, accepts what can't be, or is silent,
 * the connection is closed. It never sends an empty message to get out of a 354, as RFC 2920 3.1 would: it might be
 * accepted. Anything else out of order closes the connection too, and the outcome is by whether the dot was handed over.
 */
type Phase = 'idle' | Stage | 'body' | 'rest' | 'reset' | 'over';

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

export class Dialogue {
  /** Messages handed to `send` so far. */
  messages = 0;
  readonly #socket: Socket;
  readonly #offer: Offer;
  readonly #timeouts: Timeouts;
  readonly #holder: Holder;
  readonly #parser = new ReplyParser();
  readonly #clock: NodeJS.Timeout;
  #phase: Phase = 'idle';
  #message: Message | null = null;
  #settled: ((outcome: Outcome) => void) | null = null;
  /** Replies still due to commands that were pipelined, after a refusal. */
  #due = 0;
  #startedAt = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #lost = '';
  #closed = false;

  constructor(socket: Socket, offer: Offer, timeouts: Timeouts, holder: Holder) {
    this.#socket = socket;
    this.#offer = offer;
    this.#timeouts = timeouts;
    this.#holder = holder;
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

  /** Begins one message, on an idle dialogue, and tells its outcome, exactly once. On one that is over, nothing is sent. */
  send(message: Message, settled: (outcome: Outcome) => void): void {
    this.#message = message;
    this.#settled = settled;
    this.#startedAt = performance.now();
    this.messages++;
    if (this.#phase !== 'idle') {
      this.#settle({ kind: 'not-sent', stage: 'mail', why: this.#lost || 'the connection was closed' });
      return;
    }
    const impossible = refusedHere(message, this.#offer);
    if (impossible) {
      this.#settle({ kind: 'refused', ...impossible, latencyMs: 0 });
      process.nextTick(() => this.#becomeFree());
      return;
    }
    const mail = `MAIL FROM:<${message.from}>${mailParameters(message, this.#offer)}\r\n`;
    this.#await('mail', this.#timeouts.mail);
    this.#write(this.#offer.pipelining ? `${mail}RCPT TO:<${message.to}>\r\nDATA\r\n` : mail);
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
        return this.#becomeFree();
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
    this.#write(stage === 'mail' ? `RCPT TO:<${this.#message?.to}>\r\n` : 'DATA\r\n');
  }

  #onData(reply: Reply) {
    if (refusal(reply)) return this.#refused('data', reply);
    if (reply.code !== 354) return this.#fail(`the relay answered DATA with ${reply.code}`);
    if (this.#parser.pending) return this.#fail('the relay answered a message before it had it');
    const message = this.#message;
    if (message === null) return this.#fail('the relay asked for a message where there is none');
    const body = stuffed(message.content);
    if (body.length <= ONE_WRITE) {
      this.#await('message', this.#timeouts.message);
      this.#write(Buffer.concat([body, FINAL_DOT]));
      return;
    }
    this.#writeBody(message, body, 0);
  }

  /** Piece by piece, each with the time for a block; the final dot when the system has taken them all. */
  #writeBody(message: Message, body: Buffer, at: number): void {
    const end = Math.min(body.length, at + BLOCK);
    this.#await('body', this.#timeouts.block);
    this.#socket.write(body.subarray(at, end), (error) => {
      if (error || this.#phase !== 'body' || this.#message !== message) return;
      if (end < body.length) {
        this.#writeBody(message, body, end);
        return;
      }
      this.#await('message', this.#timeouts.message);
      this.#write(FINAL_DOT);
    });
  }

  #onMessage(reply: Reply) {
    const latencyMs = performance.now() - this.#startedAt;
    if (refusal(reply)) this.#settle({ kind: 'refused', stage: 'message', reply, latencyMs });
    else if (positive(reply)) this.#settle({ kind: 'sent', reply, latencyMs });
    else return this.#fail(`the relay answered the message with ${reply.code}`);
    if (reply.code === 421) return this.#fail('the relay ended the session (421)');
    this.#becomeFree();
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

  #becomeFree() {
    if (this.#phase === 'over') return;
    if (this.#parser.pending) return this.#fail('the relay answered more than it was asked');
    this.#phase = 'idle';
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#holder.free(this);
  }

  #await(phase: Phase, ms: number): void {
    this.#phase = phase;
    this.#deadline = performance.now() + ms;
  }

  #write(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  #settle(outcome: Outcome): void {
    this.#message = null;
    this.#settled?.(outcome);
    this.#settled = null;
  }

  #tick(): void {
    if (performance.now() >= this.#deadline) this.#fail('the relay did not answer in time');
  }

  /** Closes the connection; a message without an outcome gets the one that is true at this point. */
  #fail(why: string): void {
    const phase = this.#phase;
    if (phase === 'over') return;
    this.#lost ||= why;
    this.#end();
    this.#socket.destroy();
    if (this.#message === null) return;
    if (phase === 'message') this.#settle({ kind: 'unknown', why });
    else this.#settle({ kind: 'not-sent', stage: stageOf(phase), why });
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
  return phase === 'body' ? 'message' : 'mail';
}

function positive(reply: Reply): boolean {
  return reply.code < 300;
}

function refusal(reply: Reply): boolean {
  return reply.code >= 400;
}
