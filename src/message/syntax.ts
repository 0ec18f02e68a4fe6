import type { FanmailError } from '../domain/errors.js';
import { HELPERS, type Helper, helperOf } from './helpers/helpers.js';
import { parsePart } from './parse-part.js';
import { errorAt, type Place } from './place.js';
import type { Origin } from './source/collage.js';

/** Where a template names a value. */
export interface Reference extends Place {
  /** As written, such as `../city`. */
  readonly path: string;
  /** The row's variable that it starts from; null where it starts from an inner value of `each` or `with`. */
  readonly variable: string | null;
}

/** What an unqualified name means: the row, or a value inside of it, with what surrounds that. */
interface Scope {
  readonly kind: 'row' | 'inner';
  readonly outer: Scope | null;
}

interface Frame {
  readonly scope: Scope;
  /** Block parameters: `{{#each items as |item|}}`. */
  readonly locals: ReadonlySet<string>;
}

const BLOCK_HELPERS: ReadonlySet<string> = new Set(['if', 'unless', 'each', 'with']);
const RESERVED: ReadonlySet<string> = new Set([...BLOCK_HELPERS, 'lookup', 'helperMissing', 'blockHelperMissing']);
const DATA: ReadonlySet<string> = new Set(['root', 'index', 'key', 'first', 'last']);
const ALLOWED = `Allowed are {{#if}}, {{#unless}}, {{#each}}, {{#with}}, and {{lookup}}, {{${Object.keys(HELPERS).join('}}, {{')}}}.`;
/** A column of the name of one of these can't be written without `this.`; one that is called like a helper of ours can. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([...RESERVED, ...Object.keys(HELPERS)]);

/** A part of a template as Handlebars parses it, and what it refers to. */
export interface Inspected {
  readonly program: hbs.AST.Program;
  readonly references: readonly Reference[];
  /** Some row may have a value that a helper can't write. */
  readonly mayFail: boolean;
}

/** Where a place of a text that was put together comes from; null: from the text itself. */
export type FindOrigin = (place: Place) => Origin | null;
const ITSELF: FindOrigin = () => null;

/**
 * Parses a part of a template and lists the values it names, in the order of the text.
 * Throws TEMPLATE_SYNTAX with line, column and an excerpt for what doesn't parse and for what fanmail doesn't allow:
 * partials, decorators, unknown helpers, `../` above the row, names of JavaScript's object prototype.
 */
export function inspect(file: string, source: string, originOf: FindOrigin = ITSELF): Inspected {
  const walk = new Walk(file, source, originOf);
  const program = parsePart(file, source);
  walk.program(program, { scope: { kind: 'row', outer: null }, locals: new Set() });
  return { program, references: walk.references, mayFail: walk.mayFail };
}

interface Call {
  readonly path: hbs.AST.PathExpression;
  readonly params: readonly hbs.AST.Expression[];
  readonly hash: hbs.AST.Hash | undefined;
}

class Walk {
  readonly references: Reference[] = [];
  mayFail = false;
  readonly #file: string;
  readonly #source: string;
  readonly #originOf: FindOrigin;

  constructor(file: string, source: string, originOf: FindOrigin) {
    this.#file = file;
    this.#source = source;
    this.#originOf = originOf;
  }

  program(program: hbs.AST.Program | undefined, frame: Frame): void {
    if (!program) return;
    const locals = program.blockParams?.length ? new Set([...frame.locals, ...program.blockParams]) : frame.locals;
    for (const statement of program.body) this.#statement(statement, { ...frame, locals });
  }

