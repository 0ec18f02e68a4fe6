import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentFindings } from '../../../src/cli/check/content-checks.js';

const codes = (html: string) => contentFindings(html).map(({ code }) => code);

describe('the content of a message', () => {
  it('is fine where pictures have an alt text and addresses are whole and by https', () => {
    const links =
      '<a href="https://example.com/a?b=1&amp;c">a</a><a href="mailto:a@example.com">m</a><a href="#top">t</a>';
    const pictures = '<img src="https://example.com/a.png" alt="A"><img src="cid:logo" alt="">';
    expect(contentFindings(`${links}<a name="x">n</a>${pictures}`)).toEqual([]);
  });

  it('is told of pictures without an alt text, the first three by address', () => {
    const pictures = [1, 2, 3, 4].map((n) => `<img src="https://example.com/${n}.png">`).join('');
    expect(contentFindings(`${pictures}<IMG>`)).toMatchObject([
      {
        severity: 'warning',
        code: 'IMAGE_WITHOUT_ALT',
        message:
          '5 images without an alt text in the HTML: https://example.com/1.png, https://example.com/2.png, https://example.com/3.png, …',
      },
    ]);
    expect(contentFindings('<img src="a:b" alt>').map(({ code }) => code)).toEqual(['LINK_RELATIVE']);
  });

  it.each([
    ['<a href="/here">x</a>', 'LINK_RELATIVE'],
    ['<a href=here.html>x</a>', 'LINK_RELATIVE'],
    ['<a href="www.example.com">x</a>', 'LINK_RELATIVE'],
    ['<a href="//example.com/x">x</a>', 'LINK_RELATIVE'],
    ['<a href=" https:/example.com">x</a>', 'LINK_RELATIVE'],
    ['<img alt="" src="logo.png">', 'LINK_RELATIVE'],
    ['<a href="HTTP://example.com">x</a>', 'LINK_INSECURE'],
    ['<img alt="" src="http://example.com/a.png">', 'LINK_INSECURE'],
  ])('%s: %s', (html, code) => {
    expect(codes(html)).toEqual([code]);
  });

  it('is not what stands in a comment, and any text may be looked at', () => {
    expect(codes('<!-- <a href="/x"> --><p>img src</p>')).toEqual([]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const { message } of contentFindings(`<a href="/${text}"><img src='${text}'>`))
          expect(message).not.toMatch(/[\p{Cc}\u202e]/u);
      }),
    );
  });
});
