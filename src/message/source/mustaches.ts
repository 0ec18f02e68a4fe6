import { MUSTACHE } from '../text-from-html.js';

/** HTML whose `{{…}}` are words instead, which stand anywhere in HTML and CSS, so that other programs can read it. */
export interface Masked {
  readonly html: string;
  /** Puts the `{{…}}` back into what was made of it. */
  unmask(html: string): string;
}

const STYLE = /\sstyle\s*=\s*(?:"[^"]*"|'[^']*')/gi;

export function mask(html: string): Masked {
  const kept: string[] = [];
  const word = wordNotIn(html);
  const hidden = html.replace(MUSTACHE, (mustache) => `${word}${kept.push(mustache) - 1}z`);
  // In a style attribute a word alone is no declaration.
  const alone = new RegExp(`(?<=["';]\\s*)${word}\\d+z(?=\\s*["';])`, 'g');
  const back = new RegExp(`--${word}(\\d+)z:\\s*0|${word}(\\d+)z`, 'g');
  return {
    html: hidden.replace(STYLE, (style) => style.replace(alone, '--$&:0')),
    unmask: (made) => made.replace(back, (_, declared, plain) => kept[Number(declared ?? plain)] ?? ''),
  };
}

function wordNotIn(html: string): string {
  let word = 'fmq';
  while (html.includes(word)) word += 'q';
  return word;
}
