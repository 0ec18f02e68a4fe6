import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageWriter, type Written } from '../../src/message/writer.js';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

describe('a writer', () => {
  it('changes no message that is still needed, whatever is written and done with meanwhile', () => {
    const size = fc.oneof(fc.nat(3_000), fc.nat(70_000), fc.constantFrom(0, 65_536, 300_000));
    const step = fc.oneof(
      { weight: 2, arbitrary: fc.record({ write: fc.array(size, { minLength: 1, maxLength: 3 }) }) },
      { weight: 2, arbitrary: fc.record({ done: fc.nat(50) }) },
    );
    let reused = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const writer = new MessageWriter();
        const needed: { written: Written; text: string }[] = [];
        const memory = new Set<ArrayBufferLike>();
        let written = 0;
        for (const one of steps) {
          if ('write' in one) {
            const letter = LETTERS[written++ % LETTERS.length] ?? '';
            const text = one.write.map((length) => letter.repeat(length)).join('|');
            for (const [at, piece] of text.split('|').entries()) writer.ascii(at === 0 ? piece : `|${piece}`);
            const message = writer.take();
            needed.push({ written: message, text });
            if (memory.has(message.content.buffer)) reused++;
            memory.add(message.content.buffer);
          } else {
            const [gone] = needed.splice(one.done % Math.max(1, needed.length), 1);
            gone?.written.done();
          }
          for (const { written: kept, text } of needed) {
            if (kept.content.toString('latin1') !== text) throw new Error(`a message that is needed was changed`);
          }
        }
      }),
      { numRuns: 60 },
    );
    expect(reused).toBeGreaterThan(100);
  }, 60_000);

  it('takes no new memory where messages are done with one after the other', () => {
    const writer = new MessageWriter();
    const memory = new Set<ArrayBufferLike>();
    const under: Written[] = [];
    for (let n = 0; n < 2_000; n++) {
      writer.ascii('x'.repeat(n % 3 === 0 ? 100_000 : 3_000));
      const written = writer.take();
      memory.add(written.content.buffer);
      under.push(written);
      if (under.length > 20) under.shift()?.done();
    }
    expect(memory.size).toBeLessThan(30);
  });
});
