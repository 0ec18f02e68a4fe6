import Handlebars from 'handlebars';
import type { FanmailError } from '../../domain/errors.js';
import { parsePart } from '../parse-part.js';
import { errorAt } from '../place.js';
import { Collage, type SourceFile } from './collage.js';
import { type Frame, inside, Names } from './names.js';

export interface ExpandOptions {
  /** By the names that `{{> name}}` uses. */
  readonly partials: ReadonlyMap<string, SourceFile>;
  /** What `{{campaign.name}}` stands for: the same for every row. */
  readonly campaign: Readonly<Record<string, string>>;
  /** Whether texts are escaped as in HTML. */
  readonly escaped: boolean;
}

/** Bytes of UTF-16 that a part may have with all that is in it. */
const MAX_LENGTH = 1_048_576;
const DEEPEST = 20;

/** One use of a file: the part itself, or a partial where it is called. */
interface Use {
  readonly file: SourceFile;
  readonly names: Names;
  /** What a partial is written around; null where there is nothing. */
  readonly block: Collage | null;
  readonly within: readonly string[];
}

/** A stretch of a file in place of which something else goes into the whole. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly write: (into: Collage) => void;
}

type PartialCall = hbs.AST.PartialStatement | hbs.AST.PartialBlockStatement;

/**
 * A part of a template with its partials in it and with what its campaign gives, so that workers need no files, and all that
 * is the same for every row is plain text. What a partial names are its arguments, and else what is named where it is called.
 * Throws TEMPLATE_SYNTAX with the file, the line, the column and an excerpt.
 */
export function expand(file: SourceFile, options: ExpandOptions): Collage {
  return new Expansion(options).use({ file, names: new Names(file, options.campaign), block: null, within: [] });
}

class Expansion {
  readonly #options: ExpandOptions;
  readonly #parsed = new Map<SourceFile, hbs.AST.Program>();
  #length = 0;

  constructor(options: ExpandOptions) {
    this.#options = options;
  }

  use(use: Use): Collage {
    const { file } = use;
    const edits = this.#editsOf(this.#parse(file), use);
    const whole = this.#cut(file, 0, file.text.length, edits);
    this.#length += whole.text.length;
    if (this.#length > MAX_LENGTH) {
      const problem = `with its partials the template has more than ${MAX_LENGTH} characters`;
      throw this.#refusal(file, 0, problem, 'Take fewer of them, or link to pictures instead of embedding them.');
    }
    return whole;
  }

