import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { parseColumns } from '../../src/cli/export.js';
import { parseCondition } from '../../src/domain/condition-parser.js';
import { FanmailError } from '../../src/domain/errors.js';
import { DEFAULT_COLUMNS, EXPORT_COLUMNS, type ExportOptions, exportLines } from '../../src/report/export.js';
import { Figures } from '../../src/report/figures.js';
import { RESULTS_HEADER, resultsCsv } from '../../src/report/results-csv.js';
import { campaignOf, chunkOf, type Entry, sourceOf } from './ledger.js';

const ENTRIES: readonly Entry[] = [
  { address: 'ann@example.org', state: 'sent', code: 250, attempts: 1, reason: 'reply', time: 1_777_000_000 },
  { address: '=2+5@example.net', state: 'failed', code: 550, enhanced: [1, 1], words: 1, attempts: 2, reason: 'reply' },
  {
    address: 'cy@gmail.com',
    state: 'failed',
    code: 450,
    enhanced: [7, 28],
    words: 2,
    attempts: 6,
    reason: 'attempts-used',
  },
  { address: 'di@gmail.com', state: 'unknown', attempts: 1, reason: 'interrupted' },
  { address: 'ed@gmail.com', state: 'pending' },
];
const WORDS = new Map([
  [1, 'no such "user", sorry\u0007'],
  [2, '=HYPERLINK("x")'],
]);
/** The first one is of somebody who was sent in the ledger, too. */
const LATE = [
  { chunk: 0, index: 0, verb: 's' },
  { chunk: 1, index: 1, verb: 's' },
];
const CAMPAIGN = campaignOf(5, null);
const SOURCE = sourceOf(CAMPAIGN, [ENTRIES.slice(0, 2), ENTRIES.slice(2)], { words: WORDS, late: LATE });

async function exported(options: Partial<ExportOptions> = {}, source = SOURCE) {
  const counted = { read: 0, written: 0 };
  const all = { format: 'csv', columns: DEFAULT_COLUMNS, where: null, ...options } as const;
  let text = '';
  for await (const piece of exportLines(CAMPAIGN, source, all, counted)) text += piece;
  return { text, counted };
}

describe('an export', () => {
  it('has by default what results.csv has, to the byte', async () => {
    let results = '';
    for await (const piece of resultsCsv(CAMPAIGN, SOURCE, new Figures())) results += piece;
    const { text, counted } = await exported();
    expect(text).toBe(results);
    expect(text.startsWith(RESULTS_HEADER)).toBe(true);
    expect(counted).toEqual({ read: 5, written: 5 });
  });

  it('has only who fits, and only the columns that are asked for, in their order', async () => {
    const where = parseCondition('code=4.7.28 and domain=gmail.com');
    const { text, counted } = await exported({ where, columns: ['class', 'email', 'domain'] });
    expect(text).toBe('class,email,domain\nthrottle,cy@gmail.com,gmail.com\n');
    expect(counted).toEqual({ read: 5, written: 1 });
    expect((await exported({ where: parseCondition('reason=late-sent'), columns: ['email'] })).text).toBe(
      'email\ndi@gmail.com\n',
    );
    expect((await exported({ where: parseCondition('state=skipped') })).text).toBe(RESULTS_HEADER);
  });

  it('runs no formula in a spreadsheet, and a reader of CSV gets all cells back', async () => {
    const { text } = await exported({ columns: ['email', 'reply'] });
    expect(parse(text)).toEqual([
      ['email', 'reply'],
      ['ann@example.org', ''],
      ["'=2+5@example.net", 'no such "user", sorry'],
      ['cy@gmail.com', `'=HYPERLINK("x")`],
      ['di@gmail.com', ''],
      ['ed@gmail.com', ''],
    ]);
  });

  it('as NDJSON has an object a line, with null for what is not there', async () => {
    const { text } = await exported({ format: 'ndjson', columns: EXPORT_COLUMNS });
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(JSON.parse(lines[1] ?? '')).toEqual({
      ...{ email: '=2+5@example.net', state: 'failed', code: '550 5.1.1', attempts: 2, reason: 'reply' },
      ...{ message_id: expect.stringMatching(/^<.*@example\.com>$/), time: null, reply: 'no such "user", sorry' },
      ...{ domain: 'example.net', class: 'dead' },
    });
    expect(JSON.parse(lines[4] ?? '')).toMatchObject({
      code: null,
      time: null,
      reason: null,
      reply: null,
      class: null,
    });
    const lost = {
      ...SOURCE,
      chunks: async function* () {
        yield { ...chunkOf(0, ENTRIES.slice(0, 1)), addresses: null };
      },
    };
    const { text: other } = await exported({ format: 'ndjson', columns: ['email', 'message_id', 'domain'] }, lost);
    expect(JSON.parse(other)).toEqual({ email: null, message_id: null, domain: null });
  });

  it('reads a chunk only when the pieces before it were taken', async () => {
    let read = 0;
    const many = Array.from({ length: 2_000 }, (_, i): Entry => ({ address: `u${i}@example.org`, state: 'pending' }));
    const source = {
      ...SOURCE,
      chunks: async function* () {
        for (; read < 100; read++) yield chunkOf(read, many);
      },
    };
    const options = { format: 'csv', columns: DEFAULT_COLUMNS, where: null } as const;
    const pieces = exportLines(CAMPAIGN, source, options, { read: 0, written: 0 })[Symbol.asyncIterator]();
    const { value } = await pieces.next();
    expect(String(value).length).toBeGreaterThan(60_000);
    expect(String(value).length).toBeLessThan(70_000);
    expect(read).toBeLessThan(3);
  });
});

describe('the columns of an export', () => {
  it('are those of results.csv, and what follows from them', () => {
    expect(DEFAULT_COLUMNS.join(',')).toBe(RESULTS_HEADER.trim());
    expect(parseColumns(null)).toEqual(DEFAULT_COLUMNS);
    expect(parseColumns(' email, domain')).toEqual(['email', 'domain']);
  });

  it.each([
    ['email,sate', 'there is no "sate"', 'Did you mean state? Allowed: email, state'],
    ['email,', 'there is no ""', 'Allowed: email, state'],
    ['line', 'there is no "line"', 'Allowed: email'],
    ['email,email', '"email" stands there twice', 'Allowed: email'],
    ['constructor', 'there is no "constructor"', 'Allowed: email'],
  ])('are refused where one is not known or stands twice: %s', (text, what, allowed) => {
    const error = (() => {
      try {
        return parseColumns(text);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(FanmailError);
    expect(error).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining(what) });
    expect((error as FanmailError).hint).toContain(allowed);
  });
});
