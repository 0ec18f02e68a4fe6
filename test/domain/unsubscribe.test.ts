import { createHash, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeSuppressionHash } from '../../src/domain/suppression.js';
import { openToken, TEST_TOKEN, TOKEN_LENGTHS, tokensOf } from '../../src/domain/unsubscribe.js';

const SECRET = 'ab'.repeat(32);
const OTHER = `${'ab'.repeat(31)}ac`;
const topics = fc.option(fc.stringMatching(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/), { nil: null });
const addresses = fc.emailAddress();

function hashOf(secret: string, key: string): Buffer {
  const bytes = Buffer.alloc(10);
  writeSuppressionHash(secret, key, bytes, 0);
  return bytes;
}

describe('a token to unsubscribe by', () => {
  it('says whom, as the suppression list keeps them, and what about', () => {
    fc.assert(
      fc.property(addresses, topics, (address, topic) => {
        const token = tokensOf(SECRET, topic)(address);
        expect(openToken(SECRET, token)).toEqual({ hash: hashOf(SECRET, address.toLowerCase()), topic });
      }),
    );
  });

  it('is the same each time, whoever comes in between, and another one for another address or topic', () => {
    const news = tokensOf(SECRET, 'news');
    const first = news('Ada@example.com');
    expect(news('bob@example.com')).not.toBe(first);
    expect(news('ada@example.com')).toBe(first);
    expect(tokensOf(SECRET, 'new')('ada@example.com')).not.toBe(first);
    expect(tokensOf(SECRET, null)('ada@example.com')).not.toBe(first);
  });

  it('is signed as RFC 2104 says', () => {
    const key = createHash('sha256').update(`unsubscribe ${SECRET}`).digest();
    const bytes = Buffer.from(tokensOf(SECRET, 'news')('ada@example.com'), 'base64url');
    const [signed, tag] = [bytes.subarray(0, -16), bytes.subarray(-16)];
    expect(signed).toEqual(Buffer.concat([Buffer.of(1), hashOf(SECRET, 'ada@example.com'), Buffer.from('news')]));
    expect(tag).toEqual(createHmac('sha256', key).update(signed).digest().subarray(0, 16));
  });

  it('of another version is left to that one, though it is signed as well', () => {
    const key = createHash('sha256').update(`unsubscribe ${SECRET}`).digest();
    const versioned = (version: number) => {
      const signed = Buffer.concat([Buffer.of(version), hashOf(SECRET, 'ada@example.com')]);
      const tag = createHmac('sha256', key).update(signed).digest().subarray(0, 16);
      return openToken(SECRET, Buffer.concat([signed, tag]).toString('base64url'));
    };
    expect(versioned(1)?.topic).toBeNull();
    expect(versioned(1)?.hash).toEqual(hashOf(SECRET, 'ada@example.com'));
    expect([versioned(0), versioned(2)]).toEqual([null, null]);
  });

  it('has no bit that can be changed, left out or added', () => {
    const place = fc.tuple(addresses, topics, fc.nat(), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(place, ([address, topic, at, change]) => {
        const token = tokensOf(SECRET, topic)(address);
        const bytes = Buffer.from(token, 'base64url');
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ change;
        expect(openToken(SECRET, bytes.toString('base64url'))).toBeNull();
        expect(openToken(SECRET, token.slice(0, at % token.length))).toBeNull();
        expect(openToken(SECRET, token + 'A'.repeat(1 + (at % 5)))).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  it('is written in one way only: no character of it can be another one', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.% ';
    for (const topic of [null, 'a', 'ab', 'abc']) {
      const token = tokensOf(SECRET, topic)('ada@example.com');
      for (let at = 0; at < token.length; at++)
        for (const letter of letters)
          if (letter !== token[at])
            expect(openToken(SECRET, token.slice(0, at) + letter + token.slice(at + 1))).toBeNull();
    }
  });

  it('is nothing under another secret', () => {
    fc.assert(
      fc.property(addresses, topics, (address, topic) => {
        expect(openToken(OTHER, tokensOf(SECRET, topic)(address))).toBeNull();
      }),
    );
  });

  it('is nothing that somebody makes up, of whatever length', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 200 }), fc.base64String({ maxLength: 200 })), (text) => {
        expect(openToken(SECRET, text)).toBeNull();
      }),
    );
    for (let length = 0; length < 150; length++) {
      const bytes = randomBytes(length);
      bytes[0] = 1;
      expect(openToken(SECRET, bytes.toString('base64url'))).toBeNull();
    }
    expect(openToken(SECRET, TEST_TOKEN)).toBeNull();
  });

  it('shows nothing of the address: not in its text, and not in its bytes', () => {
    fc.assert(
      fc.property(addresses, topics, (address, topic) => {
        const token = tokensOf(SECRET, topic)(address);
        const shown = [token, Buffer.from(token, 'base64url').toString('latin1')].join(' ').toLowerCase();
        const [local = '', domain = ''] = address.toLowerCase().split('@');
        for (const part of [local, domain])
          if (part.length > 3 && !topic?.includes(part)) expect(shown).not.toContain(part);
        // Nor by its length.
        expect(token).toHaveLength(Math.ceil(((27 + (topic?.length ?? 0)) * 4) / 3));
      }),
    );
  });

  it('is short: 36 characters, and 122 with the longest topic', () => {
    expect(tokensOf(SECRET, null)(`${'a'.repeat(64)}@example.com`)).toHaveLength(36);
    expect(tokensOf(SECRET, 'a'.repeat(64))('a@b.example')).toHaveLength(122);
    expect(TOKEN_LENGTHS).toEqual({ least: 36, most: 122 });
  });
});