  #parse(file: SourceFile): hbs.AST.Program {
    const known = this.#parsed.get(file);
    if (known) return known;
    const program = parsePart(file.file, file.text);
    this.#parsed.set(file, program);
    return program;
  }

  #cut(file: SourceFile, start: number, end: number, edits: readonly Edit[]): Collage {
    const into = new Collage();
    let at = start;
    for (const edit of edits) {
      into.copy(file, at, edit.start);
      edit.write(into);
      // What `~` takes may have been taken by the one before, or belong to what is around.
      at = Math.max(at, Math.min(edit.end, end));
    }
    into.copy(file, at, end);
    return into;
  }

  /** In the order of the text; none is within another. */
  #editsOf(program: hbs.AST.Program, use: Use): Edit[] {
    const edits: Edit[] = [];
    this.#program(program, { depth: 0, eaches: 0, locals: new Set() }, use, edits);
    return edits.sort((a, b) => a.start - b.start);
  }

  #program(program: hbs.AST.Program | undefined, frame: Frame, use: Use, edits: Edit[]): void {
    if (!program) return;
    const locals = program.blockParams?.length ? new Set([...frame.locals, ...program.blockParams]) : frame.locals;
    for (const statement of program.body) this.#statement(statement, { ...frame, locals }, use, edits);
  }

  #statement(statement: hbs.AST.Statement, frame: Frame, use: Use, edits: Edit[]): void {
    switch (statement.type) {
      case 'MustacheStatement':
        this.#mustache(statement as hbs.AST.MustacheStatement, frame, use, edits);
        return;
      case 'BlockStatement': {
        const block = statement as hbs.AST.BlockStatement;
        this.#values(block, frame, use, edits);
        this.#program(block.program, inside(block, frame), use, edits);
        this.#program(block.inverse, frame, use, edits);
        return;
      }
      case 'PartialStatement':
      case 'PartialBlockStatement':
        edits.push(this.#partial(statement as PartialCall, frame, use));
        return;
      default:
    }
  }

  #mustache(statement: hbs.AST.MustacheStatement, frame: Frame, use: Use, edits: Edit[]): void {
    const { file, names } = use;
    const { path, params, hash } = statement;
    // A name in quotes is a column.
    const isName = params.length === 0 && !hash && path.type === 'PathExpression';
    const text = isName ? names.textOf(path, frame) : null;
    if (text === null) {
      this.#values(statement, frame, use, edits);
      const written = isName ? names.valueOf(path, frame) : null;
      if (written !== null) edits.push(replacing(file, path, written));
      return;
    }
    const shown = this.#options.escaped && statement.escaped ? Handlebars.escapeExpression(text) : text;
    const [start, end] = trimmed(file, file.rangeOf(statement), statement.strip);
    edits.push({ start, end, write: (into) => into.put(shown, file, start) });
  }

  /** What a helper or a block is given. */
  #values(
    { params, hash }: { params: readonly hbs.AST.Expression[]; hash?: hbs.AST.Hash },
    frame: Frame,
    { file, names }: Use,
    edits: Edit[],
  ): void {
    for (const value of [...params, ...(hash?.pairs ?? []).map((pair) => pair.value)]) {
      const written = names.argument(value, frame);
      if (written !== null) edits.push(replacing(file, value, written));
    }
  }

  #partial(call: PartialCall, frame: Frame, use: Use): Edit {
    const { file } = use;
    const range = file.rangeOf(call);
    const whole = this.#called(call, frame, use);
    const [start, end] = trimmed(file, range, 'strip' in call ? call.strip : undefined);
    // A partial that has a line for itself brings its own line end.
    const own = ownLine(file.text, start, end);
    const endsLine = own !== null && /[\r\n]$/.test(whole.text);
    return { start, end: endsLine ? own : end, write: (into) => into.paste(whole) };
  }

  #called(call: PartialCall, frame: Frame, use: Use): Collage {
    const { file, within } = use;
    const { name, shown } = nameOf(call);
    const [start] = file.rangeOf(call);
    if (name === '@partial-block') return this.#block(start, frame, use);
    const partial = name === null ? undefined : this.#options.partials.get(name);
    if (!partial) {
      const known = [...this.#options.partials.keys()].sort().join(', ');
      const hint = known === '' ? 'The template has no folder partials.' : `The template has ${known}.`;
      throw this.#refusal(file, start, `there is no partial ${shown}`, hint);
    }
    if (within.includes(partial.file) || within.length >= DEEPEST) {
      const way = [...within, partial.file].join(' → ');
      throw this.#refusal(file, start, `the partial ${shown} ends up in itself: ${way}`, 'Take it out of one of them.');
    }
    const names = use.names.of(partial, call, frame);
    const isBlock = call.type === 'PartialBlockStatement';
    if (isBlock && names.context !== null)
      throw this.#refusal(file, start, `{{#> ${shown}}} is given a value`, 'Name it: {{#> layout person=this}}.');
    const block = isBlock ? this.#content(call as hbs.AST.PartialBlockStatement, frame, use) : null;
    const whole = this.use({ file: partial, names, block, within: [...within, partial.file] });
    names.requireUsed();
    return names.context === null ? whole : wrapped(whole, names.context, file, start);
  }

  /** What stands between `{{#> layout}}` and `{{/layout}}`. */
  #content(call: hbs.AST.PartialBlockStatement, frame: Frame, use: Use): Collage {
    const { file } = use;
    const edits: Edit[] = [];
    this.#program(call.program, frame, use, edits);
    edits.sort((a, b) => a.start - b.start);
    const last = [call.name, ...call.params, ...(call.hash?.pairs ?? [])].map((node) => file.rangeOf(node)[1]);
    const opened = file.text.indexOf('}}', Math.max(...last)) + 2;
    const closed = file.text.lastIndexOf('{{', file.rangeOf(call)[1] - 1);
    const start = /^[ \t]*(?:\r\n?|\n)/.exec(file.text.slice(opened, closed))?.[0].length ?? 0;
    const end = /[\r\n]([ \t]+)$/.exec(file.text.slice(opened + start, closed))?.[1]?.length ?? 0;
    return this.#cut(file, opened + start, closed - end, edits);
  }

  #block(start: number, frame: Frame, { file, block }: Use): Collage {
    const hint =
      'A layout is called with {{#> layout}} … {{/layout}}, and has {{> @partial-block}} where that belongs.';
    if (!block) throw this.#refusal(file, start, '{{> @partial-block}} is written where nothing is given for it', hint);
    if (frame.depth === 0) return block;
    const problem = '{{> @partial-block}} is within {{#each}} or {{#with}}, where names would mean something else';
    throw this.#refusal(file, start, problem, hint);
  }

  #refusal(file: SourceFile, offset: number, problem: string, hint: string): FanmailError {
    return errorAt('TEMPLATE_SYNTAX', file.placeOf(offset), file.text, problem, { hint });
  }
}

function nameOf({ name }: PartialCall): { name: string | null; shown: string } {
  if (name.type === 'SubExpression') return { name: null, shown: 'whose name is known only when it is sent' };
  const { original } = name as hbs.AST.PathExpression;
  return { name: String(original), shown: JSON.stringify(original) };
}

function wrapped(whole: Collage, context: string, file: SourceFile, at: number): Collage {
  const with_ = new Collage();
  with_.put(`{{#with ${context}}}`, file, at);
  with_.paste(whole);
  with_.put('{{/with}}', file, at);
  return with_;
}

function replacing(file: SourceFile, node: hbs.AST.Node, written: string): Edit {
  const [start, end] = file.rangeOf(node);
  return { start, end, write: (into) => into.put(written, file, start) };
}

/** With the blanks and line ends that `~` takes. */
function trimmed(
  { text }: SourceFile,
  [start, end]: readonly [number, number],
  strip: hbs.AST.StripFlags | undefined,
): [start: number, end: number] {
  const before = strip?.open ? text.slice(0, start).trimEnd().length : start;
  const after = strip?.close ? text.length - text.slice(end).trimStart().length : end;
  return [before, after];
}

/** Where the next line begins, if nothing else stands on this one; else null. */
function ownLine(text: string, start: number, end: number): number | null {
  const lineStart = Math.max(text.lastIndexOf('\n', start - 1), text.lastIndexOf('\r', start - 1)) + 1;
  if (start > 0 && text.slice(lineStart, start).trim() !== '') return null;
  const rest = /^[ \t]*(?:\r\n?|\n)/.exec(text.slice(end));
  return rest ? end + rest[0].length : null;
}
