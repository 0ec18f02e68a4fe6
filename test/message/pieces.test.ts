import fc from 'fast-check';
import Handlebars from 'handlebars';
import { describe, expect, it } from 'vitest';
import { FanmailError } from '../../src/domain/errors.js';
import type { Value, Variables } from '../../src/domain/recipient.js';
import { type CompiledTemplate, compileTemplate } from '../../src/message/template.js';

/** Handlebars over the whole part at once. */
function whole(source: string, escaped: boolean) {
  const handlebars = Handlebars.create();
  handlebars.unregisterHelper('log');
  handlebars.registerHelper('lookup', (holder: unknown, name: unknown) =>
    typeof holder === 'object' && holder !== null && Object.hasOwn(holder, String(name))
      ? (holder as Record<string, unknown>)[String(name)]
      : undefined,
  );
  Object.assign(handlebars, { JavaScriptCompiler: printing(handlebars) });
  return handlebars.compile(source, {
    ...{ strict: true, noEscape: !escaped, knownHelpersOnly: true, knownHelpers: { log: false } },
  });
}

/** Handlebars as it is but for `{{a}}{{b}}` of two numbers (the length of a list is one, too), which is not their sum. */
function printing(handlebars: typeof Handlebars): unknown {
  const { JavaScriptCompiler } = handlebars as unknown as { JavaScriptCompiler: { prototype: object } };
  const base = JavaScriptCompiler.prototype as {
    append(this: unknown): void;
    appendToBuffer(...all: unknown[]): unknown;
  };
  function Printing() {}
  Printing.prototype = Object.assign(Object.create(base), {
    compiler: Printing,
    appendToBuffer(source: unknown, ...more: unknown[]) {
      return base.appendToBuffer.call(this, ['String(', source, ')'], ...more);
    },
  });
  return Printing;
}

type Made = { readonly value?: string } | { readonly error: string };

function attempt(make: () => string): Made {
  try {
    return { value: make() };
  } catch (error) {
    if (error instanceof FanmailError) {
      return { error: /line \d+, column \d+/.exec(error.message)?.[0] ?? error.message.replace(/^.*this row: /, '') };
    }
    const { lineNumber, column, message } = error as { lineNumber?: number; column?: number; message: string };
    return { error: lineNumber === undefined ? message : `line ${lineNumber}, column ${(column ?? 0) + 1}` };
  }
}

/** A row as it comes from a list has no prototype, which Handlebars can't put into its messages; what is in it has one. */
function rowWith(prototype: object | null, values: Record<string, Value>): Variables {
  return Object.assign(Object.create(prototype), JSON.parse(JSON.stringify(values)));
}

const DESCRIBED = { toString: () => 'the row' };
const content = fc.oneof(
  fc.constantFrom(' ', '\n', '\r\n', '  \n', '\n\n', '\t', 'x', 'a b', '<p>', 'ü', '\n  ', '\\\\', '\\{{a}}', '{', '}'),
  fc.nat(400).map((n) => 'long '.repeat(n / 5)),
);
const tilde = fc.constantFrom('', '', '', '~');
const rowPath = fc.constantFrom(
  ...[
    'a',
    'b',
    'n',
    'gone',
    'c.d',
    'c.gone',
    'c.e.f',
    'c',
    'list',
    'list.0',
    'list.length',
    'list.map',
    'a.length',
    'n.x',
  ],
  ...['this.a', './b', '[a]', '"a"', '[x y]', 'c.[d]', '@root.a', '@root.c.d', '@root.gone', 'null', 'true', '12'],
);
const innerPath = fc.constantFrom(
  'this',
  '.',
  'd',
  'this.d',
  '@index',
  '@key',
  '@first',
  '../a',
  '../c.d',
  'v',
  'v.d',
  'i',
  'a',
);
const around = (open: string, close: string, path: fc.Arbitrary<string>) =>
  fc.tuple(tilde, path, tilde).map(([l, name, r]) => `${open}${l}${name}${r}${close}`);
const mustache = (path: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 4, arbitrary: around('{{', '}}', path) },
    { weight: 2, arbitrary: fc.tuple(tilde, path, tilde).map(([l, name, r]) => `{{${l}{${name}}${r}}}`) },
    around(
      '{{',
      '}}',
      path.map((name) => `&${name}`),
    ),
    around('{{', '}}', fc.constantFrom('! no ', '!-- {{a}} --')),
    around('{{', '}}', fc.constantFrom('lookup c "d"', 'lookup list 0', 'lookup list n', 'lookup this "a"')),
  );
