import Handlebars from 'handlebars';
import type { Variables } from '../domain/recipient.js';

/** What differs from row to row. Throws what Handlebars throws, such as for a missing value. */
export type Dynamic = (variables: Variables) => string;

/** A part of a template is a run of these: text that is the same for every row, and what is not. */
export type Piece = string | Dynamic;

/** Makes a function of statements that stood beside each other, exactly as they are within the whole. */
export type CompileStatements = (statements: hbs.AST.Statement[]) => Dynamic;

/** A call of a compiled piece costs about as much as encoding so many characters: blocks nearer than this go together. */
const NEAR = 256;

/**
 * The pieces of a parsed part, whose whitespace control (`~`, blocks on lines of their own) has been applied by parsing.
 * At the top of a part nothing depends on what stands beside it: no block parameters, and `this` and `@root` are the row.
 */
export function splitProgram(program: hbs.AST.Program, escaped: boolean, compile: CompileStatements): Piece[] {
  const pieces: Piece[] = [];
  for (const statements of together(program.body)) {
    const [first] = statements;
    const parts = statements.length === 1 && first ? plainPath(first) : null;
    if (first && isText(first)) addText(pieces, statements.map(textOf).join(''));
    else if (parts) pieces.push(lookUp(parts, escaped && isEscaped(first), compile(statements)));
    else pieces.push(compile(statements));
  }
  return pieces;
}

/** Text, plain variables, and blocks with what little stands between them. */
function together(body: readonly hbs.AST.Statement[]): hbs.AST.Statement[][] {
  const groups: hbs.AST.Statement[][] = [];
  let blocks: hbs.AST.Statement[] | null = null;
  let since: hbs.AST.Statement[] = [];
  for (const statement of body) {
    if (isText(statement) || plainPath(statement)) {
      since.push(statement);
      continue;
    }
    if (blocks && since.reduce((sum, one) => sum + textOf(one).length, 0) < NEAR) {
      blocks.push(...since, statement);
    } else {
      blocks = [statement];
      groups.push(...since.map((one) => [one]), blocks);
    }
    since = [];
  }
  return [...groups, ...since.map((one) => [one])];
}

function addText(pieces: Piece[], text: string): void {
  const last = pieces.at(-1);
  if (typeof last === 'string') pieces[pieces.length - 1] = last + text;
  else if (text !== '') pieces.push(text);
}

function isText({ type }: hbs.AST.Statement): boolean {
  return type === 'ContentStatement' || type === 'CommentStatement';
}

function textOf(statement: hbs.AST.Statement): string {
  return statement.type === 'ContentStatement' ? (statement as hbs.AST.ContentStatement).value : '';
}

/** The names of `{{a}}` and `{{a.b}}`, which start from the row; null for anything else. */
function plainPath(statement: hbs.AST.Statement): readonly string[] | null {
  if (statement.type !== 'MustacheStatement') return null;
  const { path, params, hash } = statement as hbs.AST.MustacheStatement;
  if (path.type !== 'PathExpression' || params.length > 0 || hash) return null;
  const { data, depth, parts } = path as hbs.AST.PathExpression;
  return data || depth > 0 || parts.length === 0 ? null : parts;
}

function isEscaped(statement: hbs.AST.Statement | undefined): boolean {
  return (statement as hbs.AST.MustacheStatement).escaped;
}

/** Looks up and prints the common cases; what is missing or not of the common kinds is left to Handlebars itself. */
function lookUp(parts: readonly string[], escaped: boolean, otherwise: Dynamic): Dynamic {
  return (variables) => {
    let value: unknown = variables;
    for (const part of parts) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return otherwise(variables);
      value = (value as Record<string, unknown>)[part];
    }
    if (typeof value === 'string') return escaped ? Handlebars.escapeExpression(value) : value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return value === null ? '' : otherwise(variables);
  };
}
