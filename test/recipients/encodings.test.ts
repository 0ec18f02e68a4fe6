import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readExclude } from '../../src/recipients/exclude.js';
import { openList } from '../../src/recipients/list.js';
import { fileOf, pieces, readList, refusal, utf16be, windows1252 } from './support.js';

/** As Excel saves "Unicode text": tabs and CRLF. */
const UNICODE_TEXT = '\ufeffE-Mail\tVorname\tOrt\r\nann@example.com\tZoë\t東京\r\nbob@example.com\t"Bo\r\nb"\t😀\r\n';
const WESTERN = 'email;name\r\nann@example.com;Jörg “Œ” €\r\nbob@bücher.example;Zoë\r\n';
const MANY_ROWS = 'x@example.com;y\r\n'.repeat(100_000);

describe('a list in UTF-16', () => {
  const le = Buffer.from(UNICODE_TEXT, 'utf16le');
  it.each([
    ['little-endian', le, 'utf-16le'],
    ['big-endian', utf16be(UNICODE_TEXT), 'utf-16be'],
  ])('with a mark, %s, is read as what it is, cut anywhere, asked for or not', async (_what, bytes, encoding) => {
    for (const options of [{}, { encoding: 'utf-16' as const }]) {
      for (const input of [pieces(bytes, [1]), pieces(bytes, [3, 7]), fileOf(bytes)]) {
        const { list, recipients, rejects } = await readList(input, options);
        expect(list).toMatchObject({ encoding, notice: null, delimiter: '\t' });
        expect(rejects).toEqual([]);
        expect(recipients.map(({ line, variables }) => [line, { ...variables }])).toEqual([
          [2, { E_Mail: 'ann@example.com', Vorname: 'Zoë', Ort: '東京' }],
          [3, { E_Mail: 'bob@example.com', Vorname: 'Bo\r\nb', Ort: '😀' }],
        ]);
      }
    }
  });

  it.each([
    ['little-endian', le.subarray(2)],
    ['big-endian', utf16be(UNICODE_TEXT.slice(1))],
  ])('without a mark, %s, is refused with the way out, and read when it is asked for', async (_what, bytes) => {
    const error = await refusal(readList(bytes));
    expect(error).toMatchObject({ code: 'LIST_UNREADABLE', hint: expect.stringContaining('--encoding utf-16') });
    expect((await readList(bytes, { encoding: 'utf-16' })).recipients).toHaveLength(2);
  });

  it('is refused by line where half a character is missing, at the end or within', async () => {
    const cut = await refusal(readList(le.subarray(0, -1)));
    expect(cut).toMatchObject({ code: 'LIST_UNREADABLE', message: expect.stringContaining('UTF-16: see line 4') });
    const high = await refusal(readList(Buffer.from(`${UNICODE_TEXT}x@y.z\ta\ud83d`, 'utf16le')));
    expect(high.message).toContain('line 5');
    for (const half of ['\ud83d', '\ude00']) {
      const broken = Buffer.from(UNICODE_TEXT.replace('ë', half), 'utf16le');
      expect((await refusal(readList(broken))).message).toContain('UTF-16: see line 2');
    }
  });
});

