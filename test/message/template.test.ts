import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FanmailError } from '../../src/domain/errors.js';
import type { Value, Variables } from '../../src/domain/recipient.js';
import { compileTemplate, type TemplateSource } from '../../src/message/template.js';

function source(parts: Partial<TemplateSource>): TemplateSource {
  return { name: 'test', subject: 'Hi', html: null, text: parts.html ? null : 'text', digest: '', ...parts };
}

/** As a list's row comes: without a prototype. */
function row(values: Record<string, Value>): Variables {
  return Object.assign(Object.create(null), values);
}

function failure(action: () => unknown): FanmailError {
  try {
    action();
  } catch (error) {
    if (error instanceof FanmailError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function text(template: string, values: Record<string, Value> = {}): string | null {
  return compileTemplate(source({ text: template })).render(row(values)).text;
}

describe('a template that is refused', () => {
  const cases: [title: string, template: string, where: string, says: string][] = [
    ['a block that is never closed', 'a\nb {{#if x}}', 'line 2, column 12', 'still open'],
    ['braces that are never closed', 'one\n{{first name', 'line 2, column 9', 'still open'],
    ['a block closed by another name', '{{#if x}}\n{{/each}}', 'line 1, column 4', "if doesn't match each"],
    ['a partial', 'a\n\n  {{> footer}}', 'line 3, column 3', 'partials'],
    ['a partial block', '{{#> layout}}x{{/layout}}', 'line 1, column 1', 'partials'],
    ['an inline partial', '{{#*inline "x"}}y{{/inline}}', 'line 1, column 1', 'decorators'],
    ['an unknown helper', 'x {{upper name}}', 'line 1, column 5', 'upper'],
    ['an unknown helper in an expression', '{{#if (same a b)}}x{{/if}}', 'line 1, column 8', 'same'],
    ['an unknown block', '\n{{#plan}}x{{/plan}}', 'line 2, column 1', '{{#plan}}'],
    ['an inverse of no block', '{{^plan}}x{{/plan}}', 'line 1, column 1', '{{#plan}}'],
    ['the log helper', '{{log name}}', 'line 1, column 3', 'log'],
    ['a block helper without its block', '{{if name}}', 'line 1, column 3', 'if'],
    ['a block helper with too few values', '{{#if}}x{{/if}}', 'line 1, column 1', 'exactly one'],
    ['a lookup with one value', '{{lookup a}}', 'line 1, column 3', 'lookup'],
    ['a path above the row', '{{#if a}}{{../b}}{{/if}}', 'line 1, column 12', '../b'],
    ['the whole row as text', '{{this}}', 'line 1, column 1', 'row'],
    ['a prototype of a value', '{{a.__proto__.b}}', 'line 1, column 3', 'prototype'],
    ['a constructor of an inner value', '{{#each a}}{{constructor}}{{/each}}', 'line 1, column 14', 'prototype'],
    ['an unknown @ name', '{{@level}}', 'line 1, column 3', '@level'],
  ];
  it.each(cases)('is refused with file, line, column and excerpt: %s', (_title, template, where, says) => {
    const error = failure(() => compileTemplate(source({ text: template })));
    expect(error.code).toBe('TEMPLATE_SYNTAX');
    expect(error.message).toContain(`text.hbs, ${where}: `);
    expect(error.message).toContain(says);
    const [, line, column] = /line (\d+), column (\d+)/.exec(where) ?? [];
    const [, shown = '', mark = ''] = error.message.split('\n');
    expect(shown).toBe(`  ${line} | ${template.split('\n')[Number(line) - 1]}`);
    expect(mark.indexOf('^')).toBe(shown.indexOf('|') + 1 + Number(column));
  });

  it('names the part that is at fault', () => {
    expect(failure(() => compileTemplate(source({ subject: '{{#if}}' }))).message).toMatch(/^subject\.hbs, /);
    expect(failure(() => compileTemplate(source({ html: '{{> x}}' }))).message).toMatch(/^html\.hbs, /);
  });

  it('shows only the neighbourhood of a fault in a long line', () => {
    const error = failure(() => compileTemplate(source({ text: `${'x'.repeat(5000)}{{> y}}${'z'.repeat(5000)}` })));
    expect(error.message.length).toBeLessThan(400);
    expect(error.message).toContain('column 5001');
    const [, shown = '', mark = ''] = error.message.split('\n');
    expect(shown.slice(mark.indexOf('^')).startsWith('{{> y}}')).toBe(true);
  });
});

describe('what a template needs', () => {
  const needs = (template: string) => compileTemplate(source({ text: template })).needs.map((need) => need.variable);

  it('is each variable once, with the first place that names it', () => {
    const { needs } = compileTemplate(
      source({ subject: 'To {{name}}', html: '<b>{{name}}\n {{city}}</b>', text: '{{plan}}' }),
    );
    expect(needs).toEqual([
      { variable: 'name', file: 'subject.hbs', line: 1, column: 6 },
      { variable: 'city', file: 'html.hbs', line: 2, column: 4 },
      { variable: 'plan', file: 'text.hbs', line: 1, column: 3 },
    ]);
  });

  it.each([
    ['the root of a path', '{{address.city}}', ['address']],
    ['what blocks ask for', '{{#if a}}{{b}}{{else if c}}{{d}}{{else}}{{e}}{{/if}}', ['a', 'b', 'c', 'd', 'e']],
    [
      'the list of each, not the fields of its items',
      '{{#each items}}{{name}}{{this.x}}{{@index}}{{.}}{{/each}}',
      ['items'],
    ],
    [
      'the row of each by ../ and @root',
      '{{#each items}}{{../a}}{{@root.b}}{{@root.c.d}}{{/each}}',
      ['items', 'a', 'b', 'c'],
    ],
    ['the row two levels up', '{{#each a}}{{#each b}}{{../c}}{{../../d}}{{/each}}{{/each}}', ['a', 'd']],
    ['not the inside of with, but its else', '{{#with a}}{{b}}{{else}}{{c}}{{/with}}', ['a', 'c']],
    ['nothing for block parameters', '{{#each a as |item i|}}{{item.x}}{{i}}{{item}}{{/each}}{{item}}', ['a', 'item']],
    ['a block parameter only where it stands', '{{#each a as |x|}}{{this.x}}{{./x}}{{../x}}{{/each}}', ['a', 'x']],
    ['if does not change what names mean', '{{#each a}}{{#if b}}{{../c}}{{/if}}{{/each}}', ['a', 'c']],
    [
      'the row given to with',
      '{{#each a}}{{#with @root}}{{b}}{{/with}}{{/each}}{{#with this}}{{c}}{{/with}}',
      ['a', 'b', 'c'],
    ],
    [
      'what lookup and named arguments take',
      '{{lookup a b}}{{#if (lookup c "d")}}{{/if}}{{#if e includeZero=f}}{{/if}}',
      ['a', 'b', 'c', 'e', 'f'],
    ],
    [
      'this.name and names in brackets or quotes',
      '{{this.a}}{{./b}}{{[c d]}}{{"e f"}}{{this.if}}',
      ['a', 'b', 'c d', 'e f', 'if'],
    ],
    ['a column with the name of the log helper', '{{log}}', ['log']],
    ['nothing in comments, escapes and literals', '{{! a }}{{!-- {{b}} --}}\\{{c}}{{lookup d 1}}', ['d']],
  ])('is %s', (_title, template, expected) => {
    expect(needs(template)).toEqual(expected);
  });
});

describe('rendering', () => {
  it('escapes HTML in HTML alone', () => {
    const { render } = compileTemplate(source({ subject: '{{x}}', html: '<p>{{x}}</p>{{{x}}}', text: '{{x}}' }));
    const x = `<b>"Q&A" 'n`;
    expect(render(row({ x }))).toEqual({
      subject: x,
      html: `<p>&lt;b&gt;&quot;Q&amp;A&quot; &#x27;n</p>${x}`,
      text: x,
    });
  });

  it('names file, place and variable of a value that the row lacks', () => {
    const template = compileTemplate(source({ html: '<p>\n  {{first}} {{address.city}}</p>' }));
    const missing = failure(() => template.render(row({ address: { city: 'Oslo' } })));
    expect(missing.code).toBe('TEMPLATE_RENDER');
    expect(missing.message).toContain('html.hbs, line 2, column 5: the row has no value for {{first}}');
    const inner = failure(() => template.render(row({ first: 'Ada', address: {} })));
    expect(inner.message).toContain('{{address.city}}');
    expect(failure(() => template.render(row({ first: 'Ada', address: row({}) }))).message).toContain(
      '{{address.city}}',
    );
  });

  it('takes an empty cell, null, zero and false as values', () => {
    expect(text('[{{a}}{{b}}{{c}}{{d}}]', { a: '', b: null, c: 0, d: false })).toBe('[0false]');
  });

  it('lets a template ask for a value that may be missing', () => {
    expect(text('{{#if a}}{{a}}{{else}}-{{/if}}{{#each b}}x{{/each}}{{#with c}}y{{/with}}')).toBe('-');
  });

  it('offers the built-in blocks and lookup', () => {
    const template =
      '{{#each items as |it i|}}{{i}}{{it.name}}{{@last}} {{/each}}{{lookup price plan}}{{#unless no}}!{{/unless}}';
    const values = { items: [{ name: 'a' }, { name: 'b' }], price: { plus: 9 }, plan: 'plus', no: false };
    expect(text(template, values)).toBe('0afalse 1btrue 9!');
  });

  it('reaches nothing through a prototype', () => {
    const render = (template: string, values: Variables) => compileTemplate(source({ text: template })).render(values);
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(failure(() => render(`{{${name}}}`, row({}))).code, name).toBe('TEMPLATE_RENDER');
      expect(render(`[{{lookup a "${name}"}}]`, row({ a: {} })).text, name).toBe('[]');
      expect(render(`[{{lookup this "${name}"}}]`, {}).text, name).toBe('[]');
    }
    expect(render('{{constructor}}', row({ constructor: 'Ferrari' })).text).toBe('Ferrari');
  });

  it('is text alone: a parsed template, which could hold code, is refused', () => {
    const parts = ['subject', 'html', 'text'] as const;
    const parsed = { type: 'Program', body: [{ type: 'ContentStatement', value: 'x', original: 'x', loc: {} }] };
    for (const part of parts) {
      const stored: TemplateSource = JSON.parse(JSON.stringify({ ...source({}), [part]: parsed }));
      expect(failure(() => compileTemplate(stored)).message, part).toBe('A part of the template is no text.');
    }
  });

  it.each([
    ['nested blocks', '{{#if a}}'.repeat(5_001) + '{{/if}}'.repeat(5_001), 'more than 5000 {{…}}'],
    ['nested calls', `{{lookup a ${'(lookup a '.repeat(2_000)}"b"${')'.repeat(2_000)}}}`, 'no near end'],
    ['variables', '{{a}}'.repeat(20_000), 'more than 5000 {{…}}'],
  ])('with %s by the thousand is refused at once', (_title, html, says) => {
    const begun = performance.now();
    const error = failure(() => compileTemplate(source({ html })));
    expect([error.code, error.message]).toEqual(['TEMPLATE_SYNTAX', expect.stringContaining(says)]);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  it('may have blocks within blocks, long comments, and braces that are text', () => {
    const comment = `{{!-- ${'long '.repeat(5_000)} --}}`;
    const nested = `${'{{#if a}}'.repeat(100)}x${'{{/if}}'.repeat(100)}`;
    expect(text(`${comment}\\{{${'y'.repeat(20_000)}${nested}`, { a: 1 })).toBe(`{{${'y'.repeat(20_000)}x`);
  });

  it('makes one line of the subject, whatever a variable holds', () => {
    const { render } = compileTemplate(source({ subject: ' Hi {{x}}\n' }));
    expect(render(row({ x: 'a\r\nBcc: b@c.d\r\n\r\nbody' })).subject).toBe('Hi a Bcc: b@c.d body');
    expect(render(row({ x: 'oui\u00a0!' })).subject).toBe('Hi oui\u00a0!');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (x) => {
        const { subject } = render(row({ x }));
        expect(subject).not.toMatch(/\p{Cc}|^\s|\s$| {2}/u);
        expect(subject).toBe(subject.trim());
      }),
    );
  }, 60_000);
});

describe('the text made from HTML', () => {
  const made = (html: string, values: Record<string, Value> = {}) =>
    compileTemplate(source({ html })).render(row(values)).text;

  it('keeps variables and blocks, and does not escape their values', () => {
    const html =
      '<html><head><title>{{t}}</title></head><body><h1>Hi {{name}}</h1>{{#if plan}}<p>On {{plan}}</p>{{else}}<p>Free</p>{{/if}}</body></html>';
    expect(made(html, { t: '', name: '<A&B>', plan: 'x > y' })).toBe('Hi <A&B>\n\n\nOn x > y\n\n');
    expect(made(html, { t: '', name: 'a', plan: '' })).toBe('Hi a\n\n\nFree\n\n');
  });

  it('repeats list items and keeps links with variables', () => {
    const html = '<ul>{{#each items}}<li>{{this}}</li>{{/each}}</ul><a href="https://x.test/?u={{id}}&amp;b=1">Go</a>';
    const text = made(html, { items: ['one', 'two'], id: 'a&b' });
    expect(text).toContain('one');
    expect(text).toContain('two');
    expect(text).not.toContain('{{');
    expect(text).toContain('Go [https://x.test/?u=a&b&b=1]');
  });

  it('leaves out what HTML hides, and pictures', () => {
    expect(made('<div style="display:none">pre</div><img src="a.png" alt="logo"><p>x</p>')).toBe('x\n');
  });

  it('keeps string arguments as they are', () => {
    expect(made('<p title="x">{{lookup a "b  &amp; }} <c>"}}</p>', { a: { 'b  &amp; }} <c>': 'found' } })).toBe(
      'found\n',
    );
  });

  it.each([
    ['braces written as entities', '<p>&#123;&#123;x}}</p>', '{{x}}\n'],
    ['escaped braces', '<p>\\{{x}} {{v}}</p>', '{{x}} V\n'],
    ['a backslash before a variable', '<p>\\\\{{v}}</p>', '\\V\n'],
    ['a backslash that a tag kept apart', '<p>\\<b>{{v}}</b></p>', '\\V\n'],
    ['a backslash before braces as entities', '<p>\\&#123;&#123;x}}</p>', '\\{{x}}\n'],
    ['comments', '<p>a{{! no }}{{!-- {{v}} --}}b</p>', 'ab\n'],
  ])('does not make or lose a variable by %s', (_title, html, expected) => {
    expect(made(html, { v: 'V' })).toBe(expected);
  });

  it.each([
    ['backslashes', `${'\\'.repeat(100_000)}x{{a}}`],
    ['blanks', `<p>${'&nbsp;'.repeat(100_000)}x</p>`],
    ['blanks as they are', `<pre>${' '.repeat(100_000)}x</pre>`],
  ])('takes no more than linear time for %s', (_title, html) => {
    const begun = performance.now();
    made(html, { a: 1 });
    expect(performance.now() - begun).toBeLessThan(1_500);
  });

  it('asks for a text part where tags are within tags without an end', () => {
    const error = failure(() => compileTemplate(source({ html: '<div>'.repeat(50_000) })));
    expect(error.code).toBe('TEMPLATE_SYNTAX');
    expect(error.hint).toContain('text.hbs');
  });

  it('asks for a text part where blocks and tags cross', () => {
    const html = '<div style="display:none">{{#if a}}</div><p>x</p>{{/if}}';
    const error = failure(() => compileTemplate(source({ html })));
    expect(error.code).toBe('TEMPLATE_SYNTAX');
    expect(error.hint).toContain('text.hbs');
  });
});
