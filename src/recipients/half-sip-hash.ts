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
  readonly #k0: number;
  readonly #k1: number;
  #units = new Uint16Array(256);

  constructor(key: readonly [number, number]) {
    [this.#k0, this.#k1] = key;
  }

  digest(text: string): void {
    const { length } = text;
    if (length > this.#units.length) this.#units = new Uint16Array(length * 2);
    for (let i = 0; i < length; i++) this.#units[i] = text.charCodeAt(i);
    this.digestUnits(this.#units, length);
  }

  /**
   * The digest of the string of these code units. One function over local variables: as fields, the four words would be
   * boxed numbers, three times as slow.
   */
  digestUnits(units: Uint16Array, length: number): void {
    let v0 = this.#k0;
    let v1 = this.#k1 ^ 0xee;
    let v2 = 0x6c796765 ^ this.#k0;
    let v3 = 0x74656462 ^ this.#k1;
    const words = (length >> 1) + 1;
    // After the words of the text come two times four rounds, one time for each half of the result.
    for (let word = 0; word < words + 2; word++) {
      let m = 0;
      if (word < words) {
        const i = word * 2;
        const low = i < length ? (units[i] ?? 0) : 0;
        m = word === words - 1 ? low | ((length * 2) << 24) : low | ((units[i + 1] ?? 0) << 16);
        v3 ^= m;
      } else if (word === words) v2 ^= 0xee;
      else {
        this.low = v1 ^ v3;
        v1 ^= 0xdd;
      }
      for (let round = word < words ? 2 : 4; round > 0; round--) {
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
      v0 ^= m;
    }
    this.high = v1 ^ v3;
  }
}
