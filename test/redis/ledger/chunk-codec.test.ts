import { brotliCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORMAT } from '../../../src/domain/campaign.js';
import type { Recipient, Value } from '../../../src/domain/recipient.js';
import { packAddresses, RecipientPacker, unpackAddresses, unpackRecipients } from '../../../src/redis/chunk-codec.js';
import { recipients } from './fixture.js';

/** Packed as a list is read: some at a time. */
function packed(rows: readonly Recipient[], columns: readonly string[], atATime = rows.length): Buffer {
  const packer = new RecipientPacker(columns);
  for (let from = 0; from < rows.length; from += atATime) packer.add(rows.slice(from, from + atATime));
  packer.add([]);
  return packer.pack();
}

/** With variables that are compared. */
function unpacked(chunk: Buffer): Recipient[] | undefined {
  return unpackRecipients(chunk)?.map((recipient) => ({ ...recipient, variables: recipient.variables }));
}

function rowOf(n: number, names: readonly string[], cells: readonly Value[]): Recipient {
  const variables = Object.create(null) as Record<string, Value>;
  names.forEach((name, i) => {
    variables[name] = cells[i] ?? null;
  });
  return { line: n + 2, address: `r${n}@example.org`, variables };
}

describe('a chunk of recipients', () => {
  it('comes back as it was, whatever the columns and values', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 }));
    const name = fc.oneof(text, fc.constantFrom('constructor', '__proto__', 'toString'));
    const chunk = fc.uniqueArray(name, { maxLength: 5 }).chain((names) => {
      const row = fc.tuple(...names.map(() => value));
      return fc.record({
        names: fc.constant(names),
        atATime: fc.integer({ min: 1, max: 20 }),
        rows: fc
          .array(row, { minLength: 1, maxLength: 20 })
          .map((rows) => rows.map((cells, n) => rowOf(n, names, cells))),
      });
    });
    fc.assert(
      fc.property(chunk, ({ names, atATime, rows }) => {
        expect(unpacked(packed(rows, names, atATime))).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });

  it('is the same of rows that come packed, with others or alone', () => {
    const rows = recipients(4);
    const text = rows.map(({ line, address, variables }) => `,${JSON.stringify([line, address, variables.name])}`);
    for (const byHand of [0, 1, 4]) {
      const packer = new RecipientPacker(['name']);
      packer.add(rows.slice(0, byHand));
      packer.addPacked(Buffer.alloc(0));
      packer.addPacked(Buffer.from(text.slice(byHand, byHand + 2).join('')));
      packer.addPacked(Buffer.from(text.slice(byHand + 2).join('')));
      expect(unpacked(packer.pack())).toEqual(rows);
    }
  });

  it('keeps the variables that are asked for, and no others', () => {
    const rows = [rowOf(0, ['kept', 'left'], ['a', 'b'])];
    expect(unpacked(packed(rows, ['kept']))).toEqual([rowOf(0, ['kept'], ['a'])]);
  });

  it('takes no more than a fraction of its text', () => {
    const rows = recipients(1_000);
    expect(packed(rows, ['name']).length).toBeLessThan(JSON.stringify(rows).length / 5);
  });

  it('that is none, or of another format, is none', () => {
    expect(unpackRecipients(Buffer.from('rubbish'))).toBeNull();
    const of = (v: number) => brotliCompressSync(JSON.stringify({ v, columns: [], rows: [] }));
    expect(unpackRecipients(of(FORMAT))).toEqual([]);
    expect(unpackRecipients(of(FORMAT + 1))).toBeNull();
  });

  it('keeps its addresses in order', () => {
    const addresses = recipients(100).map(({ address }) => address);
    expect(unpackAddresses(packAddresses(addresses))).toEqual(addresses);
    expect(unpackAddresses(Buffer.from('rubbish'))).toBeNull();
  });
});
