import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuotedPrintable } from '../../src/message/quoted-printable.js';
import { SevenBit } from '../../src/message/seven-bit.js';
import { encodedBound, type TransferEncoder } from '../../src/message/transfer.js';

const quoted = new QuotedPrintable();
const sevenBit = new SevenBit();

/** A piece of text, and whether it is encoded beforehand. */
interface Piece {
  readonly text: string;
  readonly fixed: boolean;
}

/** Null where the encoder refuses. The room behind the bound is watched. */
function run(encoder: TransferEncoder, ...pieces: (Piece | string)[]): string | null {
  const all = pieces.map((piece) => (typeof piece === 'string' ? { text: piece, fixed: false } : piece));
  const bound = all.reduce((sum, { text }) => sum + encodedBound(text.length), 10);
  const stretches = all.map(({ text, fixed }) => {
    if (!fixed || text === '') return null;
    encoder.begin(Buffer.alloc(encodedBound(text.length)), 0, true);
    if (!encoder.text(text)) return false;
    const stretch = encoder.taken(text, 0);
    return encoder.finish() < 0 ? false : stretch;
  });
  const out = Buffer.alloc(bound + 10, 0xff);
  encoder.begin(out, 10);
  for (const [index, stretch] of stretches.entries()) {
    const allowed = stretch === null ? encoder.text(all[index]?.text ?? '') : stretch && encoder.stretch(stretch);
    if (!allowed) return null;
  }
  const end = encoder.finish();
  if (end < 0) return null;
  expect(end).toBeLessThanOrEqual(bound);
  expect(out.toString('latin1', bound)).toBe('\xff'.repeat(10));
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

/** What an encoded text must be, whatever it was made of. */
function expectQuoted(encoded: string, text: string): void {
  for (const line of encoded.split('\r\n')) {
    expect(line.length).toBeLessThanOrEqual(76);
    expect(line).toMatch(/^(?:[!-<>-~ \t]|=[0-9A-F]{2})*(?:=|(?<![ \t]))$/);
    expect(line).not.toMatch(/^\./);
    // Each line holds whole characters.
    const bytes = Buffer.from(
      line.replace(/=$/, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
      'latin1',
    );
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).not.toThrow();
  }
  expect(encoded).not.toContain('=_');
  // Half a character has no UTF-8 and becomes U+FFFD.
  expect(decoded(encoded)).toBe(Buffer.from(canonical(text)).toString());
}

const pieces = fc.array(fc.record({ text: texts, fixed: fc.boolean() }), { maxLength: 8 });
/** So small that borders fall between all that belongs together. */
const crumbs = fc.array(
  fc.record({
    text: fc.oneof(
      fc.constantFrom('', ' ', '\t', '\r', '\n', '\r\n', '-', '--', '=', '_', '--=_', 'x', 'ü', '\ud83d', '\ude00'),
      fc.constantFrom('.', '..', ' .', '. ', 'x'.repeat(73), 'x'.repeat(74), 'x'.repeat(75)),
    ),
    fixed: fc.boolean(),
  }),
  { maxLength: 16 },
);
const whole = (all: readonly Piece[]) => all.map(({ text }) => text).join('');

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
    ['.a.\n..', '=2Ea.\r\n=2E.'],
    [`${'x'.repeat(75)}.`, `${'x'.repeat(75)}=\r\n=2E`],
    [`${'x'.repeat(74)} .`, `${'x'.repeat(74)} =\r\n=2E`],
  ])('writes %j as RFC 2045 has it', (text, expected) => {
    expect(run(quoted, text)).toBe(expected);
  });

  it('comes back as it was, in lines of 76, without blanks at their ends, and holds no boundary', () => {
    fc.assert(
      fc.property(texts, (text) => expectQuoted(run(quoted, text) ?? '', text)),
      { numRuns: 1000 },
    );
  }, 60_000);

  it('comes back as it was from pieces, some of them encoded beforehand, wherever their borders fall', () => {
    // A template is UTF-8, so that half a character is in values only.
    const halves = crumbs.map((all) =>
      all.map((one) => (/^[\ud800-\udfff]$/.test(one.text) ? { ...one, fixed: false } : one)),
    );
    fc.assert(
      fc.property(fc.oneof(pieces, halves), (all) => expectQuoted(run(quoted, ...all) ?? '', whole(all))),
      { numRuns: 3000 },
    );
  }, 60_000);

  it('is no longer than from one piece but for a soft break at each border', () => {
    fc.assert(
      fc.property(pieces, (all) => {
        const [apart, together] = [run(quoted, ...all) ?? '', run(quoted, whole(all)) ?? ''];
        // Lines that break elsewhere may be a character short each.
        expect(apart.length).toBeLessThanOrEqual(together.length * 1.2 + all.length * 6);
      }),
    );
  }, 60_000);
});

describe('7bit', () => {
  it('leaves ASCII as it is, with CRLF line ends', () => {
    expect(run(sevenBit, 'a\nb\rc\r\n\td. \n .\n')).toBe('a\r\nb\r\nc\r\n\td. \r\n .\r\n');
    expect(run(sevenBit, 'x'.repeat(998))).toHaveLength(998);
  });

  it.each([
    ['a line of 999', 'x'.repeat(999)],
    ['a line of 999 that ends', `${'x'.repeat(999)}\n`],
    ['NUL', 'a\0'],
    ['DEL and escapes', 'a\x1b[0m\x7f'],
    ['what is not ASCII', 'ü'],
    ['a line that begins with a dot', 'a\n.b\n'],
    ['a dot', '.'],
    ['what could be a delimiter', 'a\n--=_b\n'],
    ['what could be a delimiter at the end', '--=_'],
  ])('is refused for %s', (_title, text) => {
    expect(run(sevenBit, text)).toBeNull();
  });

  it('is exact or refused by what the pieces are together, wherever their borders fall', () => {
    fc.assert(
      fc.property(fc.oneof(pieces, crumbs), (all) => {
        const together = run(sevenBit, whole(all));
        expect(run(sevenBit, ...all)).toBe(together);
      }),
      { numRuns: 3000 },
    );
  }, 60_000);

  it('is either exact or refused', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const written = run(sevenBit, text);
        const allowed = canonical(text)
          .split('\r\n')
          .every((line) => /^[\t\x20-\x7e]{0,998}$/.test(line) && !/^(?:\.|--=_)/.test(line));
        expect(written).toBe(allowed ? canonical(text) : null);
      }),
      { numRuns: 1000 },
    );
  }, 60_000);
});
