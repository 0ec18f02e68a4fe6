import { describe, expect, it } from 'vitest';
import { KeySet } from '../../src/recipients/key-set.js';
import type { openList as OpenList } from '../../src/recipients/list.js';
import { createDice } from '../soak/dice.js';
import { fileOf, packed, pieces, windows1252 } from './support.js';

// A thread loads what was built.
const { openList }: { openList: typeof OpenList } = await import(
  new URL('../../dist/recipients/list.js', import.meta.url).href
);
const threads = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort');

const here = (bytes: Buffer, options = {}) => packed(bytes, [65_536], ['name'], options, { file: true });
const inThread = (bytes: Buffer, options = {}) =>
  packed(bytes, [65_536], ['name'], { long: true, ...options }, { file: true, open: openList });

/** Rows of which some are no recipients, some stand twice, and some take the careful way. */
function rows(count: number): string[] {
  const dice = createDice('a list for a thread');
  return Array.from({ length: count }, () => {
    const n = dice.int(1, count);
    if (n % 50 === 0) return `nobody ${n},x`;
    if (n % 31 === 0) return `u${n}@example.com,x,y`;
    if (n % 29 === 0) return `jörg${n}@bücher.example,"Jörg ""J"" ${n}"`;
    return `u${n}@example.com,Name ${n}`;
  });
}

describe('rows that are packed in a thread', () => {
  it('are those that are packed here, with their lines, rejects and digest, whatever the number of blocks', async () => {
    for (const count of [0, 1, 2_000, 30_000]) {
      const bytes = Buffer.from(['email,name', ...rows(count), ''].join('\n'));
      const found = await inThread(bytes);
      expect(found).toEqual(await here(bytes));
      if (count === 30_000) expect(found).toMatchObject({ rejects: { length: expect.any(Number) } });
    }
    const western = windows1252(['email,name', ...rows(5_000).filter((row) => !row.includes('@b')), ''].join('\n'));
    expect(await inThread(western)).toEqual(await here(western));
    expect(threads()).toEqual([]);
  });

  it('are refused alike, and the thread ends', async () => {
    const open = Buffer.from(`email,name\n${rows(20_000).join('\n')}\na@b.example,"${'x\n'.repeat(1_000_000)}`);
    const refused = await inThread(open);
    expect(refused).toEqual({ refused: expect.stringMatching(/quote/) });
    expect(refused).toEqual(await here(open));
    expect(threads()).toEqual([]);
  });

  it('keep to a limit and to those who are excluded', async () => {
    const bytes = Buffer.from(['email,name', ...rows(5_000)].join('\n'));
    const exclude = new KeySet();
    for (let n = 1; n < 2_000; n++) exclude.add(`u${n}@example.com`);
    for (const options of [{ limit: 1_500 }, { exclude }]) {
      const found = await inThread(bytes, options);
      expect(found).toEqual(await here(bytes, options));
      expect(found).not.toEqual(await here(bytes));
    }
  });

  it('come one batch at a time, and the thread ends where the rest is left', async () => {
    const bytes = Buffer.from(['email,name', ...rows(50_000)].join('\n'));
    let read = 0;
    const counted = () => {
      const file = fileOf(bytes)();
      file.on('data', (block: Buffer) => {
        read += block.length;
      });
      return file;
    };
    const list = await openList(counted, { source: 'x', encoding: 'utf-8', long: true });
    for await (const batch of list.packed(['name']) ?? []) {
      expect(batch.ends.length).toBeGreaterThan(0);
      expect(threads()).toHaveLength(1);
      break;
    }
    expect(read).toBeLessThan(bytes.length);
    expect(threads()).toEqual([]);
  });

  it('are packed here where nobody says that there are many', async () => {
    const list = await openList(pieces(['email,name', ...rows(3_000)].join('\n')), { source: 'x' });
    const seen: string[] = [];
    for await (const _ of list.packed([]) ?? []) seen.push(...threads());
    expect(seen).toEqual([]);
  });
});
