import { describe, expect, it } from 'vitest';
import { MAX_RECORD } from '../../src/recipients/text.js';
import { readList, refusal } from './support.js';

const addressesOf = ({ recipients }: Awaited<ReturnType<typeof readList>>) => recipients.map(({ address }) => address);

describe('a list without a header', () => {
  const columns = ['email', 'First Name', 'city'];

  it('gets its columns from the operator, and its first record is a recipient', async () => {
    const text = '\r\n  \r\nann@b.c;"Ann; A.";Graz\r\nbob@b.c;Bob;"Bo\r\nzen"\r\n';
    const { list, recipients, rejects } = await readList(text, { columns, sizes: [1] });
    expect(rejects).toEqual([]);
    expect(list.delimiter).toBe(';');
    expect(list.columns[1]).toEqual({ title: 'First Name', variable: 'First_Name' });
    expect(recipients.map(({ line, address, variables }) => [line, address, { ...variables }])).toEqual([
      [3, 'ann@b.c', { email: 'ann@b.c', First_Name: 'Ann; A.', city: 'Graz' }],
      [4, 'bob@b.c', { email: 'bob@b.c', First_Name: 'Bob', city: 'Bo\r\nzen' }],
    ]);
  });

  it('is split at the delimiter that gives as many cells, and an address where one should be', async () => {
    expect(addressesOf(await readList('a@b.c|x,y,z|1\n', { columns }))).toEqual(['a@b.c']);
    expect(addressesOf(await readList('Lee, Ann|a@b.c\n', { columns: ['name', 'email'] }))).toEqual(['a@b.c']);
    expect(addressesOf(await readList('"a,b"@x.y\nann@b.c\n', { columns: ['mail'] }))).toEqual(['ann@b.c']);
    expect(addressesOf(await readList('x|y;a@b.c\n', { columns: ['n', 'email'] }))).toEqual(['a@b.c']);
    expect(addressesOf(await readList('a@b.c', { columns: ['email'] }))).toEqual(['a@b.c']);
  });

  it('whose first record has another number of cells is refused with the line', async () => {
    const error = await refusal(readList('\na@b.c,x\n', { columns }));
    expect(error).toMatchObject({
      code: 'LIST_SYNTAX',
      message: expect.stringMatching(/3 columns, and line 2 of.*2 cells/),
    });
  });

  it('rejects a header that is there all the same, as no address', async () => {
    const { rejects, recipients } = await readList('Mail,Name,City\na@b.c,x,y\n', { columns });
    expect(rejects).toMatchObject([{ line: 1, address: 'Mail', reason: 'no-at' }]);
    expect(recipients).toHaveLength(1);
  });

  it.each([
    ['without an address column', ['a', 'b'], 'LIST_NO_ADDRESS_COLUMN', '--columns has no column'],
    ['of which one has no name', ['email', ''], 'LIST_SYNTAX', 'Column 2 of --columns'],
    ['of which two are one', ['email', 'a b', 'a-b'], 'LIST_SYNTAX', 'Columns 2 ("a b") and 3 ("a-b") of --columns'],
  ])('refuses names %s, whatever is in it', async (_what, names, code, words) => {
    const error = await refusal(readList('a@b.c,x\n', { columns: names }));
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
  });
});

describe('a list of an uncommon shape', () => {
  it.each([[1], [5], [1000]])(
    'may begin with the line that names Excel its delimiter, in pieces of %i',
    async (size) => {
      const text = 'sep=;\r\nEmail;Name, first\r\nann@b.c;"A, B"\r\n';
      const { list, recipients, rejects } = await readList(text, { sizes: [size] });
      expect([list.delimiter, rejects]).toEqual([';', []]);
      expect(recipients).toMatchObject([{ line: 3, address: 'ann@b.c', variables: { Name__first: 'A, B' } }]);
      const bare = await readList('sep=|\nann@b.c|A\n', { sizes: [size], columns: ['email', 'name'] });
      expect(bare.recipients).toMatchObject([{ line: 2, address: 'ann@b.c', variables: { name: 'A' } }]);
    },
  );

  it('may have one column, quoted or not, and blank lines anywhere', async () => {
    const read = await readList('\n \nemail\r\n\r\na@b.c\n"b@b.c"\n  \n\nc@b.c', { sizes: [1] });
    expect(addressesOf(read)).toEqual(['a@b.c', 'b@b.c', 'c@b.c']);
    expect(read.recipients.map(({ line }) => line)).toEqual([5, 6, 9]);
    expect(read.rejects).toEqual([]);
  });

  it('is split at its own delimiter, though a line of spaces comes first', async () => {
    const { list } = await readList('  \nemail;name, full\na@b.c;Lee, A.\n');
    expect(list.delimiter).toBe(';');
  });

  it('may have 500 columns', async () => {
    const titles = Array.from({ length: 500 }, (_, i) => (i === 250 ? 'email' : `Column ${i}`));
    const row = (n: number) => titles.map((_, i) => (i === 250 ? `u${n}@b.c` : `"${n},${i}"`)).join(',');
    const rows = Array.from({ length: 300 }, (_, n) => row(n));
    const { list, recipients, rejects } = await readList([titles.join(','), ...rows].join('\n'));
    expect(rejects).toEqual([]);
    expect(list.columns).toHaveLength(500);
    expect(recipients).toHaveLength(300);
    expect(recipients[299]?.variables).toMatchObject({ Column_0: '299,0', Column_499: '299,499', email: 'u299@b.c' });
  });

  it('may have a row of a megabyte and no longer one, which is refused by its line, in tiny pieces as well', async () => {
    const row = (length: number) => `email,name\na@b.c,x\nb@b.c,${'y'.repeat(length - 6)}\nc@b.c,z\n`;
    const { recipients } = await readList(row(MAX_RECORD - 1), { sizes: [1000] });
    expect(recipients[1]?.variables.name).toHaveLength(MAX_RECORD - 7);
    const began = performance.now();
    const error = await refusal(readList(row(MAX_RECORD + 1), { sizes: [10] }));
    expect(error).toMatchObject({ code: 'LIST_SYNTAX', message: expect.stringContaining('record on line 3 of') });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('with an unclosed quote is refused with the line where it began, though rows follow', async () => {
    const open = `email,name\na@b.c,x\n${'b@b.c,y\n'.repeat(10)}c@b.c,"z\n${'d@b.c,y\n'.repeat(200_000)}`;
    for (const sizes of [[10], [65_536]]) {
      const error = await refusal(readList(open, { sizes }));
      expect(error).toMatchObject({
        code: 'LIST_SYNTAX',
        message: expect.stringContaining('opens on line 13 of people.csv'),
      });
    }
    const header = await refusal(readList('"a,b",email,"name\na@b.c\n'));
    expect(header.message).toContain('opens on line 1 of people.csv');
  });
});
