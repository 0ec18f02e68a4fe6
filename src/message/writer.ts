import type { BodyPart } from './body-part.js';

/** Small messages are written side by side into buffers of this size; each lives as long as one of its messages does. */
const SLAB = 65_536;

/** Writes one message after the other, each where it stays, so that none is copied. */
export class MessageWriter {
  #out = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  /** Headers and delimiters: ASCII with CRLF line ends. */
  ascii(text: string): void {
    this.#reserve(text.length);
    this.#end += this.#out.write(text, this.#end, 'latin1');
  }

  part(part: BodyPart, values: readonly string[]): void {
    this.#reserve(part.bound(values));
    this.#end = part.write(values, this.#out, this.#end);
  }

  /** The message so far; the next one begins. */
  take(): Buffer {
    const message = this.#out.subarray(this.#start, this.#end);
    const unused = this.#out.length - message.length;
    if (this.#out.length <= SLAB) {
      this.#start = this.#end;
      return message;
    }
    if (unused < message.length) {
      this.#drop();
      return message;
    }
    // What was reserved for the worst case is kept for the next one.
    this.#end = 0;
    return Buffer.from(message);
  }

  /** Makes sure that so much can be written. */
  #reserve(more: number): void {
    if (this.#end + more <= this.#out.length) return;
    const message = this.#out.subarray(this.#start, this.#end);
    this.#out = Buffer.allocUnsafeSlow(Math.max(SLAB, message.length + more));
    this.#out.set(message);
    this.#start = 0;
    this.#end = message.length;
  }

  #drop(): void {
    this.#out = Buffer.alloc(0);
    this.#start = 0;
    this.#end = 0;
  }
}
