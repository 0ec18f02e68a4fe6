import { describe, expect, it } from 'vitest';
import { HELPERS } from '../../../src/message/helpers/helpers.js';
import { compileTemplate, type TemplateSource } from '../../../src/message/template.js';

const GERMAN = { locale: 'de-DE', zone: 'Europe/Berlin' };

function template(text: string, own: Partial<TemplateSource> = {}) {
  return compileTemplate({ name: 't', subject: 's', html: null, text, digest: '', ...own });
}
const written = (text: string, row: Record<string, unknown> = {}, own: Partial<TemplateSource> = {}) =>
  template(text, own).render(row as never).text;
/** Intl writes spaces that don't break. */
const plain = (text: string | null) => text?.replace(/[\u00a0\u202f]/g, ' ');

describe('numbers', () => {
  it.each([
    ['{{number n}}', '1234.5', '1,234.5', '1.234,5'],
    ['{{number n digits=2}}', '1234.5', '1,234.50', '1.234,50'],
    ['{{number n digits=0}}', 1234.5, '1,235', '1.235'],
    ['{{number n locale="fr"}}', '1234.5', '1 234,5', '1 234,5'],
    ['{{currency n "EUR"}}', '1234.5', '€1,234.50', '1.234,50 €'],
    ['{{currency n "JPY"}}', ' -7 ', '-¥7', '-7 ¥'],
    ['{{currency n code}}', '1e3', '$1,000.00', '1.000,00 $'],
    ['{{number n}}', '', '', ''],
    ['{{currency n "EUR"}}', null, '', ''],
  ])('%s of %j', (text, n, english, german) => {
    expect(plain(written(text, { n, code: 'USD' }))).toBe(english);
    expect(plain(written(text, { n, code: 'USD' }, { locale: GERMAN }))).toBe(german);
  });
});

describe('dates', () => {
  it.each([
    ['{{date d}}', '2026-11-30', 'November 30, 2026', '30. November 2026'],
    ['{{date d "short"}}', '2026-11-30', '11/30/26', '30.11.26'],
    ['{{date d "full"}}', '2026-11-30', 'Monday, November 30, 2026', 'Montag, 30. November 2026'],
    ['{{date d "medium"}}', '2026-11-30T18:05', 'Nov 30, 2026, 6:05 PM', '30.11.2026, 18:05'],
    ['{{date d "short"}}', '2026-11-30T23:30:00Z', '11/30/26, 11:30 PM', '01.12.26, 00:30'],
    ['{{date d "short"}}', '2026-11-30 23:30-0500', '12/1/26, 4:30 AM', '01.12.26, 05:30'],
    ['{{date d "short" zone="Asia/Tokyo"}}', '2026-11-30T00:00Z', '11/30/26, 9:00 AM', '30.11.26, 09:00'],
    ['{{date d locale="sv"}}', '2026-02-28', '28 februari 2026', '28 februari 2026'],
    ['{{date d}}', '', '', ''],
  ])('%s of %s', (text, d, english, german) => {
    expect(plain(written(text, { d }))).toBe(english);
    expect(plain(written(text, { d }, { locale: GERMAN }))).toBe(german);
  });
});

it.each([
  ['0', 'no seats'],
  ['1', '1 seat'],
  [2, '2 seats'],
  ['1000', '1,000 seats'],
  ['', ''],
])('a plural of %j is %s', (n, text) => {
  expect(written('{{plural n zero="no seats" one="# seat" other="# seats"}}', { n })).toBe(text);
});

it('a plural knows the categories of its language', () => {
  const text = '{{plural n one="# plik" few="# pliki" many="# plików" other="# pliku" locale="pl"}}';
  expect([1, 2, 5, 22, 1.5].map((n) => written(text, { n }))).toEqual([
    '1 plik',
    '2 pliki',
    '5 plików',
    '22 pliki',
    '1,5 pliku',
  ]);
});

it.each([
  ['eq a "1"', { a: 1 }, true],
  ['eq a b', { a: null, b: '' }, true],
  ['eq a b', { a: { x: 1 }, b: '[object Object]' }, false],
  ['ne a "Plus"', { a: 'plus' }, true],
  ['gt a 9', { a: '10' }, true],
  ['gt a 10', { a: '10' }, false],
  ['gte a 10', { a: '10' }, true],
  ['lt a b', { a: -1, b: '0' }, true],
  ['lte a b', { a: 0.5, b: '0.5' }, true],
  ['lt a 5', { a: '' }, false],
  ['and a b', { a: 'x', b: '' }, false],
  ['and a b', { a: 'x', b: [] }, false],
  ['or a b', { a: '', b: 'x' }, true],
  ['not a', { a: '' }, true],
  ['and (gt a 1) (not (eq b "x"))', { a: 2, b: 'y' }, true],
])('(%s) of %j is %s', (call, row, is) => {
  expect(written(`{{#if (${call})}}yes{{else}}no{{/if}}`, row)).toBe(is ? 'yes' : 'no');
});

