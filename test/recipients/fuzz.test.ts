import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FanmailError } from '../../src/domain/errors.js';
import { guessedDecoder, utf8Decoder, utf16Decoder, windows1252Decoder } from '../../src/recipients/decoders.js';
import { readExclude } from '../../src/recipients/exclude.js';
import { Survey } from '../../src/recipients/survey.js';
import { fileOf, pieces, readList, utf16be, windows1252 } from './support.js';

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 });

/** A text as bytes, and what the list must say of it. */
interface Encoded {
  readonly name: string;
  readonly encode: (text: string) => Buffer;
  readonly options: { readonly encoding?: 'utf-8' | 'utf-16' | 'windows-1252' };
  readonly says: string;
  /** Has only what Windows-1252 has. */
  readonly western: boolean;
}

const utf8 = (text: string) => Buffer.from(text);
const utf16le = (text: string) => Buffer.from(text, 'utf16le');
const ENCODINGS: readonly Encoded[] = [
  { name: 'UTF-8', encode: utf8, options: {}, says: 'utf-8', western: false },
  { name: 'UTF-8, asked for', encode: utf8, options: { encoding: 'utf-8' }, says: 'utf-8', western: false },
  { name: 'UTF-8, marked', encode: (t) => utf8(`\ufeff${t}`), options: {}, says: 'utf-8', western: false },
  { name: 'UTF-16LE, marked', encode: (t) => utf16le(`\ufeff${t}`), options: {}, says: 'utf-16le', western: false },
  { name: 'UTF-16BE, marked', encode: (t) => utf16be(`\ufeff${t}`), options: {}, says: 'utf-16be', western: false },
  { name: 'UTF-16LE', encode: utf16le, options: { encoding: 'utf-16' }, says: 'utf-16le', western: false },
  { name: 'UTF-16BE', encode: utf16be, options: { encoding: 'utf-16' }, says: 'utf-16be', western: false },
  {
    name: 'Windows-1252',
    encode: windows1252,
    options: { encoding: 'windows-1252' },
    says: 'windows-1252',
    western: true,
  },
];

const WESTERN = [...'ab" ,;\t|\r\n=é€ŒßÀ”\u00a0'];
const ANY = [...WESTERN, '\ufeff', 'e\u0301', '漢', '😀', '\u2028', '\u202e'];
const cellOf = (western: boolean) =>
  fc.string({
    unit: western ? fc.constantFrom(...WESTERN) : fc.oneof(fc.constantFrom(...ANY), anyCharacter),
    maxLength: 8,
  });
/** NUL is refused in a row, and has tests of its own. */
const anyCharacter = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 1 })
  .filter((c) => c !== '\0' && !/\p{Cs}/u.test(c));

const tables = fc
  .record({
    encoded: fc.constantFrom(...ENCODINGS),
    delimiter: fc.constantFrom(',', ';', '\t', '|'),
    newline: fc.constantFrom('\n', '\r\n'),
    quoteAll: fc.boolean(),
    packed: fc.boolean(),
    file: fc.boolean(),
    header: fc.boolean(),
    lastNewline: fc.boolean(),
    width: fc.integer({ min: 0, max: 5 }),
    sizes,
  })
  .chain((shape) => {
    const row = fc.array(cellOf(shape.encoded.western), { minLength: shape.width, maxLength: shape.width });
    return fc.record({ shape: fc.constant(shape), rows: fc.array(row, { minLength: 1, maxLength: 12 }) });
  });

describe('a generated table', () => {
  it('comes back cell by cell and line by line, in every encoding, delimiter, quoting, packed or not, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(tables, async ({ shape, rows }) => {
        const { encoded, delimiter, newline, quoteAll, packed, file, header, width } = shape;
        const quote = (text: string) =>
          quoteAll || /["\r\n,;\t|]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
        const titles = ['email', ...Array.from({ length: width }, (_, i) => `c${i}`)];
        const full = rows.map((cells, i) => [`u${i}@example.com`, ...cells]);
        const lines = full.map((cells) => cells.map(quote).join(delimiter));
        const text = [...(header ? [titles.join(delimiter)] : []), ...lines].join(newline);
        const bytes = encoded.encode(text + (shape.lastNewline ? newline : ''));
        const input = packed ? gzipSync(bytes) : bytes;
        const options = { ...encoded.options, ...(header ? {} : { columns: titles }) };
        const read = await readList(file ? fileOf(input, shape.sizes) : pieces(input, shape.sizes), options);
        expect(read.rejects).toEqual([]);
        expect(read.list).toMatchObject({ encoding: encoded.says, notice: null });
        let line = header ? 2 : 1;
        const expected = full.map((cells, i) => {
          const at = line;
          line += (lines[i] ?? '').split('\n').length;
          return { line: at, cells };
        });
        const found = read.recipients.map(({ line: at, variables }) => ({
          line: at,
          cells: titles.map((t) => variables[t]),
        }));
        expect(found).toEqual(expected);
      }),
      { numRuns: 1500 },
    );
  }, 60_000);

  it('in Windows-1252 that nobody asked for is read right or refused', async () => {
    let guessed = 0;
    const names = fc.array(fc.string({ unit: fc.constantFrom(...'abé€ŒßÀ”Ãä©'), maxLength: 6 }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(names, sizes, fc.boolean(), async (cells, cuts, file) => {
        const text = ['email,name', ...cells.map((name, i) => `u${i}@example.com,${name}`)].join('\n');
        const bytes = windows1252(text);
        const read = await outcome(() => readList(file ? fileOf(bytes, cuts) : pieces(bytes, cuts)));
        if (read === null || read.list.encoding === 'utf-8') return;
        guessed++;
        expect(read.list.notice).toContain('Windows-1252');
        expect(read.recipients.map(({ variables }) => variables.name)).toEqual(cells);
      }),
      { numRuns: 1000 },
    );
    expect(guessed).toBeGreaterThan(200);
  }, 60_000);
});

