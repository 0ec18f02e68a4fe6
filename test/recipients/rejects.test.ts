import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csvCell } from '../../src/domain/csv.js';
import type { Reject } from '../../src/domain/recipient.js';
import { openRejects } from '../../src/recipients/rejects.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanmail-rejects-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const reject = (line: number, address: string, reason: Reject['reason'] = 'no-at'): Reject => ({
  line,
  address,
  reason,
  detail: 'There is no @ in it.',
});

describe('csvCell', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tx', '"\'\tx"'],
    ['\rx', '"\'\rx"'],
    ['＝1', "'＝1"],
    ['=A1;"x"', '"\'=A1;""x"""'],
    ['a;=1', '"a;=1"'],
  ])('writes %j as %s', (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  it('comes back from a CSV reader as it was, but for the apostrophe before a formula', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab",;\r\n\t|=+-@\' é') });
    fc.assert(
      fc.property(text, (value) => {
        const [[first, second] = []] = parse(`${csvCell(value)},end\n`, { record_delimiter: '\n' });
        expect(first).toBe(/^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value);
        expect(second).toBe('end');
      }),
    );
  });
});

describe('openRejects', () => {
  it('writes a file that appears whole at close, for its owner alone, and counts by reason', async () => {
    const path = join(folder, 'deep', 'rejects.csv');
    const rejects = openRejects(path);
    await rejects.add([reject(2, '=cmd()'), reject(3, 'a,"b')]);
    await rejects.add([reject(9, 'x@y', 'duplicate')]);
    expect((await readdir(join(folder, 'deep'))).filter((name) => name === 'rejects.csv')).toEqual([]);
    expect(await rejects.close()).toBe(path);
    expect(rejects.counts).toEqual({ 'no-at': 2, duplicate: 1 });
    expect(await readFile(path, 'utf8')).toBe(
      'line,address,reason,detail\n' +
        "2,'=cmd(),no-at,There is no @ in it.\n" +
        '3,"a,""b",no-at,There is no @ in it.\n' +
        '9,x@y,duplicate,There is no @ in it.\n',
    );
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'deep'))).toEqual(['rejects.csv']);
  });

  it('creates nothing where there is nothing to reject', async () => {
    const rejects = openRejects(join(folder, 'rejects.csv'));
    await rejects.add([]);
    expect(await rejects.close()).toBeNull();
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves nothing behind when it is discarded, and leaves a closed file alone', async () => {
    const path = join(folder, 'rejects.csv');
    const dropped = openRejects(path);
    await dropped.add([reject(2, 'a')]);
    await dropped.discard();
    expect(await readdir(folder)).toEqual([]);
    const kept = openRejects(path);
    await kept.add([reject(2, 'a')]);
    await kept.close();
    await kept.discard();
    expect(await readdir(folder)).toEqual(['rejects.csv']);
  });
});