  #statement(statement: hbs.AST.Statement, frame: Frame): void {
    switch (statement.type) {
      case 'ContentStatement':
      case 'CommentStatement':
        return;
      case 'MustacheStatement':
        this.#mustache(statement as hbs.AST.MustacheStatement, frame);
        return;
      case 'BlockStatement':
        this.#block(statement as hbs.AST.BlockStatement, frame);
        return;
      case 'PartialStatement':
      case 'PartialBlockStatement':
        throw this.#refusal(statement, 'partials ({{> …}}) are not available', 'Write the text where it is needed.');
      default:
        throw this.#refusal(statement, 'decorators ({{* …}}) are not available', ALLOWED);
    }
  }

  #mustache(statement: hbs.AST.MustacheStatement, frame: Frame): void {
    const path = asPath(statement.path);
    const name = simpleName(path, frame);
    if (statement.params.length > 0 || statement.hash || (name !== null && RESERVED.has(name))) {
      this.#call({ ...statement, path }, frame);
      return;
    }
    // To Handlebars a name alone would call the helper; here a column may be called date.
    if (helperOf(name)) path.original = `./${path.original}`;
    const value = this.#path(path, frame);
    if (value === 'row') throw this.#refusal(statement, 'the row as a whole is no text', 'Name one of its columns.');
  }

  #block(block: hbs.AST.BlockStatement, frame: Frame): void {
    const name = simpleName(asPath(block.path), frame);
    if (name === null || !BLOCK_HELPERS.has(name)) {
      const shown = block.path.original;
      throw this.#refusal(block, `{{#${shown}}} is no block that fanmail knows`, `Write {{#if ${shown}}}. ${ALLOWED}`);
    }
    const [param, ...more] = block.params;
    if (!param || more.length > 0) throw this.#refusal(block, `{{#${name}}} takes exactly one value`, ALLOWED);
    const value = this.#expression(param, frame);
    this.#hash(block.hash, frame);
    this.program(block.program, { ...frame, scope: inside(name, value, frame.scope) });
    this.program(block.inverse, frame);
  }

  #call(call: Call, frame: Frame): void {
    const name = simpleName(call.path, frame);
    const helper = helperOf(name);
    if (helper) this.#checkCall(call, helper);
    else if (name !== 'lookup') {
      const shown = call.path.original;
      const known = name !== null && RESERVED.has(name);
      throw this.#refusal(
        call.path,
        known ? `{{${shown}}} is the name of a helper, which can't stand here` : `{{${shown} …}} is an unknown helper`,
        known ? `A column of this name is {{this.${shown}}}. ${ALLOWED}` : ALLOWED,
      );
    } else if (call.params.length !== 2) {
      throw this.#refusal(call.path, '{{lookup}} takes a value and a name', 'For example {{lookup prices plan}}.');
    }
    for (const param of call.params) this.#expression(param, frame);
    this.#hash(call.hash, frame);
  }

  #checkCall({ path, params, hash }: Call, { takes, named, usage, fails }: Helper): void {
    const [least, most] = takes;
    this.mayFail ||= fails;
    const example = `For example ${usage}.`;
    if (params.length < least || params.length > most) {
      const values = least === most ? `${least}` : `${least} to ${most}`;
      const problem = `{{${path.original}}} takes ${values} ${most === 1 ? 'value' : 'values'}, and not ${params.length}`;
      throw this.#refusal(path, problem, example);
    }
    const odd = hash?.pairs.find(({ key }) => !named.includes(key));
    if (!odd) return;
    const allowed = named.length > 0 ? `Allowed are ${named.map((name) => `${name}=`).join(', ')}.` : example;
    throw this.#refusal(odd, `{{${path.original}}} knows no ${odd.key}=`, allowed);
  }

  #hash(hash: hbs.AST.Hash | undefined, frame: Frame): void {
    for (const pair of hash?.pairs ?? []) this.#expression(pair.value, frame);
  }

  /** Answers 'row' where the expression is the row itself. */
  #expression(expression: hbs.AST.Expression, frame: Frame): 'row' | 'value' {
    if (expression.type === 'PathExpression') return this.#path(expression as hbs.AST.PathExpression, frame);
    if (expression.type === 'SubExpression') {
      const call = expression as hbs.AST.SubExpression;
      this.#call({ ...call, path: asPath(call.path) }, frame);
    }
    return 'value';
  }

  #path(path: hbs.AST.PathExpression, frame: Frame): 'row' | 'value' {
    const [first, ...rest] = path.parts;
    const ofData = path.data && first !== 'root';
    if (ofData && !(first !== undefined && DATA.has(first))) {
      throw this.#refusal(
        path,
        `{{${path.original}}} is unknown`,
        `Allowed: ${[...DATA].map((d) => `@${d}`).join(', ')}.`,
      );
    }
    const local = isLocal(path, frame);
    const fromRow = path.data ? first === 'root' : !local && this.#climb(path, frame.scope).kind === 'row';
    const parts = path.data ? rest : path.parts;
    const variable = fromRow ? (parts[0] ?? null) : null;
    // A column may have any name; inside a value these would reach for what JavaScript puts there.
    const reaching = (fromRow ? parts.slice(1) : parts).find((part) => part in Object.prototype);
    if (reaching !== undefined) {
      throw this.#refusal(path, `{{${path.original}}} reaches for a prototype`, `Rename the field ${reaching}.`);
    }
    this.references.push({ ...this.#place(path), path: path.original, variable });
    return fromRow && parts.length === 0 ? 'row' : 'value';
  }

  #climb(path: hbs.AST.PathExpression, from: Scope): Scope {
    let scope: Scope | null = from;
    for (let depth = path.depth; depth > 0 && scope; depth--) scope = scope.outer;
    if (scope) return scope;
    const hint = '{{#each}} and {{#with}} go one level down; {{#if}} does not.';
    throw this.#refusal(path, `{{${path.original}}} reaches above the row`, hint);
  }

  #refusal(node: hbs.AST.Node, problem: string, hint: string): FanmailError {
    const { place, source } = this.#origin(node);
    return errorAt('TEMPLATE_SYNTAX', place, source, problem, { hint });
  }

  #place(node: hbs.AST.Node): Place {
    return this.#origin(node).place;
  }

  #origin({ loc }: hbs.AST.Node): Origin {
    const place = { file: this.#file, line: loc.start.line, column: loc.start.column + 1 };
    return this.#originOf(place) ?? { place, source: this.#source };
  }
}

