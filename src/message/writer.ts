import { encodedBound, writeQuotedPrintable, writeSevenBit } from './transfer.js';

const CR = 13;
const LF = 10;

/** Writes one message after the other into a buffer that it keeps, and copies each out in one piece. */
export class MessageWriter {
  #out = Buffer.allocUnsafe(16_384);
  #source = Buffer.allocUnsafe(16_384);
  #length = 0;

  /** Headers and delimiters: ASCII with CRLF line ends. */
  ascii(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#out.write(text, this.#length, 'latin1');
  }

  /** A part's headers, an empty line, and its text in the plainest encoding that it allows; ends with CRLF. */
  part(contentType: string, text: string): void {
    const length = this.#encode(text);
    this.#reserve(encodedBound(length) + 256);
    const start = this.#length;
    // Every character of ASCII is one byte and every other one more, so equal lengths tell.
    if (length !== text.length || !this.#sevenBit(contentType, length)) {
      this.#length = start;
      this.ascii(`Content-Type: ${contentType}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n`);
      this.#length = writeQuotedPrintable(this.#source, length, this.#out, this.#length);
    }
    if (this.#out[this.#length - 1] !== LF || this.#out[this.#length - 2] !== CR) this.ascii('\r\n');
  }

  /** The message so far; the next one begins. */
  take(): Buffer {
    const message = Buffer.from(this.#out.subarray(0, this.#length));
    this.#length = 0;
    return message;
  }

  #sevenBit(contentType: string, length: number): boolean {
    this.ascii(`Content-Type: ${contentType}\r\nContent-Transfer-Encoding: 7bit\r\n\r\n`);
    const end = writeSevenBit(this.#source, length, this.#out, this.#length);
    if (end < 0) return false;
    this.#length = end;
    return true;
  }

  #encode(text: string): number {
    if (this.#source.length < text.length * 3) this.#source = Buffer.allocUnsafe(text.length * 4);
    return this.#source.write(text, 0, 'utf8');
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#out.length) return;
    const larger = Buffer.allocUnsafe((this.#length + more) * 2);
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }
}
