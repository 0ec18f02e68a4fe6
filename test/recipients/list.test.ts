import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeySet } from '../../src/recipients/key-set.js';
import { openList } from '../../src/recipients/list.js';
import { pieces, readList, refusal } from './support.js';

describe('openList with CSV', () => {
  it('gives recipients with their line, address and variables', async () => {
    const text = 'Name,E-Mail,2nd Field\nAnn,Ann@Example.COM,"x\ny"\n\nBob,bob@example.com,\n';
    const { list, recipients, rejects } = await readList(text);
    expect(rejects).toEqual([]);
    expect(list).toMatchObject({
      format: 'csv',
      delimiter: ',',
      columns: [
        { title: 'Name', variable: 'Name' },
        { title: 'E-Mail', variable: 'E_Mail' },
        { title: '2nd Field', variable: '_2nd_Field' },
      ],
      emailColumn: { title: 'E-Mail', variable: 'E_Mail' },
    });
    expect(recipients).toEqual([
      {
        line: 2,
        address: 'Ann@example.com',
        variables: vars({ Name: 'Ann', E_Mail: 'Ann@Example.COM', _2nd_Field: 'x\ny' }),
      },
      {
        line: 5,
        address: 'bob@example.com',
        variables: vars({ Name: 'Bob', E_Mail: 'bob@example.com', _2nd_Field: '' }),
      },
    ]);
    expect(list.digest()).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('rejects each bad row with line and reason, and goes on', async () => {
    const exclude = new KeySet();
    exclude.add('never@example.com');
    const text = [
      'email,name',
      'ann@example.com,Ann',
      'nobody,Bob',
      ',Cid',
      'only-one-cell',
      'dan@example.com,Dan,more,and more',
      '"eve"x@example.com,Eve',
      'ANN@EXAMPLE.COM,Ann again',
      'Never@example.com,Fay',
      'Never@example.com,Fay again',
      'gil@example.com,Gil',
    ].join('\r\n');
    const { recipients, rejects } = await readList(text, { exclude });
    expect(recipients.map(({ line }) => line)).toEqual([2, 11]);
    expect(rejects.map(({ line, address, reason }) => [line, address, reason])).toEqual([
      [3, 'nobody', 'no-at'],
      [4, '', 'no-address'],
      [5, 'only-one-cell', 'row-ragged'],
      [6, 'dan@example.com', 'row-ragged'],
      [7, 'eve', 'row-syntax'],
      [8, 'ANN@EXAMPLE.COM', 'duplicate'],
      [9, 'Never@example.com', 'suppressed'],
      [10, 'Never@example.com', 'suppressed'],
    ]);
    expect(rejects[2]?.detail).toBe('The row has 1 of 2 cells.');
    expect(rejects[3]?.detail).toBe('The row has 4 of 2 cells.');
  });

  it('gives back generated rows with any delimiter, quotes and line ends, cut at any byte', async () => {
    const cell = fc.string({ unit: fc.constantFrom(...'ab",;\t|\r\n é€😀\ufeff='), maxLength: 8 });
    const shape = fc.record({
      rows: fc.array(fc.tuple(cell, cell), { maxLength: 8 }),
      delimiter: fc.constantFrom(',', ';', '\t', '|'),
      newline: fc.constantFrom('\n', '\r\n'),
      mark: fc.boolean(),
      sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ rows, delimiter, newline, mark, sizes }) => {
        const quote = (text: string): string => (/["\r\n,;\t|]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
        const lines = rows.map(([a, b], i) => [quote(a), `u${i}@example.com`, quote(b)].join(delimiter));
        const text = [['Vor name', 'mail', 'größe'].join(delimiter), ...lines].join(newline);
        const { recipients, rejects, list } = await readList((mark ? '\ufeff' : '') + text, { sizes });
        expect(rejects).toEqual([]);
        expect(list.delimiter).toBe(delimiter);
        let line = 2;
        const expected = rows.map(([a, b], i) => {
          const recipient = {
            line,
            address: `u${i}@example.com`,
            variables: vars({ Vor_name: a, mail: `u${i}@example.com`, größe: b }),
          };
          line += (lines[i] ?? '').split('\n').length;
          return recipient;
        });
        expect(recipients).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('reads only the variables that are needed, if told which', async () => {
    const text = 'email,a,b,c\nx@example.com,1,2,3\ny@example.com,4,5\n';
    const { recipients, rejects } = await readList(text, { needs: ['c', 'a'] });
    expect(recipients.map(({ variables }) => ({ ...variables }))).toEqual([{ a: '1', c: '3' }]);
    expect(rejects).toMatchObject([{ line: 3, reason: 'row-ragged' }]);
  });

  it('lets no column name reach a prototype', async () => {
    const text = 'email,__proto__,constructor,prototype,toString\na@example.com,p,c,r,t\n';
    const { recipients } = await readList(text);
    const variables = recipients[0]?.variables ?? {};
    const prototype = Object.getPrototypeOf(variables);
    expect([Reflect.ownKeys(prototype), Object.getPrototypeOf(prototype)]).toEqual([[], null]);
    expect(Object.entries(variables)).toEqual([
      ['email', 'a@example.com'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['prototype', 'r'],
      ['toString', 't'],
    ]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('stops after the limit of sendable recipients, and its digest is still of the whole list', async () => {
    const text = `email\nbad\na@b.c\nb@b.c\nbad\n${'x@b.c\n'.repeat(50_000)}`;
    const { recipients, rejects, list } = await readList(text, { limit: 2 });
    expect(recipients.map(({ address }) => address)).toEqual(['a@b.c', 'b@b.c']);
    expect(rejects).toHaveLength(1);
    expect(list.digest()).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('closes its input when the reader leaves early and when the list is refused', async () => {
    const endless = (head: string): Readable =>
      Readable.from(
        (function* () {
          yield Buffer.from(head);
          for (;;) yield Buffer.from('a@example.com,b\n'.repeat(1000));
        })(),
      );
    const left = endless('email,name\n');
    const list = await openList(left, { source: 'people.csv' });
    for await (const rows of list.batches()) if (rows.length > 100) break;
    expect(left.destroyed).toBe(true);
    expect(() => list.digest()).toThrow('once all its batches were read');
    const refused = endless('nothing,here\n');
    expect((await refusal(openList(refused, { source: 'people.csv' }))).code).toBe('LIST_NO_ADDRESS_COLUMN');
    expect(refused.destroyed).toBe(true);
    const unclosed = endless('"email');
    expect((await refusal(openList(unclosed, { source: 'people.csv' }))).message).toContain('opens on line 1 of');
    expect(unclosed.destroyed).toBe(true);
  });
});

describe('openList refuses', () => {
  it.each([
    [
      'a table of bytes',
      Buffer.from([...Array(512).keys()].map((i) => i % 256)),
      'LIST_UNREADABLE',
      'neither UTF-8 nor',
    ],
    ['UTF-8 that ends within a character', Buffer.from('email\na@b.c\né').subarray(0, -1), 'LIST_UNREADABLE', 'line 3'],
    ['UTF-16 without a mark', Buffer.from('email\na@b.c', 'utf16le'), 'LIST_UNREADABLE', 'UTF-16'],
    ['a spreadsheet', Buffer.from('PK\x03\x04\x14\x00rest'), 'LIST_UNREADABLE', 'spreadsheet'],
    ['an empty list', '', 'LIST_NOTHING_SENDABLE', 'people.csv is empty'],
    ['a blank list', ' \r\n\n', 'LIST_NOTHING_SENDABLE', 'people.csv is empty'],
    ['a list of one empty quoted cell', '""', 'LIST_NOTHING_SENDABLE', 'people.csv is empty'],
    ['a header that never ends', `"email${'x\n'.repeat(600_000)}`, 'LIST_SYNTAX', 'opens on line 1 of'],
    ['a quote that is never closed', 'email,n\na@b.c,"x\nb@b.c,y\n', 'LIST_SYNTAX', 'opens on line 2 of'],
    ['a column without a name', 'email,,name\n', 'LIST_SYNTAX', 'Column 2 of people.csv'],
    ['two columns of one name', 'email,name,x,name\n', 'LIST_SYNTAX', 'Columns 2 ("name") and 4 ("name")'],
    ['two columns of one variable', 'email,a b,a-b\n', 'LIST_SYNTAX', '("a b") and 3 ("a-b")'],
    ['a list without an address column', 'name,city\nx,y\n', 'LIST_NO_ADDRESS_COLUMN', '"name", "city"'],
    ['two likely address columns', 'email,e-mail\n', 'LIST_NO_ADDRESS_COLUMN', '"email", "e-mail"'],
    ['a JSON list whose first line is no object', '{"email":\n"a@b.c"}\n', 'LIST_SYNTAX', 'Line 1 of'],
    ['two JSON names of one variable', '{"email":"a@b.c","a b":1,"a_b":2}', 'LIST_SYNTAX', '"a_b"'],
    ['a line of JSON without end', `{"email":"${'x'.repeat(1_100_000)}`, 'LIST_SYNTAX', 'Line 1 of'],
  ])('%s', async (_what, bytes, code, words) => {
    const error = await refusal(readList(bytes));
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(error.hint).toBeTruthy();
  });

  it('an input that fails, with its reason', async () => {
    const input = new Readable({ read: () => input.destroy(new Error('EIO: broken disk')) });
    const error = await refusal(openList(input, { source: 'people.csv' }));
    expect(error).toMatchObject({ code: 'LIST_UNREADABLE', message: expect.stringContaining('EIO: broken disk') });
  });

  it('a control sequence in a column name without showing it to the terminal', async () => {
    const error = await refusal(readList('na\u001b[31mme,x\u009b2J\u202e\n'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not come out.
    expect(error.message).not.toMatch(/[\0-\x1f\x7f-\x9f\u202e]/);
  });
});

describe('the address column', () => {
  it.each([
    ['name,Email', 'Email'],
    ['E-MAIL,name', 'E-MAIL'],
    ['Email Address,name', 'Email Address'],
    ['address,name', 'address'],
    ['address,mail', 'mail'],
    ['Correo electrónico,nombre', 'Correo electrónico'],
    ['courriel,nom', 'courriel'],
    ['E-Mail-Adresse,Name', 'E-Mail-Adresse'],
  ])('of %j is %j', async (header, title) => {
    const list = await openList(pieces(`${header}\n`), { source: 'x' });
    expect(list.emailColumn.title).toBe(title);
  });

  it('is the one that is asked for, by title or variable, in any case', async () => {
    for (const emailColumn of ['Main Contact', 'main_contact', 'MAIN CONTACT']) {
      const { recipients } = await readList('email;Main Contact\nx@b.c;y@b.c\n', { emailColumn });
      expect(recipients[0]?.address).toBe('y@b.c');
    }
    const error = await refusal(readList('email,name\n', { emailColumn: 'post' }));
    expect(error).toMatchObject({ code: 'LIST_NO_ADDRESS_COLUMN', hint: expect.stringContaining('--email-column') });
    expect(error.message).toContain('"post"');
  });
});

describe('openList with NDJSON', () => {
  it('keeps values as they are, in objects without a prototype', async () => {
    const text =
      '\n{"email":"Ann@B.C","tags":[1,{"__proto__":{"x":1}}],"n":null}\r\n{"email":"b@b.c","other key":true}';
    const { list, recipients, rejects } = await readList(text, { sizes: [1] });
    expect(rejects).toEqual([]);
    expect(list).toMatchObject({ format: 'ndjson', delimiter: null });
    expect(list.columns.map(({ variable }) => variable)).toEqual(['email', 'tags', 'n']);
    expect(recipients.map(({ line, address }) => [line, address])).toEqual([
      [2, 'Ann@b.c'],
      [3, 'b@b.c'],
    ]);
    expect(JSON.stringify(recipients[0]?.variables)).toBe(
      '{"email":"Ann@B.C","tags":[1,{"__proto__":{"x":1}}],"n":null}',
    );
    const tags = recipients[0]?.variables.tags;
    expect(Object.getPrototypeOf(Array.isArray(tags) ? tags[1] : {})).toBeNull();
    expect(recipients[1]?.variables).toEqual(vars({ email: 'b@b.c', other_key: true }));
  });

  it('rejects lines that are no object, names that collide, values too deep, and what is no address', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const text = [
      '{"email":"a@b.c"}',
      'oops',
      '[1]',
      'null',
      '{"email":"b@b.c","x y":1,"x_y":2}',
      `{"email":"c@b.c","deep":${deep}}`,
      '{"email":5}',
      '{"name":"x"}',
      '{"email":"a@B.c"}',
    ].join('\n');
    const { recipients, rejects } = await readList(text);
    expect(recipients).toHaveLength(1);
    expect(rejects.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'row-syntax'],
      [3, 'row-syntax'],
      [4, 'row-syntax'],
      [5, 'row-syntax'],
      [6, 'row-syntax'],
      [7, 'no-address'],
      [8, 'no-address'],
      [9, 'duplicate'],
    ]);
  });

  it('is read as what the caller says it is', async () => {
    const { list } = await readList('{x},email\n1,a@b.c\n', { format: 'csv' });
    expect(list.format).toBe('csv');
  });
});

function vars(values: Record<string, unknown>): object {
  return Object.assign(Object.create(null), values);
}
