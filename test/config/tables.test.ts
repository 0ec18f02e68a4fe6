import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRate, rateByDomain } from '../../src/config/parse.js';
import { readProviders, readReplyRules } from '../../src/config/tables.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmail-tables-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(folder, 'table.json');
  writeFileSync(path, text);
  return path;
}

/** `message hint` of what it throws. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint?: string };
    expect(code).toBe('OPTION_INVALID');
    return `${message} ${hint ?? ''}`.replaceAll(folder, '');
  }
  throw new Error('nothing was refused');
}

it('replies are read from a file, in its order', () => {
  const rules = [
    { code: '451', words: 'slow down', class: 'throttle' },
    { enhanced: 'x.7.99', class: 'misconfigured' },
  ];
  expect(readReplyRules(file(JSON.stringify(rules)))).toEqual(rules);
});

it.each([
  ['', 'is not JSON'],
  ['{}', 'is wrong at its top. Allowed: a list of rules.'],
  ['[{"code":"451"}]', '[0].class. Allowed: one of throttle, transient, misconfigured, dead, permanent, unavailable.'],
  ['[{"class":"dead"}]', '[0]. Allowed: at least one of "code", "enhanced" and "words".'],
  ['[{"code":451,"class":"dead"}]', '[0].code. Allowed: a code such as "421"'],
  ['[{"code":"251","class":"dead"}]', '[0].code'],
  ['[{"enhanced":"2.1.1","class":"dead"}]', '[0].enhanced'],
  ['[{"code":"451","class":"slow"}]', '[0].class'],
  ['[{"words":"a\\nb","class":"dead"}]', '[0].words'],
  [
    '[{"code":"451","class":"dead","when":1}]',
    'has an unknown "when" in [0]. Allowed: "code", "enhanced", "words" and "class".',
  ],
])('replies %s: %s', (text, expected) => {
  expect(refusal(() => readReplyRules(file(text)))).toContain(expected);
});

it('providers are read from a file, and may add to a group of the table', () => {
  const path = file('[["example.com","example.org"],["gmail.com","workspace.example"]]');
  expect(readProviders(path)).toEqual({
    'example.com': 'example.com',
    'example.org': 'example.com',
    'gmail.com': 'gmail.com',
    'workspace.example': 'gmail.com',
  });
});

it.each([
  ['[["example.com"],["example.com","b.example"]]', 'names example.com twice'],
  ['[["Example.com"]]', '[0][0]. Allowed: a domain in lower-case ASCII'],
  ['[[]]', '[0]. Allowed: a list of 1 to 500 domains'],
  ['["example.com"]', '[0]. Allowed: a list of 1 to 500 domains'],
])('providers %s: %s', (text, expected) => {
  expect(refusal(() => readProviders(file(text)))).toContain(expected);
});

it('a file that is not there is named', () => {
  expect(refusal(() => readReplyRules(join(folder, 'none.json')))).toContain("none.json can't be read (ENOENT)");
});

it.each([
  ['200/s', 200],
  ['30/m', 0.5],
  ['0.5/s', 0.5],
  ['86400/d', 1],
])('%s is %d a second', (text, perSecond) => {
  expect(parseRate(text)).toBeCloseTo(perSecond);
});

it.each(['', '200', '0/s', '-1/s', '200/w', '200 /s', 'a/s', '1e3/s', '9999999/s', '0.5/d', '/s'])(
  '"%s" is no rate',
  (text) => {
    expect(parseRate(text)).toBeUndefined();
  },
);

it('rates by domain name each domain once', () => {
  const parse = (text: string) => rateByDomain().parse(text);
  expect(parse('Gmail.com=20/s, yahoo.com=10/m').value).toEqual(
    new Map([
      ['gmail.com', 20],
      ['yahoo.com', 10 / 60],
    ]),
  );
  for (const text of [
    'gmail.com',
    'gmail.com=',
    'gmail.com=20',
    '=20/s',
    'gmail=20/s',
    'a.com=1/s,a.com=2/s',
    'a.com=1/s=2',
    '*=1/s',
  ])
    expect(parse(text).refused, text).toBeDefined();
});
