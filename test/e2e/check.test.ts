import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newPlace, type Place } from '../support/cli.js';
import { startDns } from '../support/dns.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Found {
  readonly ok: boolean;
  readonly rows: number;
  readonly sendable: number;
  readonly refusals: number;
  readonly largest: { readonly bytes: number; readonly line: number } | null;
  readonly findings: readonly {
    readonly severity: string;
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
    readonly rows: number | null;
    readonly samples: readonly { readonly line: number; readonly text: string }[];
  }[];
}

let place: Place;
beforeAll(() => {
  // A Redis that nobody answers for: a check needs none.
  place = newPlace({ REDIS_URL: 'redis://127.0.0.1:1' });
  template('good', { subject: 'Hi {{name}}', text: 'Dear {{name}} of {{city}}' });
});
afterAll(() => place.clear());

function template(name: string, parts: Readonly<Record<string, string>>): void {
  mkdirSync(join(place.folder, name));
  for (const [part, text] of Object.entries(parts)) writeFileSync(join(place.folder, name, `${part}.hbs`), text);
}

function list(name: string, lines: readonly string[]): string {
  writeFileSync(join(place.folder, name), `${lines.join('\n')}\n`);
  return name;
}

async function check(file: string, folder: string, ...more: string[]): Promise<Found & { code: number | null }> {
  const { code, out, err } = await place.run(['check', file, '--template', folder, ...from(more), '--json']);
  if (out === '') throw new Error(err);
  return { ...(JSON.parse(out) as Found), code };
}

function from(more: readonly string[]): readonly string[] {
  return more.includes('--from') ? more : ['--from', 'Me <me@example.com>', ...more];
}

function found(all: Found, code: string) {
  return all.findings.filter((one) => one.code === code);
}

