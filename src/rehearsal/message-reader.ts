/** Of a message, as much as its header is looked for in. */
const HEAD = 65_536;
const END = Buffer.from('\r\n.\r\n');

/** Takes a message as it comes, in pieces cut anywhere, up to its final dot (RFC 5321 4.1.1.4). Keeps only its head. */
export class MessageReader {
  /** Bytes before the final dot, about. */
  size = 0;
  #head = Buffer.alloc(0);
  /** The end of what was read: the final dot may be cut. An empty message begins with it. */
  #tail = Buffer.from('\r\n');

  /** What follows the final dot in this piece; null where it has not come yet. */
  push(piece: Buffer): Buffer | null {
    const joined = Buffer.concat([this.#tail, piece]);
    const end = joined.indexOf(END);
    const taken = end < 0 ? piece.length : Math.max(0, end + END.length - this.#tail.length);
    this.size += taken;
    if (this.#head.length < HEAD) this.#head = Buffer.concat([this.#head, piece.subarray(0, taken)]).subarray(0, HEAD);
    if (end >= 0) return piece.subarray(taken);
    this.#tail = joined.subarray(Math.max(0, joined.length - END.length + 1));
    return null;
  }

  /** With its angle brackets; empty where the header has none. */
  messageId(): string {
    const text = this.#head.toString('latin1');
    const header = text.slice(0, Math.max(0, text.indexOf('\r\n\r\n')) || undefined);
    return /^message-id:\s*(<[^<>\s]+>)/im.exec(header)?.[1] ?? '';
  }
}
