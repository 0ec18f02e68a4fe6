/**
 * HalfSipHash-2-4 with 64 bits of output (Aumasson, Bernstein; the 32-bit sibling of SipHash that Linux uses for its
 * tables), over the UTF-16LE bytes of a string. Keyed, so that nobody who writes a list can make addresses collide on
 * purpose; in plain 32-bit arithmetic, so that it costs a tenth of a call into OpenSSL and leaves no garbage.
 *
 * One object holds the last result in `low` and `high`; this spares an allocation per row.
 */
export class HalfSipHash {
  /** The two halves of the last digest, as signed 32-bit integers. */
  low = 0;
  high = 0;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;
  readonly #k0: number;
  readonly #k1: number;

  constructor(key: readonly [number, number]) {
    [this.#k0, this.#k1] = key;
  }

  digest(text: string): void {
    this.#v0 = this.#k0;
    this.#v1 = this.#k1 ^ 0xee;
    this.#v2 = 0x6c796765 ^ this.#k0;
    this.#v3 = 0x74656462 ^ this.#k1;
    const even = text.length & ~1;
    for (let i = 0; i < even; i += 2) this.#absorb(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    const tail = even === text.length ? 0 : text.charCodeAt(even);
    this.#absorb(tail | ((text.length * 2) << 24));
    this.#v2 ^= 0xee;
    this.#rounds(4);
    this.low = this.#v1 ^ this.#v3;
    this.#v1 ^= 0xdd;
    this.#rounds(4);
    this.high = this.#v1 ^ this.#v3;
  }

  #absorb(word: number): void {
    this.#v3 ^= word;
    this.#rounds(2);
    this.#v0 ^= word;
  }

  #rounds(count: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
