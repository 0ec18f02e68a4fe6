import type { Socket } from 'node:net';
import type { Reply } from '../domain/outcome.js';
import { ReplyParser } from './reply.js';

/** Who listens to a wire. */
export interface Ear {
  /** Nothing was asked, so that the relay has nothing to say. */
  readonly idle: boolean;
  hear(reply: Reply): void;
  /** No reply came in the time that was given. */
  late(): void;
  /** The connection is of no use any more; may be told again. */
  fail(why: string): void;
  /** The socket is closed; told once. */
  closed(): void;
}

/** Of a large message, written at once. */
const BLOCK = 262_144;

/**
 * Where pieces are put together, used again for each message: nearly always the system takes all at once. Where it doesn't,
 * and where TLS does so later, a wire leaves its bytes where they are and takes new room for each message.
 */
const DESK = 81_920;
let desk = Buffer.allocUnsafeSlow(DESK);

/** Null where there is not enough room. */
function onDesk(pieces: readonly (Buffer | string)[]): Buffer | null {
  let at = 0;
  for (const piece of pieces) {
    // A character takes at most three bytes for each of its units.
    if (at + (typeof piece === 'string' ? piece.length * 3 : piece.length) > DESK) return null;
    if (typeof piece === 'string') at += desk.write(piece, at);
    else {
      desk.set(piece, at);
      at += piece.length;
    }
  }
  return desk.subarray(0, at);
}

/** The socket of a dialogue: replies in, bytes out, and a time by which the next reply has to be there. */
export class Wire {
  readonly #socket: Socket;
  readonly #ear: Ear;
  readonly #parser = new ReplyParser();
  readonly #clock: NodeJS.Timeout;
  #deadline = Number.POSITIVE_INFINITY;
  #over = false;
  #closed = false;
  /** The system took all of the last write at once. */
  #prompt = true;

  /** @param tickMs how often the clock is looked at */
  constructor(socket: Socket, tickMs: number, ear: Ear) {
    this.#socket = socket;
    this.#ear = ear;
    this.#clock = setInterval(() => this.#tick(), tickMs).unref();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => ear.fail('the relay closed the connection'));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      ear.fail(`the connection failed (${error.code ?? error.message})`),
    );
    socket.on('close', () => this.#onClose());
    socket.resume();
  }

  /** Bytes are here that nobody has heard yet. */
  get pending(): boolean {
    return this.#parser.pending;
  }

  /** The next reply has to be there within so many milliseconds; Infinity: whenever. */
  expect(ms: number): void {
    this.#deadline = performance.now() + ms;
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** Writes pieces as one: one packet where they fit, and one call of the system. Buffers may be used again at once. */
  writeTogether(pieces: readonly (Buffer | string)[]): void {
    const bytes = this.#prompt ? onDesk(pieces) : null;
    this.#socket.write(
      bytes ?? Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece))),
    );
    this.#prompt = this.#socket.writableLength === 0;
    if (bytes && !this.#prompt) desk = Buffer.allocUnsafeSlow(DESK);
  }

  /** Writes block by block: `onBlock` before each, and `done` when the system has taken them all; neither after the end. */
  writeBlocks(bytes: Buffer, onBlock: () => void, done: () => void, at = 0): void {
    const end = Math.min(bytes.length, at + BLOCK);
    onBlock();
    this.#socket.write(bytes.subarray(at, end), (error) => {
      if (error || this.#over) return;
      if (end < bytes.length) this.writeBlocks(bytes, onBlock, done, end);
      else done();
    });
  }

  /** Says QUIT and closes; hears nothing any more. */
  quit(ms: number): void {
    this.#end();
    this.#socket.end('QUIT\r\n');
    setTimeout(() => this.#socket.destroy(), ms).unref();
  }

  /** Closes at once; hears nothing any more. */
  cut(): void {
    this.#end();
    this.#socket.destroy();
  }

  #end(): void {
    this.#over = true;
    clearInterval(this.#clock);
  }

  #read(chunk: Buffer) {
    if (this.#over) return;
    if (this.#ear.idle) return this.#unasked(chunk);
    this.#parser.push(chunk);
    // An ear may end the wire, or become idle.
    for (let reply = this.#parser.next(); reply !== null; reply = this.#parser.next()) {
      if (reply === 'malformed') return this.#ear.fail('the relay answered something that is no SMTP reply');
      this.#ear.hear(reply);
      if (this.#over) return;
    }
  }

  #unasked(chunk: Buffer): void {
    const ended = chunk.toString('latin1', 0, 3) === '421';
    this.#ear.fail(ended ? 'the relay ended the session (421)' : 'the relay spoke without being asked');
  }

  #tick(): void {
    if (performance.now() >= this.#deadline) this.#ear.late();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ear.fail('the connection was closed');
    this.#ear.closed();
  }
}
