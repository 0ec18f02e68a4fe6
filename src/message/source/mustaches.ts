import { MUSTACHE } from '../text-from-html.js';

/** HTML whose `{{…}}` are words instead, which stand anywhere in HTML and CSS, so that other programs can read it. */
export interface Masked {
  readonly html: string;
  /** Puts the `{{…}}` back into what was made of it. */
  unmask(html: string): string;
}

/** What `{{…}}` are within: between tags a comment stands anywhere, in a table, too; in CSS a word does. */
const PARTS =
  /<!--[\s\S]*?-->|<(style|script|title|textarea)\b[\s\S]*?<\/\1\s*>|<\/?[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;

export function mask(html: string): Masked {
  const kept: string[] = [];
  const word = wordNotIn(html);
  const hidden = html.replace(MUSTACHE, (mustache) => `${word}${kept.push(mustache) - 1}z`);
  const token = new RegExp(`${word}\\d+z`, 'g');
  const between = (text: string) => text.replace(token, '<!--$&-->');
  let [at, masked] = [0, ''];
  for (const { index, 0: part } of hidden.matchAll(PARTS)) {
    masked += between(hidden.slice(at, index)) + part.replace(STYLE, (style) => asDeclarations(style, token));
    at = index + part.length;
  }
  const back = new RegExp(`<!--${word}(\\d+)z-->|--${word}(\\d+)z:\\s*0|${word}(\\d+)z`, 'g');
  return {
    html: masked + between(hidden.slice(at)),
    unmask: (made) =>
      made.replace(back, (_, ...found: string[]) => kept[Number(found.slice(0, 3).find(Boolean))] ?? ''),
  };
}

const STYLE = /\sstyle\s*=\s*(?:"[^"]*"|'[^']*')/gi;

/** In a style attribute a word alone is no declaration. */
function asDeclarations(style: string, token: RegExp): string {
  return style.replace(new RegExp(`(?<=["';]\\s*)${token.source}(?=\\s*["';])`, 'g'), '--$&:0');
}

function wordNotIn(html: string): string {
  let word = 'fmq';
  while (html.includes(word)) word += 'q';
  return word;
}