describe('a list in Windows-1252', () => {
  const bytes = windows1252(WESTERN);

  it('is read as such when it is asked for', async () => {
    const { list, recipients } = await readList(bytes, { encoding: 'windows-1252', sizes: [1] });
    expect(list).toMatchObject({ encoding: 'windows-1252', notice: null });
    expect(recipients.map(({ address, variables }) => [address, variables.name])).toEqual([
      ['ann@example.com', 'Jörg “Œ” €'],
      ['bob@xn--bcher-kva.example', 'Zoë'],
    ]);
  });

  it('is guessed where it is no UTF-8, of a stream and of a file, and says so with the line', async () => {
    for (const input of [pieces(bytes, [1]), fileOf(bytes)]) {
      const { list, recipients } = await readList(input);
      expect(list.encoding).toBe('windows-1252');
      expect(list.notice).toMatch(/people\.csv is not UTF-8 \(see line 2\).*Windows-1252/);
      expect(recipients.map(({ variables }) => variables.name)).toEqual(['Jörg “Œ” €', 'Zoë']);
    }
  });

  it('is guessed of a stream by any line of its first megabyte', async () => {
    const half = MANY_ROWS.slice(0, 700_000);
    const { list } = await readList(windows1252(`email;name\r\n${half}\r\nann@example.com;Jörg\r\n`));
    expect(list.encoding).toBe('windows-1252');
  });

  it('is guessed of a real file by its last line, before the first row is given out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanmail-list-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'people.csv');
    await writeFile(path, windows1252(`email;name\r\n${MANY_ROWS}ann@example.com;Jörg\r\n`));
    const { list, recipients } = await readList(() => createReadStream(path));
    expect(list.notice).toContain('line 100002');
    expect(recipients.at(-1)?.variables.name).toBe('Jörg');
  });

  it('is refused in a stream where it shows only after the rows began, with the way out', async () => {
    const late = windows1252(`email;name\r\n${MANY_ROWS}ann@example.com;Jörg\r\n`);
    const error = await refusal(readList(late));
    expect(error).toMatchObject({
      code: 'LIST_UNREADABLE',
      message: expect.stringContaining('not UTF-8: see line 100002'),
      hint: expect.stringContaining('--encoding windows-1252'),
    });
    expect((await readList(late, { encoding: 'windows-1252' })).recipients).toHaveLength(2);
  });

  it.each([
    ['UTF-8 with one broken line', Buffer.concat([Buffer.from('email,n\na@b.c,é\nb@b.c,'), Buffer.from([0xe9, 0x0a])])],
    ['what has no character in it', Buffer.concat([windows1252('email,n\na@b.c,é\nb@b.c,'), Buffer.from([0x81])])],
    ['Cyrillic', Buffer.concat([Buffer.from('email,n\n\na@b.c,'), Buffer.from([0xc8, 0xe2, 0xe0, 0xed, 0xee, 0xe2])])],
  ])('is not guessed for %s', async (what, broken) => {
    const words = what.startsWith('UTF-8') ? 'is UTF-8 on line 2, and something else on line 3' : 'as line 3 shows';
    for (const input of [pieces(broken, [1]), fileOf(broken)]) {
      const error = await refusal(readList(input));
      expect(error).toMatchObject({ code: 'LIST_UNREADABLE', message: expect.stringContaining(words) });
      expect(error.hint).toContain('--encoding');
    }
  });

  it('is given up where UTF-8 shows up later in the stream', async () => {
    const text = Buffer.concat([windows1252(`email;name\r\na@b.c;Jörg\r\n${MANY_ROWS}`), Buffer.from('b@b.c;é')]);
    const error = await refusal(readList(text));
    expect(error.message).toMatch(/UTF-8 on line 100003, and something else on line 2/);
  });

  it('is given up where the file is another one when it is read', async () => {
    let opened = 0;
    const changing = () => fileOf(opened++ === 0 ? Buffer.from('email;name\na@b.c;é\n') : bytes)();
    expect((await refusal(readList(changing))).message).toMatch(/UTF-8 on line 2/);
    const back = () => fileOf(opened++ === 2 ? bytes : Buffer.from('email;name\na@b.c;é\n'))();
    expect((await refusal(readList(back))).message).toMatch(/not UTF-8: see line 2/);
  });

  it('that was asked for is refused at a byte that has no character', async () => {
    const broken = Buffer.concat([bytes, Buffer.from([0x8d])]);
    const error = await refusal(readList(broken, { encoding: 'windows-1252' }));
    expect(error).toMatchObject({
      code: 'LIST_UNREADABLE',
      message: expect.stringContaining('Windows-1252: see line 4'),
    });
  });
});

describe('a byte order mark', () => {
  it.each([
    ['UTF-8', Buffer.from('\ufeff"e mail","email"\nx,a@b.c\n')],
    ['UTF-16', utf16be('\ufeff"e mail","email"\nx,a@b.c\n')],
  ])('of %s is no part of the first name, also where that is quoted', async (_what, bytes) => {
    const { list, recipients } = await readList(bytes, { emailColumn: 'email' });
    expect(list.columns[0]).toEqual({ title: 'e mail', variable: 'e_mail' });
    expect(recipients).toHaveLength(1);
  });
});

