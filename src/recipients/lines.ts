import { FanmailError } from '../domain/errors.js';
import { MAX_RECORD } from './text.js';

export interface Line {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** Cuts text into its lines that are not blank; the line end is LF or CRLF. Throws LIST_SYNTAX for an endless line. */
export class LineReader {
  readonly #source: string;
  #rest = '';
  #line = 1;

  constructor(source: string) {
    this.#source = source;
  }

  push(text: string, final: boolean): Line[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = final ? '' : (lines.pop() ?? '');
    const found: Line[] = [];
    for (const text of lines) {
      this.#check(text);
      if (text.trim() !== '') found.push({ line: this.#line, text });
      this.#line++;
    }
    this.#check(this.#rest);
    return found;
  }

  #check(text: string): void {
    if (text.length <= MAX_RECORD) return;
    const message = `Line ${this.#line} of ${this.#source} has more than ${MAX_RECORD} characters.`;
    throw new FanmailError('LIST_SYNTAX', message, { hint: 'Put each recipient on a line of its own.' });
  }
}
