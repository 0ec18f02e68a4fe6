import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reject } from '../../src/domain/recipient.js';
import { parseAddress } from '../../src/recipients/address.js';
import { CommonAddress } from '../../src/recipients/common-address.js';
import { KeySet } from '../../src/recipients/key-set.js';
import { type ListOptions, openList } from '../../src/recipients/list.js';
import { countLineEnds } from '../../src/recipients/survey.js';
import { MAX_RECORD } from '../../src/recipients/text.js';
import { packed, pieces, readList, utf16be, windows1252 } from './support.js';

type Rows = readonly (readonly unknown[])[];

/** The same by way of text and objects. */
async function slowly(
  bytes: Buffer,
  sizes: readonly number[],
  needs: readonly string[],
  options: Partial<ListOptions>,
): Promise<{ rows: Rows; rejects: readonly Reject[]; digest: string } | { refused: string }> {
  try {
    const { list, recipients, rejects } = await readList(bytes, { ...options, sizes, needs });
    const rows = recipients.map(({ line, address, variables }) => [line, address, ...needs.map((n) => variables[n])]);
    return { rows, rejects, digest: list.digest() };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
const address = fc.oneof(
  fc.constantFrom('a@b.example', 'A.b@B.example', '"a ""q"" b"@b.example', 'bücher@bücher.example', 'x@BÜCHER.example'),
  fc.constantFrom(' a@b.example\t', 'a@b', '', 'a@@b.c', 'a..b@c.example', 'a@xn--bcher-kva.example', 'a@1.2.3.4'),
  fc.nat({ max: 30 }).map((n) => `user${n}@x-${n % 3}.example`),
);
const cell = fc.oneof(
  address,
  fc.string({ unit: fc.constantFrom(...'ab" ,;\t\r\n\\é€漢😀\u00a0\u2028\u0001\u007f\0'), maxLength: 6 }),
);
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const written = fc.tuple(fc.integer({ min: 0, max: 2 }), cell).map(([how, text]) => (how < 2 ? quoted(text) : text));
const record = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(address.map(quoted), written, written).map((cells) => cells.join(',')) },
  { weight: 4, arbitrary: fc.tuple(address, written, written).map((cells) => cells.join(',')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '  ', '\u00a0', '""', '" "', ',', '"a"b,c,d', '"a" \t,b,c', 'a"b,"c"x,d'),
  },
  { weight: 1, arbitrary: fc.array(written, { maxLength: 5 }).map((cells) => cells.join(',')) },
);
const lists = fc.record({
  header: fc.constantFrom('email,name,city', '"email","name",city', 'sep=,\r\nname,email,city', 'name,city,email'),
  records: fc.array(record, { maxLength: 14 }),
  newline: fc.constantFrom('\n', '\r\n', '\r'),
  end: fc.constantFrom('', '\n', '"'),
  needs: fc.constantFrom([], ['name'], ['city', 'name'], ['email', 'city', 'name']),
  limit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  excluded: fc.boolean(),
});

