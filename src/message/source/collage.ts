import type { Place } from '../place.js';
import { Lines } from './lines.js';

/** A file of a template. */
export class SourceFile {
  /** Within the template's folder, such as `partials/button.hbs`. */
  readonly file: string;
  readonly text: string;
  readonly #lines: Lines;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.#lines = new Lines(text);
  }

  placeOf(offset: number): Place {
    return { file: this.file, ...this.#lines.placeOf(offset) };
  }

  /** From where to where a node of its parsed text was written. */
  rangeOf({ loc: { start, end } }: hbs.AST.Node): [start: number, end: number] {
    const offset = ({ line, column }: hbs.AST.Position) => this.#lines.offsetOf({ line, column: column + 1 });
    return [offset(start), offset(end)];
  }

  written(node: hbs.AST.Node): string {
    return this.text.slice(...this.rangeOf(node));
  }
}

/** Where something stood that a template was made of. */
export interface Origin {
  readonly place: Place;
  /** The text of that file. */
  readonly source: string;
}

interface Span {
  /** Where it begins in the whole. */
  readonly from: number;
  readonly source: SourceFile;
  /** Where it began in its file. */
  readonly at: number;
  /** It stands for that one place, rather than being copied from there on. */
  readonly fixed: boolean;
}

/** A text that is pasted together from several files, and knows where each of its places comes from. */
export class Collage {
  #text = '';
  readonly #spans: Span[] = [];

  get text(): string {
    return this.#text;
  }

  /** Goes on with a part of a file. */
  copy(source: SourceFile, start: number, end: number): void {
    if (end <= start) return;
    this.#spans.push({ from: this.#text.length, source, at: start, fixed: false });
    this.#text += source.text.slice(start, end);
  }

  /** Goes on with a text that stands for a place of a file. */
  put(text: string, source: SourceFile, at: number): void {
    if (text === '') return;
    this.#spans.push({ from: this.#text.length, source, at, fixed: true });
    this.#text += text;
  }

  paste(other: Collage): void {
    const before = this.#text.length;
    for (const span of other.#spans) this.#spans.push({ ...span, from: span.from + before });
    this.#text += other.#text;
  }

  /** Tells, of the text as it is now, where a place of it comes from. */
  origins(): (place: Place) => Origin | null {
    const lines = new Lines(this.#text);
    return (place) => {
      const offset = lines.offsetOf(place);
      const span = this.#spans.findLast(({ from }) => from <= offset) ?? this.#spans[0];
      if (!span) return null;
      const at = span.fixed ? span.at : span.at + offset - span.from;
      return { place: span.source.placeOf(at), source: span.source.text };
    };
  }
}
