import { htmlText } from '../domain/html-text.js';
import { printable } from './format.js';

/** Text that is HTML. Only `html` and `trusted` make it, so nothing gets into a page unescaped. */
class Piece {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}
export type Html = Piece;

/** What may stand in a page; an array is joined. */
export type Content = string | number | Html | readonly Content[];

/**
 * A piece of a page. What is put in is made printable and escaped, for text and for attributes in quotes, unless it is a
 * piece itself.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Piece(strings.map((text, i) => (i === 0 ? '' : escaped(values[i - 1] ?? '')) + text).join(''));
}

/** A text of fanmail's own that goes in as it is. */
export function trusted(text: string): Html {
  return new Piece(text);
}

function escaped(value: Content): string {
  if (value instanceof Piece) return value.toString();
  if (typeof value === 'object') return value.map(escaped).join('');
  return htmlText(printable(String(value)));
}
