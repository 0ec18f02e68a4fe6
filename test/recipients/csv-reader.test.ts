import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvReader, type CsvRecord } from '../../src/recipients/csv-reader.js';
import { sniffDialect } from '../../src/recipients/dialect.js';
import { MAX_RECORD } from '../../src/recipients/text.js';

function read(text: string, cuts: readonly number[] = [], delimiter = ',', newline: '\n' | '\r' = '\n'): CsvRecord[] {
  const reader = new CsvReader({ delimiter, newline }, 'people.csv');
  const at = [0, ...[...cuts].map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  const records = at.slice(1).flatMap((end, i) => reader.push(text.slice(at[i], end), false));
  return [...records, ...reader.push('', true)];
}

describe('CsvReader', () => {
  it.each([
    [
      'a,b\nc,d',
      [
        { line: 1, cells: ['a', 'b'] },
        { line: 2, cells: ['c', 'd'] },
      ],
    ],
    [
      'a,b\r\n\r\n  \r\nc,d\r\n',
      [
        { line: 1, cells: ['a', 'b'] },
        { line: 4, cells: ['c', 'd'] },
      ],
    ],
    [
      '"a\r\nb",c\r\nd,e',
      [
        { line: 1, cells: ['a\r\nb', 'c'] },
        { line: 3, cells: ['d', 'e'] },
      ],
    ],
    [
      '"a""b",""\nc,',
      [
        { line: 1, cells: ['a"b', ''] },
        { line: 2, cells: ['c', ''] },
      ],
    ],
    ['"a","b"', [{ line: 1, cells: ['a', 'b'] }]],
    ['"a",', [{ line: 1, cells: ['a', ''] }]],
    ['5" disk,b "c" d\n', [{ line: 1, cells: ['5" disk', 'b "c" d'] }]],
    [
      '"a" ,"b"\t\nc,d',
      [
        { line: 1, cells: ['a', 'b'] },
        { line: 2, cells: ['c', 'd'] },
      ],
    ],
    [',\n', [{ line: 1, cells: ['', ''] }]],
    ['""\nx', [{ line: 2, cells: ['x'] }]],
  ])('reads %j', (text, records) => {
    expect(read(text)).toEqual(records);
    for (let cut = 0; cut <= text.length; cut++) expect(read(text, [cut])).toEqual(records);
  });

  it('marks a record with text after a closing quote and goes on with the next line', () => {
    const [first, second] = read('"Joe "the man" X",b\nc,d');
    expect(first).toMatchObject({ line: 1, fault: 'Text stands after the closing quote of cell 1.' });
    expect(second).toEqual({ line: 2, cells: ['c', 'd'] });
  });

  it('names the line of a quote that is never closed, at the end and as soon as the record is too long', () => {
    const open = 'a,b\n"c\nd","e\nf\n';
    expect(() => read(open)).toThrow(/quote that opens on line 3 of people\.csv is never closed/);
    const reader = new CsvReader({ delimiter: ',', newline: '\n' }, 'people.csv');
    reader.push(open, false);
    expect(() => reader.push('x\n'.repeat(MAX_RECORD / 2), false)).toThrow(/opens on line 3 of/);
  });

  it('refuses a record of more than a megabyte, whole or not', () => {
    const long = 'x'.repeat(MAX_RECORD + 1);
    const message = /record on line 2 of people\.csv has more than 1000000 characters/;
    expect(() => read(`a\n${long}`)).toThrow(message);
    expect(() => read(`a\n${long}\nb`)).toThrow(message);
    expect(() => read(`a\n"${long}"\nb`)).toThrow(message);
  });

  it('reads what csv-parse reads, however the text is cut', () => {
    const cell = fc.string({ unit: fc.constantFrom(...'ab" ,;\r\né😀'), maxLength: 6 });
    const shape = fc.record({
      rows: fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 }),
      newline: fc.constantFrom('\n', '\r\n'),
      delimiter: fc.constantFrom(',', ';', '\t', '|'),
      quoteAll: fc.boolean(),
      cuts: fc.array(fc.nat(), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(shape, ({ rows, newline, delimiter, quoteAll, cuts }) => {
        const quoted = (text: string): string =>
          quoteAll || /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
        const text = rows.map((row) => row.map(quoted).join(delimiter) + newline).join('');
        const oracle = parse(text, { delimiter, record_delimiter: newline, relax_column_count: true });
        const records = read(text, cuts, delimiter);
        expect(records.map((record) => record.cells)).toEqual(oracle);
        let line = 1;
        for (const [i, row] of rows.entries()) {
          expect(records[i]?.line).toBe(line);
          line += row.map(quoted).join(delimiter).split('\n').length;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('sniffDialect', () => {
  it.each([
    ['email\na@b.c\n', ',', '\n'],
    ['email,name\n', ',', '\n'],
    ['email;name\r\n', ';', '\n'],
    ['email\tname\n', '\t', '\n'],
    ['email|name\n', '|', '\n'],
    ['"a,b,c";email\n', ';', '\n'],
    ['"x""y,;,";email\n', ';', '\n'],
    ['Name, first;email\n', ';', '\n'],
    ['Name, first, last;email\n', ';', '\n'],
    ['"two\nlines,";email\n', ';', '\n'],
    ['\n\r\nemail;name\n', ';', '\n'],
    ['email;name\rx\r', ';', '\r'],
  ])('takes %j for a file with %j and %j', (head, delimiter, newline) => {
    expect(sniffDialect(head, false)).toEqual({ delimiter, newline });
  });

  it('waits for the end of the first record, and for what follows a CR', () => {
    expect(sniffDialect('email,na', false)).toBeNull();
    expect(sniffDialect('"email\n', false)).toBeNull();
    expect(sniffDialect('email;name\r', false)).toBeNull();
    expect(sniffDialect('email;name\r', true)).toEqual({ delimiter: ';', newline: '\n' });
  });

  it('prefers the delimiter that sets the wanted column free', () => {
    expect(sniffDialect('a,b,c;Kontakt\n', false, 'kontakt')?.delimiter).toBe(';');
  });
});