it('default takes the place of what is empty, and of nothing else', () => {
  const text = '{{default name "friend"}}';
  expect([{ name: '' }, { name: null }, { name: 0 }, { name: 'Ada' }, {}].map((row) => written(text, row))).toEqual([
    'friend',
    'friend',
    '0',
    'Ada',
    'friend',
  ]);
});

it('what they print is escaped in HTML, and in HTML alone', () => {
  const html = '{{default a "<b>"}} {{plural n other="# <i>"}}';
  const made = template('{{default a "<b>"}}', { html }).render({ a: '', n: 1 });
  expect([made.html, made.text]).toEqual(['&lt;b&gt; 1 &lt;i&gt;', '<b>']);
});

it('a column may be called like one', () => {
  const row = { date: 'D', number: 'N', items: [{ default: 'x' }] };
  expect(written('{{date}} {{number}} {{#if date}}{{date}}{{/if}}{{#each items}}{{default}}{{/each}}', row)).toBe(
    'D N Dx',
  );
  expect(template('{{date}}{{number}}').needs.map(({ variable }) => variable)).toEqual(['date', 'number']);
});

describe('a value that can not be written is refused, with the value and what is allowed', () => {
  it.each([
    ['{{number n}}', '1,234', '"1,234" is no number; allowed are such as 1234.5'],
    ['{{number n digits=30}}', '1', 'digits=30 is not allowed'],
    ['{{number n locale="xx_"}}', '1', 'locale="xx_" is no language tag'],
    ['{{currency n "euro"}}', '1', '"euro" is no currency'],
    ['{{currency n code}}', '1', 'nothing is no currency'],
    ['{{date n}}', '30.11.2026', '"30.11.2026" is no date; allowed are such as 2026-11-30'],
    ['{{date n}}', '2026-02-30', '"2026-02-30" is no date'],
    ['{{date n}}', '2026-13-01', '"2026-13-01" is no date'],
    ['{{date n}}', 1_764_000_000, '1764000000 is no date'],
    ['{{date n "tiny"}}', '2026-11-30', '"tiny" is no style; allowed are short, medium, long, full'],
    ['{{date n zone="Mars/Base"}}', '2026-11-30T10:00Z', 'zone="Mars/Base" is no time zone'],
    ['{{plural n one="x"}}', '5', '"5" has no form here'],
    ['{{#if (gt n 5)}}x{{/if}}', 'many', '"many" is no number'],
  ])('%s of %j', (text, n, message) => {
    const bad = template(`ok\n  ${text}`);
    expect(bad.mayFail).toBe(true);
    expect(() => bad.render({ n })).toThrow(
      expect.objectContaining({ code: 'TEMPLATE_RENDER', message: expect.stringContaining(message) }),
    );
    expect(() => bad.render({ n })).toThrow('text.hbs, line 2, column');
  });

  it('and only templates with such a helper have to be tried with every row', () => {
    expect(template('{{a}}{{default a "x"}}{{#if (eq a b)}}{{/if}}').mayFail).toBe(false);
  });
});

describe('a call that does not fit is refused before anything is sent', () => {
  it.each([
    ['{{number}} {{number a b}}', '{{number}} takes 1 value, and not 2', 'digits=2'],
    ['{{default a}}', '{{default}} takes 2 values, and not 1', '{{default name "friend"}}'],
    ['{{currency a "EUR" digit=2}}', '{{currency}} knows no digit=', 'digits=, locale='],
    ['{{#if (and a)}}{{/if}}', '{{and}} takes 2 to 10 values, and not 1', ''],
    ['{{#number a}}x{{/number}}', '{{#number}} is no block', ''],
    ['{{shout a}}', '{{shout …}} is an unknown helper', '{{number}}'],
  ])('%s', (text, message, hint) => {
    expect(() => template(text)).toThrow(
      expect.objectContaining({
        code: 'TEMPLATE_SYNTAX',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  it('each has an example that is allowed', () => {
    for (const [name, { usage }] of Object.entries(HELPERS)) {
      expect(usage).toContain(name);
      template(usage.startsWith('{{#if') ? `${usage}x{{/if}}` : usage);
    }
  });
});
