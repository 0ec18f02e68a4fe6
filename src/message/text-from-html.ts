import { createRequire } from 'node:module';
import type { Options } from 'html-to-text';

/** Takes a while to load, and only templates without a text part need it. */
const converter = (): typeof import('html-to-text') => createRequire(import.meta.url)('html-to-text');

// Unicode noncharacters (23.7): no text that is exchanged holds them, so they can mark what must survive as it is.
const OPEN = '\uFDD0';
const CLOSE = '\uFDD1';

// The (?<!…) below keep the search linear: a long run is tried from its first character alone.

/** `{{…}}` of every kind, with the backslashes that escape it: `\{{` is literal text, `\\{{x}}` a backslash and a value. */
export const MUSTACHE =
  /(?<!\\)\\{2,}(?=\{\{)|\\\{\{|\{\{!--[\s\S]*?--~?\}\}|\{\{~?![\s\S]*?\}\}|\{\{\{[\s\S]*?\}\}\}|\{\{(?:"[^"]*"|'[^']*'|\[[^\]]*\]|[^}"'[])*\}\}/g;

const OPTIONS: Options = {
  wordwrap: false,
  selectors: [
    // Preheaders and the like: hidden in HTML, and a second time the same words in text.
    ...['[style*="display:none"]', '[style*="display: none"]', 'img'].map((selector) => ({ selector, format: 'skip' })),
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
    // Upper-case would rename the variables.
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
};

/** The text part for an HTML template: a template itself, with the same `{{…}}` in the same order. */
export function textFromHtml(html: string): string {
  const kept: string[] = [];
  const marked = html.replace(MUSTACHE, (mustache) => `${OPEN}${kept.push(mustache) - 1}${CLOSE}`);
  const text = converter()
    .convert(marked, OPTIONS)
    // Spacer cells leave blanks that nobody sees in HTML.
    .replace(/(?<![ \t\u00a0])[ \t\u00a0]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    // Braces that were entities would become a variable here. The comment keeps a backslash before them from escaping it.
    .replace(/\{\{/g, `${OPEN}${kept.push('{{!}}\\{{') - 1}${CLOSE}`);
  return text
    .replace(/(?<!\\)(\\*)\uFDD0(\d+)\uFDD1/g, (_, slashes: string, index: string) => {
      const mustache = kept[Number(index)] ?? '';
      // Handlebars takes one backslash away from two or more, and lets a single one escape what follows.
      const guard = slashes !== '' && mustache.startsWith('{{') ? '\\' : '';
      return slashes + guard + mustache;
    })
    .concat('\n');
}
