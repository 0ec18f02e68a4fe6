import Handlebars from 'handlebars';
import { MUSTACHE } from '../text-from-html.js';

/** Mail programs show the beginning of a message beside its subject; these keep them from going on with what follows. */
const FILLER = '&#847;&zwnj;&nbsp;'.repeat(40);
const HIDDEN = 'display:none;max-height:0;overflow:hidden;mso-hide:all';

/** HTML that begins with a text which only the list of messages shows. */
export function withPreheader(html: string, preheader: string): string {
  const block = `<div style="${HIDDEN}">${escaped(preheader)}${FILLER}</div>`;
  const body = /<body(?:"[^"]*"|'[^']*'|[^"'>])*>/i.exec(html);
  const at = body ? body.index + body[0].length : 0;
  return html.slice(0, at) + block + html.slice(at);
}

/** As HTML, but for `{{…}}`, which escape what they print. */
function escaped(text: string): string {
  let [at, html] = [0, ''];
  for (const { index, 0: mustache } of text.matchAll(MUSTACHE)) {
    html += Handlebars.escapeExpression(text.slice(at, index)) + mustache;
    at = index + mustache.length;
  }
  return html + Handlebars.escapeExpression(text.slice(at));
}