describe('check', () => {
  it('warns where many have no way to unsubscribe', async () => {
    const people = Array.from({ length: 100 }, (_, n) => `a${n}@example.com,Ada,Vienna`);
    const many = list('many.csv', ['email,name,city', ...people]);
    expect(found(await check(many, 'good'), 'NO_UNSUBSCRIBE')).toHaveLength(1);
    const can = await check(many, 'good', '--unsubscribe-mailto', 'stop@example.com');
    expect(found(can, 'NO_UNSUBSCRIBE')).toEqual([]);
  });

  it('finds nothing in a good list and template, exits 0, stages nothing and leaves no file', async () => {
    const rows = list('good.csv', ['email,name,city', 'ada@example.com,Ada,Vienna', 'bo@example.com,Bo,Oslo']);
    const all = await check(rows, 'good', '--smtp', 'smtp://localhost');
    expect(all).toMatchObject({ code: 0, ok: true, rows: 2, sendable: 2, findings: [] });
    expect(all.largest).toMatchObject({ line: 2 });
    expect(existsSync(join(place.folder, 'fanmail-results'))).toBe(false);
    expect(existsSync(join(place.folder, 'home'))).toBe(false);
  });

  it('counts bad rows by reason with the first three lines of each, and is no refusal for them', async () => {
    const bad = ['one', 'two', 'three', 'four'].map((address) => `${address},N,C`);
    const rows = list('rows.csv', [
      'email,name,city',
      'a@example.com,A,C',
      ...bad,
      'A@EXAMPLE.com,A,C',
      'b@example.com,B',
    ]);
    const all = await check(rows, 'good');
    expect(all.code).toBe(0);
    const rejected = found(all, 'ROWS_REJECTED');
    expect(rejected.map(({ rows: count, severity }) => [count, severity])).toEqual([
      [4, 'warning'],
      [1, 'warning'],
    ]);
    expect(rejected[0]?.message).toContain('no-at');
    expect(rejected[0]?.samples.map(({ line }) => line)).toEqual([3, 4, 5]);
    expect(rejected[0]?.samples[0]?.text).toContain('one');
    expect(found(all, 'DUPLICATES')).toMatchObject([{ severity: 'note', rows: 1, samples: [{ line: 7 }] }]);
  });

  it('warns of addresses of a function, of mistyped domains, and of variables that are often empty', async () => {
    const rows = list('odd.csv', ['email,name,city', 'info@example.com,I,C', 'ada@gmial.com,,C', 'bo@example.com,B,C']);
    const all = await check(rows, 'good');
    expect(all).toMatchObject({ code: 0, refusals: 0 });
    expect(found(all, 'ROLE_ADDRESS')).toMatchObject([{ severity: 'warning', rows: 1, samples: [{ line: 2 }] }]);
    expect(found(all, 'DOMAIN_TYPO')[0]?.message).toContain('gmail.com');
    expect(found(all, 'VARIABLE_EMPTY')[0]?.message).toBe('1 row (33.3%) with an empty {{name}}');
  });

  it('tells all refusals in one go, each with a code and a way out, and exits 2', async () => {
    template('broken', { subject: 'Hi {{name', html: '<p>{{#if a}}x</p>', text: 'fine {{name}}' });
    const rows = list('unclosed.csv', ['email,name', 'nobody,A', '"b@example.com,B']);
    const all = await check(rows, 'broken', '--from', 'nobody at all', '--smtp', 'smtp://host/path');
    const codes = all.findings.filter(({ severity }) => severity === 'refusal').map(({ code }) => code);
    expect([all.code, codes]).toEqual([
      2,
      ['TEMPLATE_SYNTAX', 'TEMPLATE_SYNTAX', 'SENDER_INVALID', 'RELAY_URL', 'LIST_SYNTAX'],
    ]);
    const places = found(all, 'TEMPLATE_SYNTAX').map(
      ({ message }) => /^(\w+\.hbs), line \d+, column \d+: /.exec(message)?.[1],
    );
    expect(places).toEqual(['subject.hbs', 'html.hbs']);
    expect(found(all, 'LIST_SYNTAX')[0]?.message).toContain('line 3');
    expect(found(all, 'ROWS_REJECTED')).toHaveLength(1);
  });

  it('says that it guessed the encoding of a list, and not where it was named', async () => {
    const text = 'email,name,city\na@example.com,José,Málaga\n';
    writeFileSync(join(place.folder, 'old.csv'), Buffer.from(text, 'latin1'));
    expect(found(await check('old.csv', 'good'), 'ENCODING_GUESSED')).toMatchObject([{ severity: 'warning' }]);
    expect(found(await check('old.csv', 'good', '--encoding', 'windows-1252'), 'ENCODING_GUESSED')).toEqual([]);
  });

  it('names every variable that has no column, not just the first', async () => {
    const rows = list('bare.csv', ['email', 'a@example.com']);
    const all = await check(rows, 'good');
    const unknown = found(all, 'TEMPLATE_UNKNOWN_VARIABLE').map(({ message }) => /\{\{(\w+)\}\}/.exec(message)?.[1]);
    expect([all.code, unknown]).toEqual([2, ['name', 'city']]);
  });

  it('finds rows of NDJSON that lack a field, and counts them', async () => {
    const row = (email: string, rest: object) => JSON.stringify({ email, ...rest });
    const rows = list('rows.ndjson', [
      row('a@example.com', { name: 'A', city: 'C' }),
      row('b@example.com', { name: 'B' }),
      row('c@example.com', { city: 'C' }),
      row('d@example.com', { name: 'D' }),
    ]);
    const all = await check(rows, 'good');
    const lacking = found(all, 'TEMPLATE_ROW_LACKS_VARIABLE').map(({ message, samples }) => [
      message,
      samples[0]?.line,
    ]);
    expect([all.code, lacking]).toEqual([
      2,
      [
        ['2 rows (50.0%) without "city", which the template uses', 2],
        ['1 row (25.0%) without "name", which the template uses', 3],
      ],
    ]);
  });

  it('refuses a list of which nothing can be sent, with the reasons', async () => {
    const all = await check(list('nobody.csv', ['email,name,city', 'nobody,N,C']), 'good');
    expect(all.code).toBe(2);
    expect(found(all, 'LIST_NOTHING_SENDABLE')).toHaveLength(1);
    expect(found(all, 'ROWS_REJECTED')).toHaveLength(1);
  });

  it('agrees with launch on what is refused: what a dry run takes has no refusal, and what it refuses has that code', async () => {
    const cases = [
      ['rows.csv', 'good'],
      ['bare.csv', 'good'],
      ['rows.ndjson', 'good'],
      ['nobody.csv', 'good'],
      ['unclosed.csv', 'good'],
      ['good.csv', 'broken'],
    ] as const;
    await Promise.all(
      cases.map(async ([file, folder]) => {
        const args = ['--from', 'me@example.com', '--smtp', 'smtp://localhost'];
        const dry = await place.run([
          'launch',
          file,
          '--template',
          folder,
          ...args,
          '--dry-run',
          '--id',
          `${file}.${folder}`,
        ]);
        const all = await check(file, folder, ...args);
        expect(all.code, `${file} ${folder}: ${dry.err}`).toBe(dry.code);
        const [, refused] = /\((\w+)\)\n$/.exec(dry.err) ?? [];
        if (refused) expect(all.findings.map(({ code }) => code)).toContain(refused);
      }),
    );
  });

  it('reads for a person, too: severity, lines, the way out, the code, and what it comes to', async () => {
    const { code, out } = await place.run(['check', 'odd.csv', '--template', 'broken', '--from', 'me@example.com']);
    expect(code).toBe(2);
    expect(out).toMatch(/^REFUSAL {2}subject\.hbs, line \d+, column \d+/);
    expect(out).toMatch(/^ {2}1 \| .*\n +\| +\^$/m);
    expect(out).toMatch(/^WARNING {2}1 row with the address of a function/m);
    expect(out).toContain('  line 2: info@example.com\n');
    expect(out).toContain('  (ROLE_ADDRESS)\n');
    expect(out.trimEnd().split('\n').slice(-2).join(' ')).toContain('launch would refuse this');
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('the content', () => {
  it('is warned of, and with --strict warnings are refusals', async () => {
    template('bare', { subject: 'Hi', html: '<img src="http://example.com/a.png"><a href="/x">x</a>' });
    const rows = list('content.csv', ['email', 'ada@example.com']);
    const relay = ['--smtp', 'smtp://localhost'];
    const all = await check(rows, 'bare', ...relay);
    expect([all.code, all.ok]).toEqual([0, true]);
    const codes = all.findings.map(({ code, severity }) => `${severity} ${code}`);
    expect(codes).toEqual([
      'warning NO_PLAIN_TEXT',
      'warning IMAGE_WITHOUT_ALT',
      'warning LINK_RELATIVE',
      'warning LINK_INSECURE',
    ]);
    expect(await check(rows, 'bare', ...relay, '--strict')).toMatchObject({ code: 2, ok: false, refusals: 0 });
    const { out } = await place.run(['check', rows, '--template', 'bare', ...from(relay), '--strict']);
    expect(out).toContain('0 refusals, 4 warnings, 0 notes: with --strict, warnings are refusals.');
    expect(
      await check(list('fine.csv', ['email,name,city', 'a@example.com,A,B']), 'good', ...relay, '--strict'),
    ).toMatchObject({ code: 0 });
  });
});

describe('the DNS', () => {
  const SENDER = ['--smtp', 'smtp://localhost', '--from', 'News <news@fan.example>'];
  beforeAll(() => list('asked.csv', ['email,name,city', 'ada@example.com,Ada,Vienna']));
  const dnsOf = async (...more: string[]) => {
    const all = await check('asked.csv', 'good', ...SENDER, ...more);
    return { code: all.code, codes: all.findings.map(({ code, severity }) => `${severity} ${code}`) };
  };

  it('is asked about the domain of the sender; with --strict, its warnings are refusals', async () => {
    const dns = await startDns({ example: { NS: ['ns.example'] }, 'fan.example': { TXT: ['v=spf1 -all'], MX: ['.'] } });
    const found = ['warning SENDER_TAKES_NO_MAIL', 'warning DMARC_MISSING'];
    expect(await dnsOf('--dns', dns.address)).toEqual({ code: 0, codes: found });
    expect(await dnsOf('--dns', dns.address, '--strict')).toEqual({ code: 2, codes: found });
    await dns.close();
    expect(await dnsOf('--dns', dns.address, '--strict')).toEqual({ code: 0, codes: ['note DNS_NO_ANSWER'] });
  });

  it('is not asked with off, nor about a name for examples where no server is named', async () => {
    expect(await dnsOf('--dns', 'off')).toEqual({ code: 0, codes: [] });
    expect(await dnsOf()).toEqual({ code: 0, codes: [] });
  });

  it('is named by an IP address; anything else is refused with what is allowed', async () => {
    const { code, err } = await place.run(['check', 'asked.csv', '--template', 'good', '--dns', 'ns.example.com']);
    expect([code, err]).toEqual([2, expect.stringContaining('system, off, or an IP address')]);
  });
});
