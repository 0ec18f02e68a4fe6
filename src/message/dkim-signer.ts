import { hash, type KeyObject, sign } from 'node:crypto';
import type { DkimIdentity } from '../domain/dkim.js';
import { endOfHeaders, relaxedBody, relaxedFields } from './dkim-canonical.js';
import { canonicalStart, type HeaderValues, headerEnd, headerStart } from './dkim-header.js';

/** A key with what others may know of it. */
export interface DkimKey {
  readonly identity: DkimIdentity;
  readonly privateKey: KeyObject;
  /** Bytes of a signature. */
  readonly signatureBytes: number;
}

/** Fields that are signed where a message has them; a relay may add any other. */
export const SIGNED = [
  'from',
  'to',
  'subject',
  'date',
  'message-id',
  'reply-to',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'list-unsubscribe',
  'list-unsubscribe-post',
] as const;

export interface Signing {
  /** The message, which begins with its signatures; of its final length. */
  readonly content: Buffer;
  /** Resolves when they have been written, rejects where a key can't sign; absent where they are there already. */
  readonly signed?: Promise<void>;
}

/** Signs messages with all of its keys, each in a header of its own (RFC 6376, 8463). */
export class DkimSigner {
  /** Bytes to leave in front of a message. */
  readonly room: number;
  readonly #keys: readonly SizedKey[];
  #turn: Turn | null = null;

  constructor(keys: readonly DkimKey[]) {
    this.#keys = keys.map((key) => ({ ...key, endLength: headerEnd(Buffer.alloc(key.signatureBytes)).length }));
    const values = { names: SIGNED, bodyHash: hash('sha256', '', 'base64'), time: nowSeconds() };
    this.room = this.#keys.reduce((sum, key) => sum + new Header(key, values).length, 0);
  }

  /**
   * Signs what was written behind `room` free bytes: headers and body, all lines with CRLF. RSA is at work in the thread pool;
   * what it made is not written where `isOver` says by then that the bytes are another message's.
   */
  sign(written: Buffer, isOver: () => boolean): Signing {
    const end = endOfHeaders(written, this.room);
    const fields = relaxedFields(written.toString('latin1', this.room, end));
    const names = SIGNED.filter((name) => fields.has(name));
    const bodyHash = hash('sha256', relaxedBody(written, end + 4), 'base64');
    const values = { names, bodyHash, time: nowSeconds() };
    const headers = this.#keys.map((key) => new Header(key, values));

    const content = written.subarray(headers.reduce((left, { length }) => left - length, this.room));
    headers.reduce((at, header) => header.write(content, at), 0);
    const covered = names.map((name) => `${name}:${fields.get(name)}\r\n`).join('');
    const waiting = headers.flatMap((header) => header.sign(content, covered, isOver) ?? []);
    if (waiting.length === 0) return { content };
    this.#turn ??= new Turn(() => {
      this.#turn = null;
    });
    return { content, signed: this.#turn.with(waiting) };
  }
}

/**
 * Messages of one turn of the event loop are done together. One by one, each would have a call to Redis and a packet of its own,
 * which cost more than they wait for each other.
 */
class Turn {
  readonly #signatures: Promise<void>[] = [];
  readonly #done: Promise<void>;

  constructor(over: () => void) {
    this.#done = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
      over();
      await Promise.all(this.#signatures);
    });
    // A message may be called off before anybody waits for its signature.
    this.#done.catch(() => undefined);
  }

  with(signatures: readonly Promise<void>[]): Promise<void> {
    this.#signatures.push(...signatures);
    for (const one of signatures) one.catch(() => undefined);
    return this.#done;
  }
}

interface SizedKey extends DkimKey {
  /** Bytes that a signature takes in its header, with the line ends. */
  readonly endLength: number;
}

/** One signature of one message. */
class Header {
  readonly length: number;
  readonly #key: DkimKey;
  readonly #start: string;
  #at = 0;

  constructor(key: SizedKey, values: Omit<HeaderValues, 'identity'>) {
    const { names, bodyHash, time } = values;
    this.#key = key;
    this.#start = headerStart({ identity: key.identity, names, bodyHash, time });
    this.length = this.#start.length + key.endLength;
  }

  /** Writes all but the signature; returns where the header will end. */
  write(out: Buffer, at: number): number {
    this.#at = at + out.write(this.#start, at, 'latin1');
    return at + this.length;
  }

  /** Writes the signature into the message: at once, or by the promise that it returns. */
  sign(out: Buffer, covered: string, isOver: () => boolean): Promise<void> | null {
    const { identity, privateKey } = this.#key;
    const data = Buffer.from(covered + canonicalStart(this.#start), 'latin1');
    if (identity.algorithm === 'ed25519-sha256') {
      // RFC 8463 3: it signs the hash. To have that done elsewhere takes longer than to do it.
      this.#finish(out, sign(null, hash('sha256', data, 'buffer'), privateKey));
      return null;
    }
    return new Promise((resolve, reject) => {
      sign('sha256', data, privateKey, (error, signature) => {
        if (error) return reject(error);
        if (!isOver()) this.#finish(out, signature);
        resolve();
      });
    });
  }

  #finish(out: Buffer, signature: Buffer): void {
    out.write(headerEnd(signature), this.#at, 'latin1');
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
