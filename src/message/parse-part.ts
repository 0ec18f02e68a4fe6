import Handlebars from 'handlebars';
import { errorAt, type Place } from './place.js';

/** The time that Handlebars takes grows with the square of what is nested, and then the stack ends. */
const MOST_TAGS = 5_000;
const LONGEST_TAG = 10_000;

/** As Handlebars parses it. Throws TEMPLATE_SYNTAX for what doesn't parse. */
export function parsePart(file: string, source: string): hbs.AST.Program {
  refuseUnwieldy(file, source);
  return parse(file, source);
}

/** A template of a person has a few hundred {{…}}; so many that they take minutes are somebody's bad joke. */
function refuseUnwieldy(file: string, source: string): void {
  let tags = 0;
  for (let at = source.indexOf('{{'); at !== -1; ) {
    // \{{ is literal text, \\{{ is not.
    const literal = source[at - 1] === '\\' && source[at - 2] !== '\\';
    const close = literal ? at : source.indexOf('}}', at);
    const end = close === -1 ? source.length : close;
    const isComment = /^\{\{~?!/.test(source.slice(at, at + 4));
    if (++tags > MOST_TAGS || (end - at > LONGEST_TAG && !isComment)) {
      const before = source.slice(0, at).split('\n');
      const place = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
      const problem = tags > MOST_TAGS ? `there are more than ${MOST_TAGS} {{…}}` : 'this {{ has no near end';
      throw errorAt('TEMPLATE_SYNTAX', place, source, problem, {
        hint: `Allowed are ${MOST_TAGS} in a part, each of ${LONGEST_TAG} characters at most.`,
      });
    }
    at = source.indexOf('{{', end + 2);
  }
}

function parse(file: string, source: string): hbs.AST.Program {
  try {
    return Handlebars.parse(source);
  } catch (error) {
    const place = error instanceof Handlebars.Exception && placeOf(file, error);
    throw errorAt('TEMPLATE_SYNTAX', place || lastToken(file), source, words(error), { cause: error });
  }
}

/** Where Handlebars says that an error happened; undefined where it doesn't. */
export function placeOf(file: string, { lineNumber, column }: { lineNumber?: unknown; column?: unknown }) {
  if (typeof lineNumber !== 'number' || typeof column !== 'number') return undefined;
  return { file, line: lineNumber, column: column + 1 } satisfies Place;
}

/** The grammar's errors carry no place, but the lexer still stands at the token that didn't fit. */
function lastToken(file: string): Place {
  const { Parser } = Handlebars as {
    Parser?: { lexer?: { yylloc?: { first_line: number; first_column: number } } };
  };
  const token = Parser?.lexer?.yylloc;
  return { file, line: token?.first_line ?? 1, column: (token?.first_column ?? 0) + 1 };
}

/** What Handlebars said, without its excerpt and the list of token names that its grammar expected. */
function words(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return said.includes('\n') ? 'this does not fit: something before it is still open, or it is misspelt' : said;
}