describe('the encoding that is asked for', () => {
  it.each([
    ['utf-16', Buffer.from('\ufeffemail\na@b.c')],
    ['windows-1252', Buffer.from('\ufeffemail\na@b.c')],
    ['utf-8', Buffer.from('\ufeffemail\na@b.c', 'utf16le')],
    ['windows-1252', utf16be('\ufeffemail\na@b.c')],
  ] as const)('%s is refused where the mark says another', async (encoding, bytes) => {
    const error = await refusal(readList(bytes, { encoding }));
    expect(error).toMatchObject({ code: 'LIST_UNREADABLE', hint: expect.stringContaining('Leave out --encoding') });
  });

  it('utf-8 is never taken for another', async () => {
    const error = await refusal(readList(fileOf(windows1252(WESTERN)), { encoding: 'utf-8' }));
    expect(error.message).toContain('not UTF-8: see line 2');
  });
});

describe('zero bytes', () => {
  it('in the first line refuse the list', async () => {
    const error = await refusal(readList('ema\0il,name\na@b.c,x\n'));
    expect(error).toMatchObject({ code: 'LIST_UNREADABLE', message: expect.stringContaining('zero bytes') });
  });

  it('in a row reject that row alone, quoted or escaped, too', async () => {
    const csv = 'email,name\na@b.c,x\0y\nb@b.c,y\n\0c@b.c,z\n"d@b.c","q\0"\ne@b.c,e\n';
    const json = '{"email":"a@b.c"}\n{"email":"b@b.c","n":{"x":["\\u0000"]}}\n{"email":"c@b.c","n":"\\\\u0000"}\n';
    const { recipients, rejects } = await readList(csv, { sizes: [1] });
    expect(recipients.map(({ address }) => address)).toEqual(['b@b.c', 'e@b.c']);
    expect(rejects.map(({ line, reason }) => [line, reason])).toEqual([2, 4, 5].map((line) => [line, 'row-syntax']));
    expect(rejects[0]?.detail).toContain('NUL');
    const fromJson = await readList(json);
    expect(fromJson.rejects.map(({ line, reason }) => [line, reason])).toEqual([[2, 'row-syntax']]);
    expect(fromJson.recipients).toHaveLength(2);
  });
});

describe('addresses never to send to', () => {
  it('may be in UTF-16 with a mark, and are never guessed', async () => {
    const keys = await readExclude(pieces(Buffer.from('\ufeffann@b.c\r\njörg@b.c\r\n', 'utf16le'), [1]), 'never.txt');
    expect([keys.size, keys.has('ann@b.c'), keys.has('jörg@b.c')]).toEqual([2, true, true]);
    const error = await refusal(readExclude(fileOf(windows1252('ann@b.c\njörg@b.c\n')), 'never.txt'));
    expect(error).toMatchObject({ code: 'LIST_UNREADABLE', message: expect.stringContaining('line 2') });
    expect(error.hint).not.toContain('--encoding');
  });

  it('exclude an address outside ASCII, however its accents are composed', async () => {
    for (const text of ['jose\u0301@b.c\n', 'email\njose\u0301@b.c\n']) {
      const exclude = await readExclude(pieces(text), 'never.txt');
      const { rejects } = await readList('email\nJos\u00c9@B.c\n', { exclude });
      expect(rejects.map(({ reason }) => reason)).toEqual(['suppressed']);
    }
  });
});

describe('a stream that goes on', () => {
  it('is not waited for beyond the first megabyte', async () => {
    let taken = 0;
    const endless = (async function* () {
      yield Buffer.from('email;name\r\n');
      for (; ; taken += 17_000) yield Buffer.from('x@example.com;y\r\n'.repeat(1000));
    })();
    const list = await openList(endless, { source: 'standard input' });
    expect(taken).toBeLessThan(2_000_000);
    for await (const rows of list.batches()) if (rows.length > 0) break;
  });
});
