import type { BodyPart } from './body-part.js';

/** Small messages are written side by side into slabs of this size. */
const SLAB = 65_536;
/** Bytes that wait to be used again, at most: what 20 connections have under way of messages of half a megabyte. */
const KEPT = 32 * 1024 * 1024;

/** A stretch of memory that holds messages, and is used again when all of them are done with. */
interface Slab {
  readonly bytes: Buffer;
  /** Messages in it that are still needed. Where one is never said to be done with, the slab is garbage some day. */
  needed: number;
  end: number;
}

/** Slabs that wait to be used again, of all campaigns that a process sends, smallest first. */
const free: Slab[] = [];
let kept = 0;

/** What was written, where it stays until it is done with. */
export interface Written {
  readonly content: Buffer;
  /** Its bytes may be used for another message. To be told once. */
  readonly done: () => void;
}

/**
 * Writes one message after the other, each where it stays, so that none is copied. Memory is used again rather than
 * allocated: V8 collects garbage as often as so much of it was asked for outside its heap.
 */
export class MessageWriter {
  #slab: Slab = newSlab(0);
  #start = 0;

  /** Headers and delimiters: ASCII with CRLF line ends. */
  ascii(text: string): void {
    this.#reserve(text.length);
    const slab = this.#slab;
    slab.end += slab.bytes.write(text, slab.end, 'latin1');
  }

  /** Leaves bytes free, for whoever takes the message to fill. */
  skip(bytes: number): void {
    this.#reserve(bytes);
    this.#slab.end += bytes;
  }

  bytes(bytes: Buffer): void {
    this.#reserve(bytes.length);
    const slab = this.#slab;
    slab.bytes.set(bytes, slab.end);
    slab.end += bytes.length;
  }

  part(part: BodyPart, values: readonly string[]): void {
    this.#reserve(part.bound(values));
    this.#slab.end = part.write(values, this.#slab.bytes, this.#slab.end);
  }

  /** The message so far; the next one begins. */
  take(): Written {
    const slab = this.#slab;
    const content = slab.bytes.subarray(this.#start, slab.end);
    this.#start = slab.end;
    slab.needed++;
    return { content, done: () => this.#done(slab) };
  }

  #done(slab: Slab): void {
    slab.needed--;
    if (slab.needed > 0) return;
    if (slab !== this.#slab) keep(slab);
    // Unless a message is being written behind those that are done with.
    else if (this.#start === slab.end) this.#start = slab.end = 0;
  }

  /** Makes sure that so much can be written. */
  #reserve(more: number): void {
    const full = this.#slab;
    if (full.end + more <= full.bytes.length) return;
    const begun = full.bytes.subarray(this.#start, full.end);
    const slab = slabFor(begun.length + more);
    slab.bytes.set(begun);
    slab.end = begun.length;
    this.#slab = slab;
    this.#start = 0;
    if (full.needed === 0) keep(full);
  }
}

function keep(slab: Slab): void {
  const { length } = slab.bytes;
  if (kept + length > KEPT) return;
  slab.end = 0;
  kept += length;
  const larger = free.findIndex((one) => one.bytes.length > length);
  free.splice(larger < 0 ? free.length : larger, 0, slab);
}

/** The smallest that is large enough. */
function slabFor(bytes: number): Slab {
  const at = free.findIndex((slab) => slab.bytes.length >= bytes);
  const [slab] = at < 0 ? [] : free.splice(at, 1);
  if (!slab) return newSlab(bytes);
  kept -= slab.bytes.length;
  return slab;
}

function newSlab(bytes: number): Slab {
  return { bytes: Buffer.allocUnsafeSlow(Math.max(SLAB, bytes)), needed: 0, end: 0 };
}
