import { MAX_ADDRESS, MAX_LOCAL } from './address.js';

const DOT = 0x2e;
const AT = 0x40;
const HYPHEN = 0x2d;

/** The lower case of each byte that may stand there beside dots, and 0 for any other. */
const LOCAL = lowerCaseOf("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+/=?^_`{|}~-");
const DOMAIN = lowerCaseOf('abcdefghijklmnopqrstuvwxyz0123456789-');

function lowerCaseOf(allowed: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const char of allowed) {
    table[char.charCodeAt(0)] = char.charCodeAt(0);
    table[char.toUpperCase().charCodeAt(0)] = char.charCodeAt(0);
  }
  return table;
}

/**
 * Knows an address of the usual form by its bytes, as nearly all are: atoms with single dots, `@`, labels of letters,
 * digits and single hyphens, the last of letters alone. Says nothing about others: `parseAddress` does, which takes
 * every address that this takes, for the same; tests hold the two together.
 */
export class CommonAddress {
  /** The last address in lower case, its key and its domain for the relay; in code units, as keys are hashed. */
  readonly key = new Uint16Array(MAX_ADDRESS);
  length = 0;
  /** The place of the `@`. */
  at = 0;

  /** Whether these bytes are such an address. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const { key } = this;
    const length = end - start;
    if (length > MAX_ADDRESS) return false;
    let before = DOT;
    let i = 0;
    for (; ; i++) {
      if (i === length) return false;
      const byte = bytes[start + i] ?? 0;
      const lower = LOCAL[byte] ?? 0;
      if (lower === 0) {
        if (before === DOT) return false;
        if (byte === AT) break;
        if (byte !== DOT) return false;
      }
      key[i] = before = lower || DOT;
    }
    if (i > MAX_LOCAL) return false;
    key[i] = AT;
    this.at = i;
    this.length = length;
    return this.#readDomain(bytes, start, length);
  }

  #readDomain(bytes: Uint8Array, start: number, length: number): boolean {
    const { key } = this;
    let before = DOT;
    let label = this.at + 1;
    let letters = true;
    for (let i = label; i < length; i++) {
      const byte = bytes[start + i] ?? 0;
      const lower = byte === DOT ? DOT : (DOMAIN[byte] ?? 0);
      if (lower === 0) return false;
      if (lower === DOT || lower === HYPHEN) {
        // Two hyphens may be those of `xn--`, which are looked at with more care.
        if (before === DOT || before === HYPHEN) return false;
        letters = false;
      } else if (lower < 0x61) letters = false;
      if (lower === DOT) {
        if (i - label > 63) return false;
        label = i + 1;
        letters = true;
      }
      key[i] = before = lower;
    }
    const last = length - label;
    return letters && last >= 2 && last <= 63;
  }
}
