/** As Handlebars counts them. */
const LINE_END = /\r\n?|\n/g;

/** Where the lines of a text begin. */
export class Lines {
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#starts = [0, ...Array.from(text.matchAll(LINE_END), ({ index, 0: end }) => index + end.length)];
  }

  /** Line and column count from 1. */
  offsetOf({ line, column }: { readonly line: number; readonly column: number }): number {
    return (this.#starts[line - 1] ?? 0) + column - 1;
  }

  placeOf(offset: number): { line: number; column: number } {
    const line = Math.max(1, this.#starts.findLastIndex((start) => start <= offset) + 1);
    return { line, column: offset - (this.#starts[line - 1] ?? 0) + 1 };
  }
}
