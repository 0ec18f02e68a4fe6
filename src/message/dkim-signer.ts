import { createHash, type KeyObject, sign } from 'node:crypto';
import type { DkimIdentity } from '../domain/dkim.js';
import { endOfHeaders, relaxedBody, relaxedFields } from './dkim-canonical.js';
import { canonicalStart, headerEnd, headerStart } from './dkim-header.js';

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
  /** Resolves when they have been written; rejects where a key can't sign. */
  readonly signed: Promise<void>;
}

/** Signs messages with all of its keys, each in a header of its own (RFC 6376, 8463). */
export class DkimSigner {
  /** Bytes to leave in front of a message. */
  readonly room: number;
  readonly #keys: readonly DkimKey[];

  constructor(keys: readonly DkimKey[]) {
    this.#keys = keys;
    const values = { names: SIGNED, bodyHash: sha256('').toString('base64'), time: nowSeconds() };
    this.room = keys.reduce((sum, key) => sum + new Header(key, values).length, 0);
  }

  /**
   * Signs what was written behind `room` free bytes: headers and body, all lines with CRLF. The keys are at work in the
   * thread pool; what they made is not written where `isOver` says by then that the bytes are another message's.
   */
  sign(written: Buffer, isOver: () => boolean): Signing {
    const end = endOfHeaders(written, this.room);
    const fields = relaxedFields(written.toString('latin1', this.room, end));
    const names = SIGNED.filter((name) => fields.has(name));
    const bodyHash = sha256(relaxedBody(written, end + 4)).toString('base64');
    const values = { names, bodyHash, time: nowSeconds() };
    const headers = this.#keys.map((key) => new Header(key, values));

    const content = written.subarray(headers.reduce((left, { length }) => left - length, this.room));
    headers.reduce((at, header) => header.write(content, at), 0);
    const covered = names.map((name) => `${name}:${fields.get(name)}\r\n`).join('');
    const signed = Promise.all(headers.map((header) => header.sign(covered))).then(() => {
      if (!isOver()) for (const header of headers) header.finish(content);
    });
    // A message may be called off before anybody waits for its signature.
    signed.catch(() => undefined);
    return { content, signed };
  }
}

/** One signature of one message. */
class Header {
  readonly length: number;
  readonly #key: DkimKey;
  readonly #start: string;
  #at = 0;
  #end = '';

  constructor(key: DkimKey, values: { names: readonly string[]; bodyHash: string; time: number }) {
    this.#key = key;
    this.#start = headerStart({ identity: key.identity, ...values });
    this.length = this.#start.length + headerEnd(Buffer.alloc(key.signatureBytes)).length;
  }

  /** Writes all but the signature; returns where the header will end. */
  write(out: Buffer, at: number): number {
    this.#at = at + out.write(this.#start, at, 'latin1');
    return at + this.length;
  }

  async sign(covered: string): Promise<void> {
    this.#end = headerEnd(await signature(this.#key, Buffer.from(covered + canonicalStart(this.#start), 'latin1')));
  }

  finish(out: Buffer): void {
    out.write(this.#end, this.#at, 'latin1');
  }
}

/** In the thread pool: RSA takes longer than all else that is done for a message. */
function signature({ identity, privateKey }: DkimKey, data: Buffer): Promise<Buffer> {
  // RFC 8463 3: Ed25519 signs the hash.
  const [hash, signed] = identity.algorithm === 'rsa-sha256' ? ['sha256', data] : [null, sha256(data)];
  return new Promise((resolve, reject) => {
    sign(hash, signed, privateKey, (error, made) => (error ? reject(error) : resolve(made)));
  });
}

function sha256(data: Buffer | string): Buffer {
  return createHash('sha256').update(data).digest();
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
