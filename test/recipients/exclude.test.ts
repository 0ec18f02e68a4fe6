import { describe, expect, it } from 'vitest';
import { readExclude } from '../../src/recipients/exclude.js';
import { pieces, refusal } from './support.js';

const MANY = Array.from({ length: 10_000 }, (_, i) => `user${i}@example.com`);

describe('readExclude', () => {
  it.each([
    ['one address on each line', '\ufeff\r\nAnn@Example.com\r\n\r\n "a b"@example.com \nbob@bücher.example'],
    [
      'a CSV file',
      'name;E-Mail\n"x;y";Ann@Example.com\nq;"""a b""@example.com"\n;bob@bücher.example\nagain;ann@example.COM\n',
    ],
    ['NDJSON', '{"email":"Ann@Example.com"}\n{"email":"\\"a b\\"@example.com"}\n{"email":"bob@bücher.example"}'],
  ])('reads %s, cut at any byte', async (_format, text) => {
    for (const sizes of [[1], [2, 3], [65_536]]) {
      const keys = await readExclude(pieces(text, sizes), 'never.txt');
      expect(keys.size).toBe(3);
      for (const key of ['ann@example.com', '"a b"@example.com', 'bob@xn--bcher-kva.example']) {
        expect(keys.has(key)).toBe(true);
      }
    }
  });

  it('reads a list larger than one piece, whole', async () => {
    for (const text of [MANY.join('\n'), `email\n${MANY.join('\n')}`]) {
      const keys = await readExclude(pieces(text), 'never.txt');
      expect(keys.size).toBe(10_000);
      expect(MANY.every((address) => keys.has(address))).toBe(true);
    }
  });

  it('takes an empty file for an empty list, and three bytes for an address', async () => {
    expect((await readExclude(pieces(''), 'never.txt')).size).toBe(0);
    expect((await readExclude(pieces('\r\n \n'), 'never.txt')).size).toBe(0);
    expect((await readExclude(pieces('a@b'), 'never.txt')).has('a@b')).toBe(true);
  });

  it.each([
    ['a bad line', `${MANY.join('\n')}\nnobody\n`, 'LIST_SYNTAX', 'Line 10001 of never.txt'],
    ['a bad cell', 'email\na@b.c\n"x\ny"\n', 'LIST_SYNTAX', 'Line 3 of never.txt'],
    ['an empty cell', 'email,n\na@b.c,\n,x\n', 'LIST_SYNTAX', 'Line 3 of never.txt'],
    ['a ragged row', 'email,n\na@b.c\n', 'LIST_SYNTAX', 'Line 2 of never.txt'],
    ['no address column', 'name,n\na@b.c,x\n', 'LIST_NO_ADDRESS_COLUMN', 'never.txt'],
    ['bytes that are not UTF-8', Buffer.from('a@b.c\nj\u00f6@b.c\n', 'latin1'), 'LIST_UNREADABLE', 'line 2'],
  ])('refuses %s', async (_what, bytes, code, words) => {
    const error = await refusal(readExclude(pieces(bytes), 'never.txt'));
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(error.hint).toBeTruthy();
    expect(error.hint).not.toContain('--email-column');
  });
});
