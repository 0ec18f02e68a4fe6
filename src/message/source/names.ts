import type { FanmailError } from '../../domain/errors.js';
import { errorAt } from '../place.js';
import { isScoped, RESERVED_NAMES } from '../syntax.js';
import type { SourceFile } from './collage.js';

/** Where in its file something is named. */
export interface Frame {
  /** `{{#each}}` and `{{#with}}` around it: each goes one level down. */
  readonly depth: number;
  readonly eaches: number;
  /** Block parameters: `{{#each items as |item|}}`. */
  readonly locals: ReadonlySet<string>;
}

/** What a partial was given, and where that was written. */
interface Given {
  readonly pair: hbs.AST.HashPair;
  readonly from: Names;
  readonly frame: Frame;
}

/** How much deeper something is written than where its names mean what they should. */
interface Shift {
  readonly depth: number;
  readonly eaches: number;
  /** Block parameters there: one of the same name would be taken instead. */
  readonly locals: ReadonlySet<string>;
}

type PartialCall = hbs.AST.PartialStatement | hbs.AST.PartialBlockStatement;
type Called = Pick<PartialCall, 'params' | 'hash'>;

const HERE: Shift = { depth: 0, eaches: 0, locals: new Set() };

/** What names mean in one use of a file: what the campaign gives, and what a partial was given. */
export class Names {
  readonly #file: SourceFile;
  readonly #campaign: Readonly<Record<string, string>>;
  readonly #given: ReadonlyMap<string, Given>;
  /** What a partial is written within: `{{> card item}}` goes one level down. */
  readonly context: string | null;
  readonly #used = new Set<string>();

  constructor(
    file: SourceFile,
    campaign: Readonly<Record<string, string>>,
    given: ReadonlyMap<string, Given> = new Map(),
    context: string | null = null,
  ) {
    this.#file = file;
    this.#campaign = campaign;
    this.#given = given;
    this.context = context;
  }

  /** What a partial's names mean that is called here. */
  of(partial: SourceFile, call: Called, frame: Frame): Names {
    const given = new Map<string, Given>();
    for (const pair of call.hash?.pairs ?? []) {
      this.#checkArgument(pair);
      given.set(pair.key, { pair, from: this, frame });
    }
    const [context, second] = call.params;
    if (second) throw this.#refusal(second, 'a partial takes one value at most, and names for others', EXAMPLE);
    const written = context && !isThis(context) ? this.#write(context, frame, HERE) : null;
    return new Names(partial, this.#campaign, given, written);
  }

  /** The text that a name alone stands for; null where it is none. */
  textOf(expression: hbs.AST.Expression, frame: Frame): string | null {
    if (expression.type !== 'PathExpression') return literalOf(expression);
    const path = expression as hbs.AST.PathExpression;
    const campaign = this.#campaignText(path, frame);
    if (campaign !== null) return campaign;
    const given = this.#givenFor(path, frame);
    const text = given ? given.from.textOf(given.pair.value, given.frame) : null;
    if (text === null || path.parts.length === 1) return text;
    throw this.#refusal(path, `{{${path.original}}} reaches into a text`, 'It was given to the partial as that.');
  }

  /** How `{{name}}` is to be written instead, without the braces; null: as it is. */
  valueOf(expression: hbs.AST.Expression, frame: Frame): string | null {
    const written = this.argument(expression, frame);
    return written?.startsWith('(') ? written.slice(1, -1) : written;
  }

  /** How what a helper or a block is given is to be written instead; null: as it is. */
  argument(expression: hbs.AST.Expression, frame: Frame): string | null {
    const written = this.#write(expression, frame, HERE);
    return written === this.#file.written(expression) ? null : written;
  }

  /** A misspelt argument would be looked for among the columns. */
  requireUsed(): void {
    for (const [name, { pair, from }] of this.#given) {
      if (!this.#used.has(name))
        throw from.#refusal(pair, `${this.#file.file} has no ${name}`, 'Is it called otherwise there?');
    }
  }

  #write(expression: hbs.AST.Expression, frame: Frame, shift: Shift): string {
    if (expression.type === 'SubExpression') {
      const { path, params, hash } = expression as hbs.AST.SubExpression;
      const named = (hash?.pairs ?? []).map(({ key, value }) => `${key}=${this.#write(value, frame, shift)}`);
      const values = params.map((value) => this.#write(value, frame, shift));
      return `(${[this.#file.written(path), ...values, ...named].join(' ')})`;
    }
    const written = this.#file.written(expression);
    if (expression.type !== 'PathExpression') return written;
    const path = expression as hbs.AST.PathExpression;
    const text = this.#campaignText(path, frame);
    if (text !== null) return `"${text.replaceAll('"', '\\"')}"`;
    const given = this.#givenFor(path, frame);
    if (given) return this.#writeGiven(given, path, frame, shift);
    const [first = ''] = path.parts;
    if (path.data) return first === 'root' ? written : `@${'../'.repeat(shift.eaches)}${written.slice(1)}`;
    if (!isLocal(path, frame)) return '../'.repeat(shift.depth) + written;
    if (!shift.locals.has(first)) return written;
    throw this.#refusal(path, `the partial calls something else ${first}`, 'Give one of them another name.');
  }

  #writeGiven({ pair, from, frame: there }: Given, path: hbs.AST.PathExpression, frame: Frame, shift: Shift): string {
    const deeper = shift.depth + frame.depth + (this.context === null ? 0 : 1);
    const locals = new Set([...shift.locals, ...frame.locals]);
    const written = from.#write(pair.value, there, { depth: deeper, eaches: shift.eaches + frame.eaches, locals });
    if (path.parts.length === 1) return written;
    if (pair.value.type === 'PathExpression') return written + this.#file.written(path).slice(pair.key.length);
    throw this.#refusal(
      path,
      `{{${path.original}}} reaches into what is no field`,
      'It was given to the partial as that.',
    );
  }

