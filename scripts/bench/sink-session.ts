import type { Socket } from 'node:net';

const END = Buffer.from('\r\n.\r\n');
const LINE_END = Buffer.from('\r\n');
const EHLO = '250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 100000000\r\n';
const MOST_COMMAND = 4_096;

/**
 * The server's side of a connection that takes every message and keeps none. Looks for the final dot in the buffers as
 * they come; whatever came in one read is answered in one write (RFC 2920).
 */
export class SinkSession {
  readonly #socket: Socket;
  readonly #delayMs: number;
  readonly #onMessage: (heldMs: number) => void;
  #left: Buffer = Buffer.alloc(0);
  #inData = false;
  #waiting = false;
  #replies = '';

  constructor(socket: Socket, options: { readonly delayMs: number; readonly onMessage: (heldMs: number) => void }) {
    this.#socket = socket;
    this.#delayMs = options.delayMs;
    this.#onMessage = options.onMessage;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.write('220 sink ESMTP\r\n');
  }

  #take(bytes: Buffer): void {
    let rest: Buffer | null = this.#left.length === 0 || this.#inData ? bytes : Buffer.concat([this.#left, bytes]);
    if (this.#waiting) {
      this.#left = Buffer.concat([this.#left, bytes]);
      return;
    }
    while (rest !== null && rest.length > 0) {
      rest = this.#inData ? this.#body(rest) : this.#command(rest);
      if (this.#waiting) return;
    }
    this.#answer();
  }

  /** Takes one command and returns what follows; null where it is not complete. */
  #command(bytes: Buffer): Buffer | null {
    const end = bytes.indexOf(LINE_END);
    if (end < 0) {
      if (bytes.length > MOST_COMMAND) this.#socket.destroy();
      this.#left = bytes;
      return null;
    }
    this.#left = Buffer.alloc(0);
    this.#obey(bytes.toString('latin1', 0, 4).toUpperCase());
    return bytes.subarray(end + 2);
  }

  #obey(verb: string): void {
    switch (verb) {
      case 'EHLO':
        this.#replies += EHLO;
        return;
      case 'DATA':
        this.#replies += '354 go on\r\n';
        this.#inData = true;
        // A dot at once ends a message without a line.
        this.#left = LINE_END;
        return;
      case 'QUIT':
        this.#replies += '221 bye\r\n';
        this.#answer();
        this.#socket.end();
        return;
      default:
        this.#replies += '250 ok\r\n';
    }
  }

  /** Takes the body up to its final dot; `#left` holds the last bytes seen, since the dot may come in pieces. */
  #body(bytes: Buffer): Buffer | null {
    const before = this.#left.length;
    const seam = Buffer.concat([this.#left, bytes.subarray(0, END.length - 1)]);
    const across = seam.indexOf(END);
    const within = across >= 0 ? across - before : bytes.indexOf(END);
    if (across < 0 && within < 0) {
      const tail = bytes.length >= END.length - 1 ? bytes : seam;
      this.#left = Buffer.from(tail.subarray(Math.max(0, tail.length - END.length + 1)));
      return null;
    }
    const rest = bytes.subarray(within + END.length);
    this.#left = Buffer.alloc(0);
    this.#inData = false;
    if (this.#delayMs === 0) this.#accept(0);
    else this.#acceptLater(rest);
    return rest;
  }

  #accept(heldMs: number): void {
    this.#onMessage(heldMs);
    this.#replies += '250 ok\r\n';
  }

  /** Nothing that came after the message is answered before it. */
  #acceptLater(rest: Buffer): void {
    this.#answer();
    this.#waiting = true;
    this.#left = rest;
    const since = performance.now();
    setTimeout(() => {
      this.#waiting = false;
      this.#accept(performance.now() - since);
      const next = this.#left;
      this.#left = Buffer.alloc(0);
      this.#take(next);
    }, this.#delayMs);
  }

  #answer(): void {
    if (this.#replies !== '' && !this.#socket.destroyed) this.#socket.write(this.#replies);
    this.#replies = '';
  }
}
