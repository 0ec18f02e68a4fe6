import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { inlineCss } from '../../../src/message/source/inline-css.js';

const CSS =
  '<style>p { color: red } a.b { margin: 0 4px } td { padding: 1px } p:hover { color: blue !important }</style>';
const inlined = async (html: string) => (await inlineCss(CSS + html)).slice(CSS.length);

describe('CSS is inlined', () => {
  it('into the style attributes alone: all else stays to the byte', async () => {
    const rest = `<!doctype html>
<HTML lang=en><head><title>{{a}} &amp; <b></title>
<!--[if mso]><p>{{x}}</p><![endif]--></head>
<body class="p" data-x='"'><table>{{#each rows}}<tr>{{#if @first}}<th>{{/if}}&nbsp;&zwnj;{{this}}</tr>{{/each}}</table>
<br/><img src=a.png alt="x > y"><script>if (a < b) {}</script>\u00fc\r\n</body></HTML>`;
    expect(await inlined(rest)).toBe(rest);
  });

  it('behind what an element has of its own, which counts more', async () => {
    expect(await inlined('<p>x</p>')).toBe('<p style="color: red;">x</p>');
    expect(await inlined('<p class="x" style="color: green">x</p>')).toMatch(
      /^<p class="x" style="(?:color: red;)?\s*color: green;?">x<\/p>$/,
    );
    expect(await inlined('<P STYLE=\'font-family: "A B"\'>x</P>')).toMatch(
      /^<P style="color: red;\s*font-family: 'A B';?">x<\/P>$/,
    );
    expect(await inlined('<a class=b href="?a=1&amp;b= style=x">x</a>')).toBe(
      '<a style="margin: 0 4px;" class=b href="?a=1&amp;b= style=x">x</a>',
    );
  });

  it('and what holds only at times prevails over that', async () => {
    const css = `<style>
@MEDIA (max-width: 600px) { p { color: {{blue}}; margin: 0 !important } @media print { a { top: 0 } } }
@font-face { font-family: x; src: url(x) }
@keyframes k { from { top: 0 } }
p { color: red } p:hover { color: green } p::after { content: "}" }
</style>`;
    const made = await inlineCss(`${css}<p>x</p>`);
    expect(made).toContain(
      '{ p { color: {{blue}} !important; margin: 0 !important } @media print { a { top: 0 !important } } }',
    );
    expect(made).toContain(
      'src: url(x) }\n@keyframes k { from { top: 0 } }\np { color: red } p:hover { color: green !important } p::after { content: "}" }',
    );
    // Where nothing is inlined, nothing has to prevail.
    const none = '<style>@media print { p { top: 0 } }</style><p>x</p>';
    expect(await inlineCss(none)).toBe(none);
  });

  it('CSS that can not be read is refused', async () => {
    await expect(
      inlineCss('<style>p { color: red } @media print { p { top: 0 }</style><p>x</p>'),
    ).rejects.toMatchObject({
      code: 'TEMPLATE_SYNTAX',
      message: expect.stringContaining("the CSS of html.hbs can't be read"),
    });
  });

  it('where {{…}} stand anywhere', async () => {
    const html =
      '<table>{{#each rows}}<tr><td width="{{w}}" {{#if wide}}class="x"{{/if}}>{{{name}}}</td></tr>{{/each}}</table>';
    expect(await inlined(html)).toBe(html.replace('<td ', '<td style="padding: 1px;" '));
  });

  it('where the words that stand for {{…}} are there already', async () => {
    expect(await inlined('<p>fmq0z {{a}} fmqq1z <!--fmq2z--></p>')).toBe(
      '<p style="color: red;">fmq0z {{a}} fmqq1z <!--fmq2z--></p>',
    );
  });

  it('beside {{…}} in a style attribute', async () => {
    expect(await inlined('<p style="background: {{color}}">x</p>')).toMatch(
      /^<p style="color: red;\s*background: \{\{color\}\};?">x<\/p>$/,
    );
    expect(await inlined('<p style="{{style}}; top: 0">x</p>')).toMatch(
      /^<p style="color: red;\s*\{\{style\}\};\s*top: 0;?">x<\/p>$/,
    );
    expect(await inlined('<p style="{{#if a}}margin:0{{/if}}">x</p>')).toMatch(/\{\{#if a\}\}margin:\s*0\{\{\/if\}\}/);
  });

  it('only where there is a style, and not from one that says so', async () => {
    const without = '<p {{a}}>x';
    expect(await inlineCss(without)).toBe(without);
    const ignored = '<style data-css-inline="ignore">p { color: red }</style><p>x</p>';
    expect(await inlineCss(ignored)).toBe(ignored);
  });

  it('and never fetched', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.end('p { color: green }');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const html = `<link rel="stylesheet" href="http://127.0.0.1:${port}/x.css"><style>@import url(http://127.0.0.1:${port}/y.css); a { color: red }</style><p>x</p>`;
    expect(await inlineCss(html)).toBe(html);
    expect(asked).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('nor read from a file', async () => {
    const html = '<link rel="stylesheet" href="file:///etc/hostname"><style>a { color: red }</style><p>x</p>';
    expect(await inlineCss(html)).toBe(html);
  });
});
