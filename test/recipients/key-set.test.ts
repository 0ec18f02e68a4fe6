import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HalfSipHash } from '../../src/recipients/half-sip-hash.js';
import { KeySet } from '../../src/recipients/key-set.js';

describe('HalfSipHash', () => {
  // From vectors_hsip64 of the reference implementation: key 00..07, messages 00, 00 01, … of even length.
  it.each([
    [0, '218d1f59b9b83cc8'],
    [2, '064f39ef7c50eb57'],
    [4, 'd5e78a175be52ea1'],
    [6, 'ce3e91358aa2bc25'],
    [8, 'edfee820bce4858c'],
  ])('gives the reference digest for %i bytes', (length, expected) => {
    const message = Buffer.from(Array.from({ length }, (_, i) => i)).toString('utf16le');
    const hash = new HalfSipHash([0x03020100, 0x07060504]);
    hash.digest(message);
    const out = Buffer.alloc(8);
    out.writeInt32LE(hash.low, 0);
    out.writeInt32LE(hash.high, 4);
    expect(out.toString('hex')).toBe(expected);
  });
});

describe('KeySet', () => {
  it('answers as a Set of strings does', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.string({ maxLength: 2 }))), (steps) => {
        const keys = new KeySet();
        const model = new Set<string>();
        for (const [adds, key] of steps) {
          expect(keys.has(key)).toBe(model.has(key));
          if (adds) expect(keys.add(key)).toBe(!model.has(key));
          if (adds) model.add(key);
          expect(keys.size).toBe(model.size);
        }
      }),
    );
  });

  it('loses none of 300,000 keys, invents none, and holds at most 16 bytes a key from 20,000 on', () => {
    const keys = new KeySet();
    let most = 0;
    let wrong = 0;
    for (let i = 0; i < 300_000; i++) {
      if (!keys.add(`user${i}@example.com`)) wrong++;
      if (i >= 20_000) most = Math.max(most, keys.bytes / keys.size);
    }
    for (let i = 0; i < 300_000; i++) {
      if (keys.add(`user${i}@example.com`)) wrong++;
      if (keys.has(`user${i}@example.net`)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(keys.size).toBe(300_000);
    expect(most).toBeLessThanOrEqual(16);
  });

  it('counts every byte of typed arrays that it holds', () => {
    const before = process.memoryUsage().arrayBuffers;
    const keys = new KeySet();
    for (let i = 0; i < 200_000; i++) keys.add(String(i));
    const held = process.memoryUsage().arrayBuffers - before;
    expect(keys.bytes).toBeGreaterThanOrEqual(held * 0.9);
    expect(keys.size).toBe(200_000);
  });
});
