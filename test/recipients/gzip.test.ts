import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { readExclude } from '../../src/recipients/exclude.js';
import { openList } from '../../src/recipients/list.js';
import { fileOf, pieces, readList, refusal, windows1252 } from './support.js';

const TEXT = `email,name\n${Array.from({ length: 5000 }, (_, i) => `u${i}@example.com,"n${i}"\n`).join('')}`;

describe('a list packed by gzip', () => {
  it('is read as what is in it, cut anywhere, with the digest of the packed bytes', async () => {
    const packed = gzipSync(TEXT);
    for (const input of [pieces(packed, [1]), pieces(packed), fileOf(packed, [1, 100])]) {
      const { list, recipients, rejects } = await readList(input);
      expect(rejects).toEqual([]);
      expect(recipients).toHaveLength(5000);
      expect(recipients[4999]).toMatchObject({ line: 5001, address: 'u4999@example.com' });
      expect(list.digest()).toBe(createHash('sha256').update(packed).digest('hex'));
    }
  });

  it('may be in any encoding, of more than one part, and padded with zeros', async () => {
    const western = gzipSync(windows1252('email,name\na@b.c,Jörg\n'));
    expect((await readList(fileOf(western))).list.encoding).toBe('windows-1252');
    expect((await readList(gzipSync(Buffer.from('\ufeffemail\na@b.c\n', 'utf16le')))).recipients).toHaveLength(1);
    const parts = Buffer.concat([gzipSync('email\na@b.c\nb'), gzipSync('@b.c\n'), Buffer.alloc(512)]);
    expect((await readList(parts)).recipients.map(({ address }) => address)).toEqual(['a@b.c', 'b@b.c']);
  });

  it('may hold addresses never to send to', async () => {
    const keys = await readExclude(pieces(gzipSync('ann@b.c\nbob@b.c\n'), [1]), 'never.txt.gz');
    expect([keys.size, keys.has('bob@b.c')]).toEqual([2, true]);
  });

  it.each([
    ['is cut off', gzipSync(TEXT).subarray(0, -9)],
    ['ends after its first bytes', Buffer.from([0x1f, 0x8b])],
    ['is damaged', Buffer.from(gzipSync(TEXT).map((byte, i) => (i === 5000 ? byte ^ 0xff : byte)))],
    ['has something else after it', Buffer.concat([gzipSync(TEXT), Buffer.from('more')])],
  ])('that %s is refused', async (_what, bytes) => {
    for (const input of [pieces(bytes), pieces(bytes, [7]), fileOf(bytes)]) {
      const error = await refusal(readList(input));
      expect(error).toMatchObject({ code: 'LIST_UNREADABLE', message: expect.stringContaining('gzip') });
    }
  });

  it('says why the input failed, and not that the gzip is broken', async () => {
    const failing = async function* () {
      yield gzipSync(TEXT).subarray(0, 1000);
      throw new Error('EIO: broken disk');
    };
    const error = await refusal(readList(failing()));
    expect(error).toMatchObject({ code: 'LIST_UNREADABLE', message: expect.stringContaining('EIO: broken disk') });
  });

  it('closes its input when the reader leaves early, also one that says nothing more', async () => {
    const silent = new PassThrough();
    silent.write(gzipSync(`nothing,here\n${'x,y\n'.repeat(1_000_000)}`).subarray(0, 4000));
    const error = await refusal(openList(silent, { source: 'people.csv.gz' }));
    expect(error.code).toBe('LIST_NO_ADDRESS_COLUMN');
    expect(silent.destroyed).toBe(true);

    const endless = Readable.from(endlessList().pipe(createGzip()));
    const list = await openList(endless, { source: 'people.csv.gz' });
    for await (const rows of list.batches()) if (rows.length > 0) break;
    await vi.waitUntil(() => endless.destroyed);
  });

  it('that unpacks to gigabytes of one line is refused before it is unpacked', async () => {
    const before = process.memoryUsage().rss;
    for (const filler of ['x', '\0', '"']) {
      // 2 GB in 2 MB, where it would be read to its end.
      const bomb = Buffer.concat([gzipSync('email,name\n'), ...Array(200).fill(gzipSync(filler.repeat(10_000_000)))]);
      for (const input of [pieces(bomb), fileOf(bomb)]) {
        expect((await refusal(readList(input))).code).toBe('LIST_SYNTAX');
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
  }, 10_000);
});

function endlessList(): Readable {
  return Readable.from(
    (function* () {
      yield 'email,name\n';
      for (;;) yield 'a@example.com,b\n'.repeat(1000);
    })(),
  );
}
