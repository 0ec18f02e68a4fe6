import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PackedBatch } from '../../src/domain/packed-batch.js';
import type { ListRow } from '../../src/pipeline/stager.js';
import { withoutSuppressed } from '../../src/pipeline/suppressed-rows.js';
import type { Suppression } from '../../src/pipeline/suppression-ports.js';
import { type ListOptions, openList } from '../../src/recipients/list.js';
import { pieces } from '../recipients/support.js';

/** A list in memory: who is on it, and how it was asked. */
function listOf(never: ReadonlySet<string>, more: Partial<Suppression> = {}) {
  const asked: (readonly string[])[] = [];
  const list: Suppression = {
    standing: async () => ({ version: 1, entries: never.size }),
    async check(addresses) {
      asked.push(addresses);
      await new Promise(setImmediate);
      return addresses.flatMap((address, i) => (never.has(address.toLowerCase()) ? i : []));
    },
    add: async () => 0,
    remove: async () => 0,
    ...more,
  };
  return { list, asked };
}

interface Passed {
  readonly rows: unknown[];
  readonly rejects: unknown[];
  readonly batches: number;
}

async function passed(
  batches: AsyncIterable<readonly ListRow[] | PackedBatch>,
  list: Suppression,
  needs: readonly string[],
): Promise<Passed> {
  const [rows, rejects]: [unknown[], unknown[]] = [[], []];
  let count = 0;
  for await (const batch of await withoutSuppressed(batches, list, null)) {
    count++;
    if (!('ends' in batch)) {
      for (const row of batch)
        if (row.kind === 'reject') rejects.push(row.reject);
        else rows.push([row.recipient.line, row.recipient.address, ...needs.map((n) => row.recipient.variables[n])]);
      continue;
    }
    rejects.push(...batch.rejects);
    let start = 0;
    for (const end of batch.ends) {
      rows.push(JSON.parse(batch.bytes.toString('utf8', start + 1, end)));
      start = end;
    }
    expect(start).toBe(batch.bytes.length);
  }
  return { rows, rejects, batches: count };
}

const open = (text: string, options: Partial<ListOptions> = {}) =>
  openList(pieces(text, [70_000]), { source: 'people.csv', ...options });

const address = fc.oneof(
  fc.nat({ max: 20 }).map((n) => `User${n}@Example.com`),
  fc.constantFrom('"Q\\\\ b"@example.com', 'jörg@bücher.example', 'no address', 'x@xn--bcher-kva.example'),
);
const NEVER = new Set([
  'user3@example.com',
  'user7@example.com',
  'jörg@xn--bcher-kva.example',
  '"q\\\\ b"@example.com',
]);

describe('a list of recipients, held against the suppression list', () => {
  it('loses who is on it, and nobody else, packed or not, each a reject with its line', async () => {
    const seen = { suppressed: 0, sendable: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(address, fc.string({ maxLength: 5 })), { maxLength: 30 }), async (people) => {
        const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
        const lines = people.map(([to, name]) => `${quoted(name.replace(/\0/g, ''))},${quoted(to)}`);
        const text = ['name,email', ...lines, ''].join('\n');
        const packed = (await open(text)).packed(['name']);
        // Where the delimiter of such a list was taken for another one.
        if (!packed) return;
        const fast = await passed(packed, listOf(NEVER).list, ['name']);
        const slow = await passed((await open(text)).batches(['name']), listOf(NEVER).list, ['name']);
        expect(fast.rows).toEqual(slow.rows);
        expect(fast.rejects).toEqual(slow.rejects);
        const all = await passed((await open(text)).batches(['name']), listOf(new Set()).list, ['name']);
        const gone = all.rows.filter((row) => NEVER.has((row as string[])[1]?.toLowerCase() ?? ''));
        expect(fast.rows).toEqual(all.rows.filter((row) => !gone.includes(row)));
        expect(fast.rejects.filter((one) => (one as { reason: string }).reason === 'suppressed')).toEqual(
          gone.map((row) => {
            const [line, to] = row as [number, string];
            return { line, address: to, reason: 'suppressed', detail: 'The address is on the suppression list.' };
          }),
        );
        seen.suppressed += gone.length;
        seen.sendable += fast.rows.length;
      }),
      { numRuns: 400 },
    );
    expect(Math.min(seen.suppressed, seen.sendable)).toBeGreaterThan(200);
  }, 60_000);

  it('is read on while a batch is looked through, and comes out in order', async () => {
    const text = `email\n${Array.from({ length: 20_000 }, (_, i) => `user${i}@example.com`).join('\n')}\n`;
    const { list, asked } = listOf(NEVER);
    const packed = (await open(text)).packed([]);
    if (!packed) throw new Error('it is not packed');
    const { rows, batches } = await passed(packed, list, []);
    expect(batches).toBeGreaterThan(3);
    expect(asked.flat()).toEqual(Array.from({ length: 20_000 }, (_, i) => `user${i}@example.com`));
    expect(rows).toHaveLength(19_998);
    expect(rows.map((row) => (row as [number])[0])).toEqual(
      Array.from({ length: 20_000 }, (_, i) => i + 2).filter((line) => line !== 5 && line !== 9),
    );
  });

  it('is passed on as it is where nobody is suppressed, with one question', async () => {
    const { list, asked } = listOf(new Set());
    const batches = (await open('email\na@example.com\n')).batches([]);
    expect((await passed(batches, list, [])).rows).toHaveLength(1);
    expect(asked).toEqual([]);
  });

  it('fails where the suppression list can’t be asked, before anything of that batch is passed on', async () => {
    const { list } = listOf(NEVER, { check: async () => Promise.reject(new Error('LOADING')) });
    await expect(passed((await open('email\na@example.com\n')).batches([]), list, [])).rejects.toThrow('LOADING');
  });
});