  #givenFor(path: hbs.AST.PathExpression, frame: Frame): Given | null {
    const [first] = path.parts;
    if (first === undefined || !isPlain(path) || isLocal(path, frame)) return null;
    const given = this.#given.get(first) ?? null;
    if (given) this.#used.add(first);
    return given;
  }

  #campaignText(path: hbs.AST.PathExpression, frame: Frame): string | null {
    const [first, name, ...more] = path.parts;
    if (first !== 'campaign' || name === undefined || more.length > 0 || !isPlain(path) || isLocal(path, frame))
      return null;
    const text = Object.hasOwn(this.#campaign, name) ? this.#campaign[name] : undefined;
    if (text !== undefined) return text;
    const known = Object.keys(this.#campaign).map((one) => `campaign.${one}`);
    const hint = `There are ${known.join(', ')}; more are given as "variables" in template.json. A column is {{this.campaign}}.`;
    throw this.#refusal(path, `the campaign has no ${name}`, hint);
  }

  #checkArgument(pair: hbs.AST.HashPair): void {
    if (RESERVED_NAMES.has(pair.key) || pair.key === 'campaign')
      throw this.#refusal(pair, `${pair.key} is the name of something else`, 'Call the argument otherwise.');
    const text = literalOf(pair.value);
    if (text !== null && /\{\{|\}\}|\\/.test(text))
      throw this.#refusal(pair, `${pair.key} has a backslash or braces`, 'Write such a text into the partial itself.');
  }

  #refusal(node: hbs.AST.Node, problem: string, hint: string): FanmailError {
    const place = this.#file.placeOf(this.#file.rangeOf(node)[0]);
    return errorAt('TEMPLATE_SYNTAX', place, this.#file.text, problem, { hint });
  }
}

const EXAMPLE = 'For example {{> button label="See it" url=link}}.';

/** The frame of what stands within a block. `{{#with this}}` stays where it is. */
export function inside({ path, params: [param] }: hbs.AST.BlockStatement, frame: Frame): Frame {
  const name = String(path.original);
  if (name === 'each') return { ...frame, depth: frame.depth + 1, eaches: frame.eaches + 1 };
  return name === 'with' && param && !isThis(param) ? { ...frame, depth: frame.depth + 1 } : frame;
}

function isThis(expression: hbs.AST.Expression): boolean {
  if (expression.type !== 'PathExpression') return false;
  const { data, depth, parts } = expression as hbs.AST.PathExpression;
  return !data && depth === 0 && parts.length === 0;
}

function isPlain(path: hbs.AST.PathExpression): boolean {
  return !path.data && path.depth === 0 && !isScoped(path);
}

function isLocal(path: hbs.AST.PathExpression, { locals }: Frame): boolean {
  return isPlain(path) && path.parts[0] !== undefined && locals.has(path.parts[0]);
}

function literalOf(expression: hbs.AST.Expression): string | null {
  const { type } = expression;
  if (type !== 'StringLiteral' && type !== 'NumberLiteral' && type !== 'BooleanLiteral') return null;
  return String((expression as hbs.AST.StringLiteral).value);
}