/** `{{"first name"}}` and `{{12}}` name a column just as `{{[first name]}}` does. */
function asPath(path: hbs.AST.PathExpression | hbs.AST.Literal): hbs.AST.PathExpression {
  if (path.type === 'PathExpression') return path as hbs.AST.PathExpression;
  const original = 'original' in path ? String(path.original) : path.type === 'NullLiteral' ? 'null' : 'undefined';
  return { type: 'PathExpression', loc: path.loc, data: false, depth: 0, parts: [original], original };
}

/** `this.x` and `./x`: Handlebars' own test, which makes them neither helpers nor block parameters. */
export function isScoped(path: hbs.AST.PathExpression): boolean {
  return /^\.|this\b/.test(path.original);
}

function isLocal(path: hbs.AST.PathExpression, frame: Frame): boolean {
  return (
    !path.data && path.depth === 0 && !isScoped(path) && path.parts[0] !== undefined && frame.locals.has(path.parts[0])
  );
}

/** The name where Handlebars could take the path for a helper, else null. */
function simpleName(path: hbs.AST.PathExpression, frame: Frame): string | null {
  if (path.data || path.depth > 0 || isScoped(path) || path.parts.length !== 1 || isLocal(path, frame)) return null;
  return path.parts[0] ?? null;
}

/** Handlebars goes a level down only where the value is another one: `{{#with this}}` stays. */
function inside(helper: string, value: 'row' | 'value', scope: Scope): Scope {
  if (helper === 'each') return { kind: 'inner', outer: scope };
  if (helper !== 'with') return scope;
  if (value === 'value') return { kind: 'inner', outer: scope };
  return scope.kind === 'row' ? scope : { kind: 'row', outer: scope };
}