const { template } = fc.letrec<{ template: string; inner: string }>((tie) => {
  const block = (path: fc.Arbitrary<string>) =>
    fc
      .record({
        ...{ name: fc.constantFrom('if', 'unless', 'each', 'with'), path, params: fc.boolean() },
        ...{ inside: tie('inner'), same: tie('template'), other: fc.option(tie('template'), { nil: null }) },
        ...{ chained: fc.boolean(), tildes: fc.array(tilde, { minLength: 6, maxLength: 6 }) },
      })
      .map(({ name, path, params, inside, same, other, chained, tildes: [a, b, c, d, e, f] }) => {
        const down = name === 'each' || name === 'with';
        const locals = down && params ? ' as |v i|' : '';
        const or = other === null ? '' : `{{${e}else${chained ? ' if b' : ''}${f}}}${other}`;
        return `{{${a}#${name} ${path}${locals}${b}}}${down ? inside : same}${or}{{${c}/${name}${d}}}`;
      });
  const list = (nodes: fc.Arbitrary<string>) => fc.array(nodes, { maxLength: 6 }).map((all) => all.join(''));
  return {
    template: list(
      fc.oneof({ depthSize: 'small', withCrossShrink: true }, content, mustache(rowPath), content, block(rowPath)),
    ),
    inner: list(
      fc.oneof({ depthSize: 'small', withCrossShrink: true }, content, mustache(innerPath), content, block(innerPath)),
    ),
  };
});
const strings = fc.constantFrom<Value>('', 'A', '<&>', '"q"\n', '{{b}}', 'ü', '\n', ' ');
const others = fc.constantFrom<Value>(0, 1, 2.5, -0, 1e21, true, false, null);
const rows = (value: fc.Arbitrary<Value>) =>
  fc.record<Record<string, Value>>(
    {
      ...{ a: value, b: value, n: value, 'x y': value, null: value, true: value, 12: value },
      root: fc.record({ a: value, b: value }),
      c: fc.oneof(value, fc.record({ d: value, e: fc.oneof(value, fc.record({ f: value })) }, { requiredKeys: [] })),
      list: fc.oneof(value, fc.array(fc.oneof(value, fc.record({ d: value, a: value })), { maxLength: 3 })),
    },
    { requiredKeys: ['b'] },
  );

/** How often something was rendered, so that a generator of nothing but faults would be noticed. */
function hold(values: fc.Arbitrary<Value>): { rendered: number; failed: number } {
  const counted = { rendered: 0, failed: 0 };
  fc.assert(
    fc.property(template, rows(values), (source, row) => {
      let compiled: CompiledTemplate;
      try {
        compiled = compileTemplate({ name: 't', subject: '', html: source, text: source, digest: '' });
      } catch (error) {
        // Not every template that is made up is one that fanmail takes.
        if (error instanceof FanmailError && error.code === 'TEMPLATE_SYNTAX') return;
        throw error;
      }
      const access = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };
      const ours = rowWith(null, row);
      for (const [part, escaped] of [
        ['html', true],
        ['text', false],
      ] as const) {
        const one = { html: source, text: source, [part === 'html' ? 'text' : 'html']: '' };
        const alone = compileTemplate({ name: 't', subject: '', digest: '', ...one });
        const made = attempt(() => alone.render(ours)[part] ?? '');
        const expected = attempt(() => whole(source, escaped)(rowWith(DESCRIBED, row), access));
        expect(made).toEqual(expected);
        counted['error' in made ? 'failed' : 'rendered'] += 1;
      }
      expect(compiled.needs).toBeDefined();
    }),
    { numRuns: 1500 },
  );
  return counted;
}

describe('a template in pieces', () => {
  it('makes what Handlebars makes of the whole, and fails where that fails', () => {
    const { rendered, failed } = hold(strings);
    expect(rendered).toBeGreaterThan(300);
    expect(failed).toBeGreaterThan(300);
  }, 120_000);

  it('prints numbers, booleans and null as Handlebars does, but never adds them up', () => {
    hold(fc.oneof(strings, others));
    const { render } = compileTemplate({
      name: 't',
      digest: '',
      subject: '{{a}}{{b}}',
      html: '{{{a}}}{{{b}}}',
      text: '{{#if a}}{{a}}{{b}}{{c}}{{/if}}',
    });
    expect(render({ a: 1, b: 2, c: true })).toEqual({ subject: '12', html: '12', text: '12true' });
  }, 120_000);

  it('reaches no prototype, even one that holds text', () => {
    const { render } = compileTemplate({ name: 't', digest: '', subject: '', html: null, text: '[{{x}}{{{c.x}}}]' });
    const beneath = { x: 'hidden' };
    const row = Object.assign(Object.create(beneath), { c: Object.create(beneath) });
    expect(render(row).text).toBe('[]');
  });

  it('keeps apart what is the same for every row', () => {
    const { html } = compileTemplate({
      name: 't',
      subject: '',
      html: 'a{{! no }}b{{x}}c{{#if x}}d{{/if}}',
      text: '',
      digest: '',
    });
    expect(html?.pieces).toEqual(['ab', null, 'c', null]);
    expect(html?.values({ x: '<' })).toEqual(['&lt;', 'd']);
  });
});
