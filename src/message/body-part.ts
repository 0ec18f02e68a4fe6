import { QuotedPrintable } from './quoted-printable.js';
import { SevenBit } from './seven-bit.js';
import type { TemplatePart } from './template.js';
import { encodedBound, type Stretch, type TransferEncoder } from './transfer.js';

const CR = 13;
const LF = 10;
const CRLF = Buffer.from('\r\n');

interface Way {
  readonly encoder: TransferEncoder;
  /** With the empty line that ends it. */
  readonly header: Buffer;
  /** As the pieces of the template: null stands for a value. */
  readonly stretches: readonly (Stretch | null)[];
}

/** A part of a message: headers and text, of which all that is the same in every message is encoded once, here. */
export class BodyPart {
  readonly #quoted: Way;
  /** Null where what is the same in every message doesn't allow it. */
  readonly #sevenBit: Way | null;
  /** Bytes that everything but the values takes at most. */
  readonly #fixed: number;

  constructor(contentType: string, { pieces }: Pick<TemplatePart, 'pieces'>) {
    const header = (encoding: string) =>
      Buffer.from(`Content-Type: ${contentType}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`);
    const way = (encoder: TransferEncoder, encoding: string): Way | null => {
      const stretches = encodeAll(encoder, pieces);
      return stretches && { encoder, header: header(encoding), stretches };
    };
    this.#sevenBit = way(new SevenBit(), '7bit');
    this.#quoted = way(new QuotedPrintable(), 'quoted-printable') as Way;
    // Besides its bytes a stretch may take a soft break and a blank, which may be `=20`.
    const sizes = this.#quoted.stretches.map((stretch) => (stretch?.bytes.length ?? 0) + 9);
    this.#fixed = sizes.reduce((sum, size) => sum + size, this.#quoted.header.length + CRLF.length);
  }

  /** Bytes that the part takes at most with these values. */
  bound(values: readonly string[]): number {
    let bound = this.#fixed;
    for (const value of values) bound += encodedBound(value.length);
    return bound;
  }

  /** Writes the part in the plainest encoding that it allows, and answers where it ended. It ends with CRLF. */
  write(values: readonly string[], out: Buffer, at: number): number {
    const plain = this.#sevenBit ? writeIn(this.#sevenBit, values, out, at) : -1;
    const end = plain < 0 ? writeIn(this.#quoted, values, out, at) : plain;
    if (out[end - 1] === LF && out[end - 2] === CR) return end;
    out.set(CRLF, end);
    return end + CRLF.length;
  }
}

/** Null where the encoder doesn't allow one of them. */
function encodeAll(encoder: TransferEncoder, pieces: readonly (string | null)[]): (Stretch | null)[] | null {
  const stretches: (Stretch | null)[] = [];
  for (const piece of pieces) {
    if (piece === null) {
      stretches.push(null);
      continue;
    }
    encoder.begin(Buffer.allocUnsafe(encodedBound(piece.length)), 0, true);
    if (!encoder.text(piece)) return null;
    const stretch = encoder.taken(piece, 0);
    if (encoder.finish() < 0) return null;
    stretches.push(stretch);
  }
  return stretches;
}

/** Answers where the part ended, -1 where the encoding isn't allowed. */
function writeIn({ encoder, header, stretches }: Way, values: readonly string[], out: Buffer, at: number): number {
  out.set(header, at);
  encoder.begin(out, at + header.length);
  let next = 0;
  for (const stretch of stretches) {
    const allowed = stretch === null ? encoder.text(values[next++] as string) : encoder.stretch(stretch);
    if (!allowed) return -1;
  }
  return encoder.finish();
}