describe('rows that are packed as they are read', () => {
  it('are those that are read as text, with their lines, rejects, digest and refusals, cut anywhere', async () => {
    const counts = { rows: 0, rejects: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(lists, sizes, sizes, fc.boolean(), async (made, cuts, others, file) => {
        const { header, records, newline, needs, limit } = made;
        const bytes = Buffer.from([header, ...records].join(newline) + made.end);
        const exclude = new KeySet();
        for (const key of ['user7@x-1.example', 'x@xn--bcher-kva.example']) exclude.add(key);
        const options = { ...(limit ? { limit } : {}), ...(made.excluded ? { exclude } : {}) };
        const [fast, slow] = [
          await packed(bytes, cuts, needs, options, { file }),
          await slowly(bytes, others, needs, options),
        ];
        // Where the delimiter of such a list was taken for another one.
        if (fast === null) return;
        expect(fast).toEqual(slow);
        if ('refused' in slow) counts.refused++;
        else {
          counts.rows += slow.rows.length;
          counts.rejects += slow.rejects.length;
        }
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(counts.rows / 10, counts.rejects / 10, counts.refused)).toBeGreaterThan(50);
  }, 120_000);

  it.each([
    ['UTF-8 with a mark', (text: string) => Buffer.from(`\ufeff${text}`), {}],
    ['UTF-16', (text: string) => utf16be(`\ufeff${text}`), {}],
    ['Windows-1252, guessed', windows1252, {}],
    ['Windows-1252, asked for', windows1252, { encoding: 'windows-1252' as const }],
  ])('are the same in %s', async (_name, encode, options) => {
    const lines = Array.from({ length: 40 }, (_, n) => `u${n}@example.com;Zoë ${n};"Ærø; ""é"""`);
    const bytes = encode(['email;name;city', ...lines].join('\r\n'));
    for (const cuts of [[1], [7, 30], [5000]]) {
      const fast = await packed(bytes, cuts, ['city', 'name'], options);
      expect(fast).toEqual(await slowly(bytes, cuts, ['city', 'name'], options));
      expect(fast).toMatchObject({ rows: { length: 40 } });
    }
  });

  it('are the same for rows longer than a block, and refused alike where they are endless', async () => {
    const long = (length: number) =>
      Buffer.from(`email,name\na@b.example,"${'é"" '.repeat(length / 4)}"\nc@d.example,x\n`);
    for (const bytes of [long(200_000), long(900_000), long(2 * MAX_RECORD)]) {
      expect(await packed(bytes, [65_536], ['name'], {})).toEqual(await slowly(bytes, [65_536], ['name'], {}));
    }
    const open = Buffer.from(`email,name\na@b.example,"${'x\n'.repeat(MAX_RECORD)}`);
    expect(await packed(open, [65_536], ['name'], {})).toEqual(await slowly(open, [65_536], ['name'], {}));
  });

  it('are not offered where a variable has no column, nor for NDJSON', async () => {
    const csv = await openList(pieces('email\na@b.example\n'), { source: 'x' });
    expect(csv.packed(['name'])).toBeNull();
    const ndjson = await openList(pieces('{"email":"a@b.example"}\n'), { source: 'x' });
    expect(ndjson.packed([])).toBeNull();
  });
});

describe('CommonAddress', () => {
  const part = fc.string({ unit: fc.constantFrom(...'aZ09.-_+!"@ \\é%[]/'), maxLength: 8 });
  const domain = fc.array(fc.constantFrom('a', 'B9', 'example', 'x-y', 'xn--a', '-a', '1', '', 'é', 'a'.repeat(63)), {
    maxLength: 5,
  });
  const texts = fc.oneof(
    fc.tuple(part, domain).map(([local, labels]) => `${local}@${labels.join('.')}`),
    fc.tuple(fc.nat({ max: 70 }), fc.nat({ max: 260 })).map(([l, d]) => `${'l'.repeat(l)}@${'d.'.repeat(d / 2)}com`),
    fc.tuple(fc.nat({ max: 70 }), fc.nat({ max: 70 })).map(([a, b]) => `x@${'a'.repeat(a)}.${'b'.repeat(b)}`),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.emailAddress(),
  );

  it('takes nothing that parseAddress does not take, for the same address and key', () => {
    const common = new CommonAddress();
    let taken = 0;
    fc.assert(
      fc.property(texts, fc.nat({ max: 5 }), (text, offset) => {
        const bytes = Buffer.from(`${'@'.repeat(offset)}${text}!`);
        const end = bytes.length - 1;
        if (!common.read(bytes, offset, end)) return;
        taken++;
        const key = String.fromCharCode(...common.key.subarray(0, common.length));
        const found = `${bytes.toString('latin1', offset, offset + common.at)}${key.slice(common.at)}`;
        expect(parseAddress(text)).toEqual({ ok: true, address: found, key });
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(1_000);
  });

  it.each(['a@example.com', 'First.Last+tag@Mail-3.Example.org', "o'neil@a.co", '1@2.de', `${'l'.repeat(64)}@x.com`])(
    'takes %s',
    (text) => {
      expect(new CommonAddress().read(Buffer.from(text), 0, text.length)).toBe(true);
    },
  );
});

describe('KeySet', () => {
  it('takes a key as text and as code units for the same', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 3 }), fc.boolean())), (steps) => {
        const keys = new KeySet();
        const model = new Set<string>();
        for (const [key, byUnits] of steps) {
          const units = Uint16Array.from(key, (_, i) => key.charCodeAt(i));
          const whole = Uint16Array.from({ length: key.length + 1 }, (_, i) => key.charCodeAt(i) || 0x41);
          for (let i = 0; i < units.length; i++) whole[i] = key.charCodeAt(i);
          expect(byUnits ? keys.has(key) : keys.hasUnits(whole, key.length)).toBe(model.has(key));
          expect(byUnits ? keys.addUnits(whole, key.length) : keys.add(key)).toBe(!model.has(key));
          model.add(key);
        }
      }),
    );
  });
});

describe('line ends', () => {
  it('are counted alike wherever the bytes begin and end', () => {
    const byte = fc.constantFrom(0x0a, 0x0b, 0x0a ^ 0x80, 0x09, 0, 0xff, 0x41);
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 40 }), fc.nat({ max: 8 }), fc.nat({ max: 8 }), (all, from, to) => {
        const bytes = Buffer.from(all).subarray(from, Math.max(from, all.length - to));
        expect(countLineEnds(bytes)).toBe([...bytes].filter((found) => found === 0x0a).length);
      }),
      { numRuns: 5000 },
    );
  });
});
