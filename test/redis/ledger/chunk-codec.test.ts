import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Value } from '../../../src/domain/recipient.js';
import { packAddresses, packRecipients, unpackAddresses, unpackRecipients } from '../../../src/redis/chunk-codec.js';
import { recipients } from './fixture.js';

describe('a chunk of recipients', () => {
  it('comes back as it was, whatever the columns and values', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 }));
    const name = fc.oneof(text, fc.constantFrom('constructor', '__proto__', 'toString'));
    const chunk = fc.uniqueArray(name, { maxLength: 5 }).chain((names) =>
      fc.array(fc.tuple(...names.map(() => value)), { minLength: 1, maxLength: 20 }).map((rows) =>
        rows.map((row, n) => {
          const variables = Object.create(null) as Record<string, Value>;
          names.forEach((column, i) => {
            variables[column] = row[i] ?? null;
          });
          return { line: n + 2, address: `r${n}@example.org`, variables };
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(chunk, async (rows) => {
        expect(await unpackRecipients(await packRecipients(rows))).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });

  it('takes no more than a fraction of its text', async () => {
    const rows = recipients(1_000);
    expect((await packRecipients(rows)).length).toBeLessThan(JSON.stringify(rows).length / 5);
  });

  it('that is none is refused', async () => {
    await expect(unpackRecipients(Buffer.from('rubbish'))).rejects.toThrow();
    const { brotliCompressSync } = await import('node:zlib');
    const newer = brotliCompressSync(JSON.stringify({ v: 2, columns: [], rows: [] }));
    await expect(unpackRecipients(newer)).rejects.toThrow(/format 2/);
  });

  it('keeps its addresses in order', async () => {
    const addresses = recipients(100).map(({ address }) => address);
    expect(await unpackAddresses(await packAddresses(addresses))).toEqual(addresses);
  });
});