describe('bytes of any kind', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom(
        'email',
        'name',
        'a@b.c',
        'ü@b.c',
        '\n',
        '\r\n',
        '\r',
        ',',
        ';',
        '"',
        '""',
        '{"email":"a@b.c"}',
        '\0',
        '\ufeff',
      )
      .map((text) => Buffer.from(text)),
    fc.constantFrom('email,n\n', '\ufeffemail\tn\r\n', 'a@b.c,\ud800\n').map((text) => Buffer.from(text, 'utf16le')),
    fc
      .constantFrom([0xff, 0xfe], [0xfe, 0xff], [0x1f, 0x8b, 8], [0x50, 0x4b, 3, 4], [0xe9])
      .map((bytes) => Buffer.from(bytes)),
  );
  const bytes = fc.record({
    starts: fc.constantFrom('', 'email,n\n', '{"email":"x@y.z"}\n', '"'),
    rest: fc.array(piece, { maxLength: 25 }),
    packed: fc.boolean(),
    keep: fc.integer({ min: 0, max: 20 }),
  });
  const options = fc.record(
    {
      encoding: fc.constantFrom('auto', 'utf-8', 'utf-16', 'windows-1252'),
      columns: fc.constantFrom(['email'], ['email', 'n']),
      format: fc.constantFrom('csv', 'ndjson'),
    },
    { requiredKeys: [] },
  );

  it('make rows that are sound or an error that names the way out, and never anything else', async () => {
    const counts = { read: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(bytes, options, sizes, fc.boolean(), async (made, given, cuts, file) => {
        const whole = Buffer.concat([Buffer.from(made.starts), ...made.rest]);
        const packed = made.packed ? gzipSync(whole) : whole;
        // Some are cut off at the end.
        const input = made.keep < 15 ? packed : packed.subarray(0, Math.max(0, packed.length - made.keep));
        const read = await outcome(() => readList(file ? fileOf(input, cuts) : pieces(input, cuts), given));
        counts[read === null ? 'refused' : 'read']++;
        for (const { address, line, variables } of read?.recipients ?? []) {
          expect(address).toMatch(/^[^\s@<>,]+@[a-z0-9.-]+$|^".*"@[a-z0-9.-]+$/u);
          expect(line).toBeGreaterThan(0);
          expect(JSON.stringify(variables)).not.toContain('\\u0000');
        }
        // However the same bytes are cut, they make the same.
        const again = await outcome(() => readList(file ? fileOf(input) : pieces(input), given));
        expect(again && { ...again, list: null }).toEqual(read && { ...read, list: null });
        await outcome(() => readExclude(pieces(input, cuts), 'never.txt'));
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(300);
  }, 120_000);

  it('are surveyed and decoded alike, however they are cut', () => {
    const any = fc.array(
      fc.oneof(
        piece,
        fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(any, fc.array(fc.nat(), { maxLength: 6 }), (parts, cuts) => {
        const whole = Buffer.concat(parts);
        const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
        const blocks = at.slice(1).map((end, i) => whole.subarray(at[i], end));
        expect(surveyed(blocks)).toEqual(surveyed([whole]));
        const told = { source: 'x', hint: 'y' };
        for (const make of [
          () => utf8Decoder(told),
          () => utf16Decoder(false, told),
          () => utf16Decoder(true, told),
          () => windows1252Decoder(told),
          () => guessedDecoder(1, told),
        ]) {
          const decode = (some: readonly Buffer[]) => {
            const decoder = make();
            return result(() => some.map((block) => decoder.decode(block)).join('') + decoder.end());
          };
          // Of several reasons to refuse, the one that is found first depends on the cut.
          expect(decode(blocks).text).toBe(decode([whole]).text);
        }
        const utf8Text = result(() => {
          const decoder = utf8Decoder(told);
          return decoder.decode(whole) + decoder.end();
        });
        const oracle = result(() => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(whole));
        expect(utf8Text.text).toBe(oracle.text);
      }),
      { numRuns: 2000 },
    );
  });
});

function surveyed(blocks: readonly Buffer[]) {
  const survey = new Survey();
  for (const block of blocks) survey.push(block);
  survey.end();
  const { utf8Line, otherLine, foreignLine } = survey;
  return { utf8Line, otherLine, foreignLine };
}

function result(decode: () => string): { readonly text: string | null; readonly refused: string | null } {
  try {
    return { text: decode(), refused: null };
  } catch (error) {
    if (error instanceof FanmailError) return { text: null, refused: error.message };
    if (error instanceof TypeError) return { text: null, refused: 'not UTF-8' };
    throw error;
  }
}

/** What was read; null where it was refused as it should be. Anything else fails the test. */
async function outcome<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FanmailError)) throw error;
    expect(error.code).toMatch(/^LIST_/);
    expect(error.hint).toBeTruthy();
    return null;
  }
}
