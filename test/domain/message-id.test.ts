import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESSAGE_ID_LOCAL_LENGTH, messageIdOf } from '../../src/domain/message-id.js';

const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
const words = fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replaceAll('\0', ''));

describe('a Message-ID', () => {
  it('is the same at every attempt, and by any version: sha256(salt NUL campaign NUL address)', () => {
    expect(messageIdOf('spring', '0123456789abcdef0123456789abcdef', 'example.com', 'reader@example.org')).toBe(
      '<M_HLYAjlbuGkqmRiLhXR9S@example.com>',
    );
  });

  it('is one of RFC 5322 3.6.4', () => {
    fc.assert(
      fc.property(words, hex, words, (campaign, salt, address) => {
        const id = messageIdOf(campaign, salt, 'example.com', address);
        expect(id).toMatch(/^<[A-Za-z0-9_-]+@example\.com>$/);
        expect(id.indexOf('@') - 1).toBe(MESSAGE_ID_LOCAL_LENGTH);
      }),
    );
  });

  it('differs where campaign, salt or address do, also where text moves from one to the other', () => {
    const triple = fc.tuple(words, words, words);
    fc.assert(
      fc.property(triple, triple, words, ([a, b, c], [x, y, z], moved) => {
        const same = a === x && b === y && c === z;
        expect(messageIdOf(a, b, 'x.test', c) === messageIdOf(x, y, 'x.test', z)).toBe(same);
        const ids = [
          messageIdOf(a, `${b}${moved}`, 'x.test', c),
          messageIdOf(`${moved}${a}`, b, 'x.test', c),
          messageIdOf(a, b, 'x.test', `${moved}${c}`),
        ];
        if (moved !== '' && `${b}${moved}` !== b) expect(ids[0] === ids[1] || ids[0] === ids[2]).toBe(false);
      }),
    );
  });
});
