import { describe, expect, it } from 'vitest';
import { FanmailError } from '../../../src/domain/errors.js';
import { SourceFile } from '../../../src/message/source/collage.js';
import { expand } from '../../../src/message/source/expand.js';
import { inspect } from '../../../src/message/syntax.js';
import { compileTemplate, type TemplateSource } from '../../../src/message/template.js';

const CAMPAIGN = { id: 'spring-1', name: 'Tom & "Jerry"', season: '' };
type Files = Readonly<Record<string, string>>;

function expanded(main: string, partials: Files = {}, escaped = true) {
  const files = Object.entries(partials).map(
    ([name, text]) => [name, new SourceFile(`partials/${name}.hbs`, text)] as const,
  );
  return expand(new SourceFile('html.hbs', main), { partials: new Map(files), campaign: CAMPAIGN, escaped });
}
const textOf = (...given: Parameters<typeof expanded>) => expanded(...given).text;

/** What a row makes of it, by the real Handlebars. */
function rendered(main: string, partials: Files, row: Record<string, unknown>): string | null {
  const html = textOf(main, partials);
  const source: TemplateSource = { name: 't', subject: 's', html, text: '', digest: '' };
  return compileTemplate(source).render(row as never).html;
}

function fault(main: string, partials: Files = {}): FanmailError {
  try {
    const whole = expanded(main, partials);
    inspect('html.hbs', whole.text, whole.origins());
  } catch (error) {
    if (error instanceof FanmailError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('partials', () => {
  it('stand where they are called, and see the row', () => {
    expect(textOf('a {{> hi}} b', { hi: 'Hi {{name}}' })).toBe('a Hi {{name}} b');
    expect(rendered('<p>{{> hi}}</p>', { hi: 'Hi {{name}}' }, { name: 'A&B' })).toBe('<p>Hi A&amp;B</p>');
  });

  it('that are not called change nothing, whatever is in them', () => {
    const text = '{{#if a}}x{{~else~}} y {{/if}} \\{{no}} {{{raw}}} {{!-- c }} --}}';
    expect(textOf(text, { bad: '{{#if' })).toBe(text);
  });

  it('bring their own line end where they have a line for themselves', () => {
    expect(textOf('a\n  {{> x}}\nb', { x: 'one\ntwo\n' })).toBe('a\n  one\ntwo\nb');
    expect(textOf('a\n{{> x}}\nb', { x: 'one' })).toBe('a\none\nb');
    expect(textOf('a {{> x}}\nb', { x: 'one\n' })).toBe('a one\n\nb');
    expect(textOf('a\r\n{{> x}}\r\nb', { x: 'one\r\n' })).toBe('a\r\none\r\nb');
    expect(textOf('a  {{~> x~}}  b', { x: '-' })).toBe('a-b');
  });

  it('take blanks on either side with ~, also where they stand together or at the edges of a layout', () => {
    expect(textOf('x {{> a~}}  {{~> b}} y', { a: 'A', b: 'B' })).toBe('x AB y');
    expect(
      textOf('{{#> l}} {{~> a~}} {{/l}}|{{#> l}} {{~campaign.id~}} {{/l}}', { a: 'A', l: '<{{> @partial-block}}>' }),
    ).toBe('<A>|<spring-1>');
  });

  it('take texts, numbers, paths and calls as arguments', () => {
    const x = '{{label}}|{{#if label}}y{{/if}}|{{default label "none"}}|{{{label}}}';
    expect(textOf('{{> x label="a<b"}}', { x })).toBe('a&lt;b|{{#if "a<b"}}y{{/if}}|{{default "a<b" "none"}}|a<b');
    expect(textOf('{{> x label=12}}', { x })).toBe('12|{{#if 12}}y{{/if}}|{{default 12 "none"}}|12');
    expect(textOf('{{> x label=person.name}}', { x: '{{label}} {{label.first}} {{this.label}} {{../label}}' })).toBe(
      '{{person.name}} {{person.name.first}} {{this.label}} {{../label}}',
    );
    expect(textOf('{{> x label=(currency total "EUR")}}', { x: '{{label}}{{#if label}}!{{/if}}' })).toBe(
      '{{currency total "EUR"}}{{#if (currency total "EUR")}}!{{/if}}',
    );
    expect(textOf('{{> x label="a<b"}}', { x: '{{label}}' }, false)).toBe('a<b');
  });

  it('mean by an argument what it meant where it was given, however deep it is used', () => {
    const row = { name: 'Ada', items: [{ name: 'pen' }, { name: 'ink' }], shop: { name: 'Shop' } };
    const list = '{{#each items}}{{who}}:{{name}} {{/each}}';
    expect(rendered('{{> list who=name}}', { list }, row)).toBe('Ada:pen Ada:ink ');
    expect(rendered('{{#with shop}}{{> list who=name items=../items}}{{/with}}', { list }, row)).toBe(
      'Shop:pen Shop:ink ',
    );
    expect(rendered('{{#each items}}{{> row n=@index}};{{/each}}', { row: '{{n}}={{name}}' }, row)).toBe(
      '0=pen;1=ink;',
    );
    const nested = '{{#each ../items}}{{n}}{{@index}} {{/each}}';
    expect(rendered('{{#each items}}{{> nested n=@index}}{{/each}}', { nested }, row)).toBe('00 01 10 11 ');
  });

  it('hand their arguments on', () => {
    const partials = { outer: '{{#each items}}{{> inner text=label}}{{/each}}', inner: '[{{text}}]' };
    expect(rendered('{{> outer label=name}}', partials, { name: 'x', items: [1, 2] })).toBe('[x][x]');
    expect(textOf('{{> outer label="<"}}', partials)).toBe('{{#each items}}[&lt;]{{/each}}');
  });

  it('take a value, whose fields they name', () => {
    const row = { person: { name: 'Ada' }, city: 'Graz', name: 'row' };
    expect(rendered('{{> card person at=city}}', { card: '{{name}} in {{at}}' }, row)).toBe('Ada in Graz');
    expect(rendered('{{> card this at=city}}', { card: '{{name}} in {{at}}' }, row)).toBe('row in Graz');
    expect(rendered('{{#each p as |one|}}{{> card one}}{{/each}}', { card: '{{name}}' }, { p: [row.person] })).toBe(
      'Ada',
    );
  });

  it('find block parameters of where they are called', () => {
    const row = { items: [{ url: 'u1' }], words: ['a', 'b'] };
    const main = '{{#each items as |item|}}{{> links to=item.url}}{{/each}}';
    expect(rendered(main, { links: '{{#each @root.words as |w|}}{{w}}>{{to}} {{/each}}' }, row)).toBe('a>u1 b>u1 ');
    expect(fault(main, { links: '{{#each @root.words as |item|}}{{to}}{{/each}}' }).message).toContain(
      'html.hbs, line 1, column 39: the partial calls something else item',
    );
  });
});

describe('layouts', () => {
  it('stand around what is written within them', () => {
    const layout = '<h1>{{title}}</h1>\n{{> @partial-block}}\n<p>bye</p>\n';
    expect(textOf('{{#> layout title="Hi"}}\n<p>{{name}}</p>\n{{/layout}}\n', { layout })).toBe(
      '<h1>Hi</h1>\n<p>{{name}}</p>\n<p>bye</p>\n',
    );
  });

  it('may stand in layouts, and what is within them may call partials', () => {
    const partials = {
      base: '<b>{{> @partial-block}}</b>',
      page: '{{#> base}}<i>{{> @partial-block}}</i>{{/base}}',
      name: '{{first}} {{last}}',
    };
    expect(textOf('{{#> page}}{{> name first="A" last=family}}{{/page}}', partials)).toBe('<b><i>A {{family}}</i></b>');
  });

  it('may show what is within them twice, or not', () => {
    const layout = '{{#if wide}}{{> @partial-block}}{{else}}{{> @partial-block}}{{/if}}';
    expect(textOf('{{#> layout}}x{{/layout}}', { layout })).toBe('{{#if wide}}x{{else}}x{{/if}}');
    expect(textOf('{{#> layout}}x{{/layout}}', { layout: 'only' })).toBe('only');
  });
});

describe('what the campaign gives', () => {
  it('is text, the same for every row', () => {
    expect(textOf('{{campaign.name}} {{{campaign.name}}} {{#each x}}{{campaign.id}}{{/each}}')).toBe(
      'Tom &amp; &quot;Jerry&quot; Tom & "Jerry" {{#each x}}spring-1{{/each}}',
    );
    expect(
      textOf('{{#if campaign.season}}x{{/if}}{{> p name=campaign.name}}', { p: '{{#if name}}{{name}}{{/if}}' }),
    ).toBe('{{#if ""}}x{{/if}}{{#if "Tom & \\"Jerry\\""}}Tom &amp; &quot;Jerry&quot;{{/if}}');
  });

  it('leaves a column of that name alone', () => {
    const text = '{{campaign}} {{this.campaign}} {{this.campaign.x}} {{#each c as |campaign|}}{{campaign.x}}{{/each}}';
    expect(textOf(text)).toBe(text);
  });

  it('is refused where there is no such thing, whatever JavaScript has of that name', () => {
    expect(fault('{{campaign.constructor}}').message).toContain('the campaign has no constructor');
    const { message, hint } = fault('a\n {{campaign.nam}}');
    expect(message).toContain('html.hbs, line 2, column 4: the campaign has no nam');
    expect(hint).toContain('campaign.name');
  });
});

describe('is refused, with its place', () => {
  const loops = { a: '{{> b}}', b: '\n{{> a}}' };
  it.each<[string, string, Files, string, string]>([
    [
      'an unknown partial',
      'x\n{{> foter}}',
      { footer: '' },
      'html.hbs, line 2, column 1: there is no partial "foter"',
      'footer',
    ],
    ['one where there are none', '{{> x}}', {}, 'there is no partial "x"', 'no folder partials'],
    ['one whose name is not known', '{{> (lookup . "x")}}', { x: '' }, 'whose name is known only when it is sent', 'x'],
    ['a path to a file', '{{> ../../etc/passwd}}', {}, 'there is no partial', ''],
    [
      'a partial in itself',
      '{{> a}}',
      loops,
      'partials/b.hbs, line 2, column 1: the partial "a" ends up in itself',
      '',
    ],
    ['a fault within a partial', '\n\n{{> x}}', { x: 'ok\n  {{#if a}}' }, 'partials/x.hbs, line', ''],
    ['a helper within one', 'long text {{> x}}', { x: '\n{{shout a}}' }, 'partials/x.hbs, line 2, column 3', ''],
    ['a fault behind one', '{{> x}}\n\n  {{shout a}}', { x: 'a\nb\nc\nd' }, 'html.hbs, line 3, column 5', ''],
    [
      'a misspelt argument',
      '{{> x lable="a"}}',
      { x: '{{label}}' },
      'html.hbs, line 1, column 7: partials/x.hbs has no lable',
      '',
    ],
    ['an argument called like a helper', '{{> x if=1}}', { x: '{{if}}' }, 'if is the name of something else', ''],
    ['braces in an argument', '{{> x a="{{b}}"}}', { x: '{{a}}' }, 'html.hbs, line 1', ''],
    [
      'a field of a text',
      '{{> x a="b"}}',
      { x: '{{a.c}}' },
      'partials/x.hbs, line 1, column 3: {{a.c}} reaches into a text',
      '',
    ],
    ['two values', '{{> x a b}}', { x: '' }, 'html.hbs, line 1, column 9: a partial takes one value', ''],
    [
      'a block that nobody gives',
      '{{> x}}',
      { x: '{{> @partial-block}}' },
      'partials/x.hbs, line 1, column 1',
      '@partial-block',
    ],
    [
      'a block within a loop',
      '{{#> x}}{{a}}{{/x}}',
      { x: '{{#each b}}{{> @partial-block}}{{/each}}' },
      'is within {{#each}} or {{#with}}',
      '',
    ],
    [
      'a layout with a value',
      '{{#> x a}}{{b}}{{/x}}',
      { x: '{{> @partial-block}}' },
      '{{#> "x"}} is given a value',
      '',
    ],
    ['an inline partial', '{{#*inline "x"}}y{{/inline}}', {}, 'html.hbs, line 1, column 1: decorators', ''],
  ])('%s', (_, main, partials, message, hint) => {
    const error = fault(main, partials);
    expect(error.code).toBe('TEMPLATE_SYNTAX');
    expect(error.message).toContain(message);
    expect(error.hint ?? '').toContain(hint);
  });

  it('what doubles and doubles, before it takes the memory', () => {
    const names = Array.from({ length: 18 }, (_, n) => `p${n}`);
    const partials = Object.fromEntries(names.map((name, n) => [name, `{{> p${n + 1}}}{{> p${n + 1}}}`]));
    expect(fault('{{> p0}}', { ...partials, p18: 'x'.repeat(100) }).message).toContain('more than 1048576 characters');
  });
});
