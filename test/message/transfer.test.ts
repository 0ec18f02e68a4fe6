import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodedBound, writeQuotedPrintable, writeSevenBit } from '../../src/message/transfer.js';

type Write = typeof writeSevenBit;

function run(write: Write, text: string): string | null {
  const source = Buffer.from(text);
  const out = Buffer.alloc(encodedBound(source.length) + 10, 0xff);
  // What stands behind the text in a buffer that is used again must not matter.
  const end = write(Buffer.concat([source, Buffer.from('\n=x')]), source.length, out, 10);
  if (end < 0) return null;
  expect(end).toBeLessThanOrEqual(out.length);
  return out.toString('latin1', 10, end);
}

/** Text as it comes, with much of what is special here. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ' ',
        '\t',
        '\n',
        '\r',
        '\r\n',
        '=',
        '.',
        '--=_',
        '\0',
        'ü',
        '😀',
        'From ',
        ' \n',
        '\t\r',
        '=\r\n',
      ),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 120 }),
      fc.nat(1100).map((n) => 'x'.repeat(n)),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

function decoded(encoded: string): string {
  const bytes = encoded
    .replaceAll('=\r\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

const canonical = (text: string) => text.replace(/\r\n|\r|\n/g, '\r\n');

describe('quoted-printable', () => {
  it.each([
    ['a=b', 'a=3Db'],
    ['ü', '=C3=BC'],
    ['a \nb\t', 'a=20\r\nb=09'],
    ['a  \r\n', 'a =20\r\n'],
    ['a\rb\nc\r\nd', 'a\r\nb\r\nc\r\nd'],
    ['\0', '=00'],
    ['x'.repeat(76), `${'x'.repeat(75)}=\r\nx`],
    [`${'x'.repeat(73)}=`, `${'x'.repeat(73)}=\r\n=3D`],
  ])('writes %j as RFC 2045 has it', (text, expected) => {
    expect(run(writeQuotedPrintable, text)).toBe(expected);
  });

  it('comes back as it was, in lines of 76, without blanks at their ends, and holds no boundary', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const encoded = run(writeQuotedPrintable, text) ?? '';
        for (const line of encoded.split('\r\n')) {
          expect(line.length).toBeLessThanOrEqual(76);
          expect(line).toMatch(/^(?:[!-<>-~ \t]|=[0-9A-F]{2})*(?:=|(?<![ \t]))$/);
        }
        expect(encoded).not.toContain('=_');
        expect(decoded(encoded)).toBe(canonical(text));
      }),
      { numRuns: 1000 },
    );
  }, 60_000);
});

describe('7bit', () => {
  it('leaves ASCII as it is, with CRLF line ends', () => {
    expect(run(writeSevenBit, 'a\nb\rc\r\n\td. \n.\n')).toBe('a\r\nb\r\nc\r\n\td. \r\n.\r\n');
    expect(run(writeSevenBit, 'x'.repeat(998))).toHaveLength(998);
  });

  it.each([
    ['a line of 999', 'x'.repeat(999)],
    ['a line of 999 that ends', `${'x'.repeat(999)}\n`],
    ['NUL', 'a\0'],
    ['DEL and escapes', 'a\x1b[0m\x7f'],
    ['what is not ASCII', 'ü'],
    ['what could be a delimiter', 'a\n--=_b\n'],
    ['what could be a delimiter at the end', '--=_'],
  ])('is refused for %s', (_title, text) => {
    expect(run(writeSevenBit, text)).toBeNull();
  });

  it('is either exact or refused', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const written = run(writeSevenBit, text);
        const allowed = canonical(text)
          .split('\r\n')
          .every((line) => /^[\t\x20-\x7e]{0,998}$/.test(line) && !line.startsWith('--=_'));
        expect(written).toBe(allowed ? canonical(text) : null);
      }),
      { numRuns: 1000 },
    );
  }, 60_000);
});
