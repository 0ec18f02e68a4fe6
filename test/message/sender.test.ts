import fc from 'fast-check';
import addressparser from 'nodemailer/lib/addressparser';
import { describe, expect, it } from 'vitest';
import { parseSender } from '../../src/message/sender.js';

describe('a sender', () => {
  it.each([
    ['news@example.com', 'news@example.com', 'news@example.com'],
    ['  <news@Example.COM> ', 'news@example.com', 'news@example.com'],
    ['Example News <news@example.com>', 'Example News <news@example.com>', 'news@example.com'],
    ['Example   News<news@example.com>', 'Example News <news@example.com>', 'news@example.com'],
    ['"Doe, John" <j@example.com>', '"Doe, John" <j@example.com>', 'j@example.com'],
    ['Acme (Sales) <s@example.com>', '"Acme (Sales)" <s@example.com>', 's@example.com'],
    ['"A \\"B\\" \\\\" <s@example.com>', '"A \\"B\\" \\\\" <s@example.com>', 's@example.com'],
    ['Zoë <z@bücher.example>', 'Zoë <z@xn--bcher-kva.example>', 'z@xn--bcher-kva.example'],
    ['root@localhost', 'root@localhost', 'root@localhost'],
  ])('%s is read', (text, header, address) => {
    expect(parseSender(text)).toMatchObject({ header, address });
    expect(parseSender(header)).toMatchObject({ header, address });
  });

  it.each([
    ['', 'has no @'],
    ['news', 'has no @'],
    ['a@b.c, d@e.f', 'more than one|no local part'],
    ['Doe, John <j@example.com>', 'more than one'],
    ['a@b.c d@e.f <g@h.i>', 'more than one'],
    ['A <a@b.c> B <d@e.f>', 'no local part'],
    ['Team: a@b.c;', 'no local part|no domain'],
    ['a\r\nBcc: x@y.z <a@b.c>', 'control characters'],
    ['a@b.c\u2028', ''],
    ['.a@b.c', 'no local part'],
    ['a..b@b.c', 'no local part'],
    ['a b@b.c', 'no local part'],
    ['zoë@b.c', 'no local part'],
    [`${'a'.repeat(65)}@b.c`, 'allowed are 64'],
    [`a@${'b'.repeat(64)}.c`, 'no domain'],
    [`a@${'b.'.repeat(126)}cc`, 'no domain|longer'],
    ['a@-b.c', 'no domain'],
    ['a@b..c', 'no domain'],
    ['a@b_c.d', 'no domain'],
    ['a@127.1', 'no domain'],
    ['a@[127.0.0.1]', 'no domain'],
    ['a@', 'no domain'],
  ])('%j is refused, with the reason', (text, why) => {
    const error = (() => {
      try {
        return parseSender(text);
      } catch (caught) {
        return caught;
      }
    })();
    // A separator at the end is white space, which is trimmed.
    if (text.endsWith('\u2028')) return expect(error).toMatchObject({ address: 'a@b.c' });
    expect(error).toMatchObject({ code: 'SENDER_INVALID', message: expect.stringMatching(why) });
  });

  it('parses to itself, and as others read it, whatever its name', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replace(/\p{Cc}/gu, '').trim());
    fc.assert(
      fc.property(
        name.filter((text) => text !== ''),
        (text) => {
          const quoted = `"${text.replace(/["\\]/g, '\\$&')}" <a@example.com>`;
          const sender = parseSender(quoted);
          expect(sender.name).toBe(text.replace(/\s+/g, ' ').trim());
          expect(parseSender(sender.header)).toEqual(sender);
          expect(addressparser(sender.header)).toEqual([{ name: sender.name, address: 'a@example.com' }]);
        },
      ),
    );
  });
});
