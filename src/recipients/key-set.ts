import { randomBytes } from 'node:crypto';
import { HalfSipHash } from './half-sip-hash.js';

const SEGMENTS = 32;
/** A page is 4 KiB: 512 slots of two 32-bit halves. */
const PAGE_BITS = 9;
const PAGE_SLOTS = 1 << PAGE_BITS;
const PAGE_BYTES = PAGE_SLOTS * 8;
/** What the objects around a page's memory cost in V8, rounded up. */
const PAGE_OVERHEAD = 256;
const MAX_LOAD = 0.8;
/** After growing, a segment is 0.8 / 1.25 = 64% full: at most 12.5 bytes an entry, and 13.3 with the overhead. */
const GROWTH = 1.25;

/**
 * The addresses seen so far, as 64-bit hashes under a random key of this set: no more than 16 bytes an entry from
 * 20,000 entries on, at every moment (the first pages are 140 kB).
 *
 * Two different addresses share a hash with a chance of n² / 2⁶⁵: for 10 million addresses 1 in 370,000 that any one of
 * them is taken for another. Whoever writes the list doesn't know the key, so cannot do better than chance.
 *
 * Each hash lives in one of 32 segments, an open-addressed table made of pages. A segment grows by adding pages and
 * rehashing in place through one shared scratch array, so growing leaves no old tables for the garbage collector, and
 * only one thirty-second of the set is ever held twice.
 */
export class KeySet {
  readonly #hash: HalfSipHash;
  readonly #segments: Segment[] = [];
  #scratch = new Uint32Array(0);
  #pages = 0;
  #size = 0;

  constructor() {
    const key = randomBytes(8);
    this.#hash = new HalfSipHash([key.readInt32LE(0), key.readInt32LE(4)]);
    for (let i = 0; i < SEGMENTS; i++) this.#segments.push({ pages: [], slots: 0, used: 0 });
    for (const segment of this.#segments) this.#addPages(segment, 1);
  }

  /** How many different keys were added. */
  get size(): number {
    return this.#size;
  }

  /** Bytes held now. They never shrink, so this is the peak, too. */
  get bytes(): number {
    return this.#pages * (PAGE_BYTES + PAGE_OVERHEAD) + this.#scratch.byteLength;
  }

  /** True when the key is new. */
  add(key: string): boolean {
    this.#hash.digest(key);
    return this.#addHash();
  }

  has(key: string): boolean {
    this.#hash.digest(key);
    return this.#hasHash();
  }

  /** The same for the key of these code units. */
  addUnits(units: Uint16Array, length: number): boolean {
    this.#hash.digestUnits(units, length);
    return this.#addHash();
  }

  hasUnits(units: Uint16Array, length: number): boolean {
    this.#hash.digestUnits(units, length);
    return this.#hasHash();
  }

  #addHash(): boolean {
    const segment = this.#locate();
    if (!insert(segment, this.#hash.low, this.#hash.high)) return false;
    this.#size++;
    if (segment.used > segment.slots * MAX_LOAD) this.#grow(segment);
    return true;
  }

  #hasHash(): boolean {
    const segment = this.#locate();
    return find(segment, this.#hash.low, this.#hash.high) < 0;
  }

  /** Where the last hash belongs: the low bits of `low` choose the segment, `high` the slot in it. */
  #locate(): Segment {
    // An empty slot is two zeros, so the one hash that looks like it borrows its neighbour's.
    if (this.#hash.low === 0 && this.#hash.high === 0) this.#hash.low = SEGMENTS;
    return at(this.#segments, this.#hash.low & (SEGMENTS - 1));
  }

  #grow(segment: Segment): void {
    const { used } = segment;
    if (this.#scratch.length < used * 2) this.#scratch = new Uint32Array(Math.ceil(used * 2 * GROWTH));
    const scratch = this.#scratch;
    let filled = 0;
    for (const page of segment.pages) {
      for (let i = 0; i < page.length; i += 2) {
        if (page[i] === 0 && page[i + 1] === 0) continue;
        scratch[filled++] = page[i] ?? 0;
        scratch[filled++] = page[i + 1] ?? 0;
      }
      page.fill(0);
    }
    this.#addPages(segment, Math.max(1, Math.round(segment.pages.length * (GROWTH - 1))));
    for (let i = 0; i < filled; i += 2) put(segment, scratch[i] ?? 0, scratch[i + 1] ?? 0);
  }

  #addPages(segment: Segment, count: number): void {
    for (let i = 0; i < count; i++) segment.pages.push(new Uint32Array(PAGE_SLOTS * 2));
    segment.slots += count * PAGE_SLOTS;
    this.#pages += count;
  }
}

interface Segment {
  readonly pages: Uint32Array[];
  slots: number;
  used: number;
}

/** Slots are in the order of `high`, so that a segment is rehashed from its one end to the other. */
function home(segment: Segment, high: number): number {
  return Math.floor(((high >>> 0) / 0x1_0000_0000) * segment.slots) >>> 0;
}

/** The slot where the hash could go, or `-1 - slot` where it already is. Some slot is always empty, so this ends. */
function find(segment: Segment, low: number, high: number): number {
  const { pages, slots } = segment;
  const l = low >>> 0;
  const h = high >>> 0;
  let slot = home(segment, h);
  for (;;) {
    const page = at(pages, slot >>> PAGE_BITS);
    const i = (slot & (PAGE_SLOTS - 1)) * 2;
    if (page[i] === l && page[i + 1] === h) return -1 - slot;
    if (page[i] === 0 && page[i + 1] === 0) return slot;
    if (++slot === slots) slot = 0;
  }
}

function insert(segment: Segment, low: number, high: number): boolean {
  const slot = find(segment, low, high);
  if (slot < 0) return false;
  const page = at(segment.pages, slot >>> PAGE_BITS);
  const i = (slot & (PAGE_SLOTS - 1)) * 2;
  page[i] = low;
  page[i + 1] = high;
  segment.used++;
  return true;
}

/** Puts a hash that is surely not there into a segment that counts it already. */
function put(segment: Segment, low: number, high: number): void {
  const { pages, slots } = segment;
  let slot = home(segment, high);
  for (;;) {
    const page = at(pages, slot >>> PAGE_BITS);
    const i = (slot & (PAGE_SLOTS - 1)) * 2;
    if (page[i] === 0 && page[i + 1] === 0) {
      page[i] = low;
      page[i + 1] = high;
      return;
    }
    if (++slot === slots) slot = 0;
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no item ${index} of ${items.length}`);
  return item;
}
