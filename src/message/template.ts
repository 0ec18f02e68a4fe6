import Handlebars from 'handlebars';
import type { AttachedFile } from '../domain/attached-file.js';
import { FanmailError } from '../domain/errors.js';
import type { Variables } from '../domain/recipient.js';
import { HELPERS } from './helpers/helpers.js';
import { type Locale, PLAIN_LOCALE } from './helpers/locale.js';
import { isOwnVariable } from './own-variables.js';
import { type Piece, splitProgram } from './pieces.js';
import type { Place } from './place.js';
import { described, placeIn, renderError, UnfitValue } from './render-error.js';
import { inspect, type Reference } from './syntax.js';
import { textFromHtml } from './text-from-html.js';

/** A template as it is written: plain JSON, so that it can travel to the workers. At least one of html and text is set. */
export interface TemplateSource {
  readonly name: string;
  readonly subject: string;
  readonly html: string | null;
  readonly text: string | null;
  /** SHA-256 over the parts, in hex. */
  readonly digest: string;
  /** What each message carries; absent: nothing. */
  readonly files?: readonly AttachedFile[];
  /** How many each recipient has beside those; absent: none. */
  readonly filesEach?: number;
  /** What its helpers write in; absent: English, UTC. */
  readonly locale?: Locale;
  /** Where each variable was written first, where the parts are not as they were written. */
  readonly places?: Readonly<Record<string, Place>>;
}

/** A variable of the row that a template uses, and the first place where it does. */
export interface Need extends Place {
  readonly variable: string;
}

export interface Rendered {
  /** One line, without control characters. */
  readonly subject: string;
  readonly html: string | null;
  readonly text: string | null;
}

/** A part of a template, in pieces, so that what is the same for every row can be encoded once. */
export interface TemplatePart {
  /** In order; null stands for a value. No text is empty, and no two stand side by side. */
  readonly pieces: readonly (string | null)[];
  /** What stands at the nulls. Throws FanmailError TEMPLATE_RENDER, naming the part and the variable. */
  values(variables: Variables): string[];
}

export interface TemplateParts {
  /** To be made one line by `oneLine`. */
  readonly subject: TemplatePart;
  readonly html: TemplatePart | null;
  readonly text: TemplatePart | null;
}

export interface CompiledTemplate extends TemplateParts {
  /** A text of a row may be one that a helper can't write: whoever launches renders every row once. */
  readonly mayFail: boolean;
  /** Each variable once, in the order of subject, HTML, text. */
  readonly needs: readonly Need[];
  /** The same of those that fanmail gives. */
  readonly own: readonly Need[];
  /** Throws FanmailError TEMPLATE_RENDER, naming the part and the variable. */
  render(variables: Variables): Rendered;
}

interface Part extends TemplatePart {
  readonly references: readonly Reference[];
  readonly mayFail: boolean;
}

/** What the parts of a template have in common. */
interface Whole {
  readonly handlebars: typeof Handlebars;
  readonly places: TemplateSource['places'];
}

/**
 * Compiles a template. HTML is escaped in HTML and nowhere else; a missing variable is an error; nothing is reached
 * through a prototype. Where there is no text part, one is made from the HTML.
 * Throws FanmailError TEMPLATE_SYNTAX with file, line, column and an excerpt.
 */
export function compileTemplate(source: TemplateSource): CompiledTemplate {
  requireTexts(source);
  const whole = { handlebars: environment(source.locale ?? PLAIN_LOCALE), places: source.places };
  const subject = compilePart(whole, 'subject.hbs', source.subject, false);
  const html = source.html === null ? null : compilePart(whole, 'html.hbs', source.html, true);
  const text = source.text === null ? null : compilePart(whole, 'text.hbs', source.text, false);
  const plain = text ?? (source.html === null ? null : compileTextOf(whole, source.html));
  return {
    ...{ ...needsOf([subject, html, text], source.places), subject, html, text: plain },
    mayFail: [subject, html, text].some((part) => part?.mayFail),
    render: (variables) => ({
      subject: oneLine(joined(subject, variables)),
      html: html === null ? null : joined(html, variables),
      text: plain === null ? null : joined(plain, variables),
    }),
  };
}

/** Parts that are the same for every row. */
export function fixedParts({ subject, html, text }: Rendered): TemplateParts {
  const fixed = (part: string): TemplatePart => ({ pieces: part === '' ? [] : [part], values: () => [] });
  return {
    subject: fixed(subject),
    html: html === null ? null : fixed(html),
    text: text === null ? null : fixed(text),
  };
}

/** A part's text for a row. Throws as `values` does. */
export function joined({ pieces, values }: TemplatePart, variables: Variables): string {
  const found = values(variables);
  let next = 0;
  let text = '';
  for (const piece of pieces) text += piece ?? found[next++];
  return text;
}

/** A template comes back from Redis as any JSON; Handlebars takes an object for a parsed one and makes code of its parts. */
function requireTexts({ subject, html, text }: TemplateSource): void {
  for (const part of [subject, html ?? '', text ?? '']) {
    if (typeof part !== 'string') throw new FanmailError('TEMPLATE_SYNTAX', 'A part of the template is no text.');
  }
}

/** Handlebars of our own, so that what other code registers globally isn't seen here. */
function environment(at: Locale): typeof Handlebars {
  const handlebars = Handlebars.create();
  handlebars.unregisterHelper('log');
  // The built-in one asks the prototype, and writes to the console where that is refused.
  handlebars.registerHelper('lookup', (holder: unknown, name: unknown) =>
    typeof holder === 'object' && holder !== null
      ? Object.getOwnPropertyDescriptor(holder, String(name))?.value
      : undefined,
  );
  for (const [name, { call }] of Object.entries(HELPERS)) {
    handlebars.registerHelper(name, (...given: unknown[]) => {
      const { hash, loc } = given.pop() as Handlebars.HelperOptions & { loc: hbs.AST.SourceLocation };
      try {
        return call(given, hash, at);
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        throw new UnfitValue(`{{${name} …}}: ${said}`, { loc } as hbs.AST.Node);
      }
    });
  }
  return Object.assign(handlebars, { JavaScriptCompiler: textCompiler(handlebars) });
}

const KNOWN_HELPERS = { log: false, ...Object.fromEntries(Object.keys(HELPERS).map((name) => [name, true])) };

/** Handlebars adds two numbers that stand side by side and aren't escaped: of `{{a}}{{b}}` in text it makes their sum. */
function textCompiler(handlebars: typeof Handlebars): unknown {
  interface Generator {
    compiler: unknown;
    appendToBuffer(source: unknown, ...more: unknown[]): unknown;
  }
  const { JavaScriptCompiler } = handlebars as unknown as { JavaScriptCompiler: new () => Generator };
  class TextCompiler extends JavaScriptCompiler {
    override appendToBuffer(source: unknown, ...more: unknown[]): unknown {
      return super.appendToBuffer(['"" + ', source], ...more);
    }
  }
  // The one that it uses for blocks.
  TextCompiler.prototype.compiler = TextCompiler;
  return TextCompiler;
}

function compilePart({ handlebars, places }: Whole, file: string, source: string, escaped: boolean): Part {
  const { program, references, mayFail } = inspect(file, source);
  const access = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };
  const pieces: Piece[] = splitProgram(program, escaped, (body) => {
    const render = handlebars.compile<Variables>(
      { ...program, body },
      {
        ...{ strict: true, noEscape: !escaped, knownHelpersOnly: true, knownHelpers: KNOWN_HELPERS },
        // Compiling applies whitespace control once more. Then `~` finds nothing left to take, but a block would now be
        // looked at as if it had its lines for itself.
        ignoreStandalone: true,
      },
    );
    return (variables) => render(comparable(variables), access);
  });
  const dynamic = pieces.filter((piece) => typeof piece !== 'string');
  const values = (variables: Variables): string[] => dynamic.map((print) => print(variables));
  return {
    references,
    mayFail,
    pieces: pieces.map((piece) => (typeof piece === 'string' ? piece : null)),
    values: (variables) => {
      try {
        return values(variables);
      } catch (error) {
        throw renderError({ file, source, references, places }, error, () => values(described(variables)));
      }
    },
  };
}

/** What Handlebars needs of a row, out of reach of any name: it compares rows and values with `!=`, which asks for this. */
const COMPARABLE = Object.assign(Object.create(null), { [Symbol.toPrimitive]: () => 'the row' });

/** Without this, `../` within `each` over texts fails: an object without a prototype can't be compared with a text. */
function comparable(variables: Variables): Variables {
  if (Object.getPrototypeOf(variables) !== null) return variables;
  return Object.assign(Object.create(COMPARABLE), variables);
}

function compileTextOf(whole: Whole, html: string): Part {
  try {
    return compilePart(whole, 'html.hbs (as text)', textFromHtml(html), false);
  } catch (error) {
    const hint = 'Add a text.hbs to the template: no text can be made from this HTML.';
    if (error instanceof FanmailError) throw new FanmailError(error.code, error.message, { hint, cause: error });
    // Tags within tags without an end exhaust the stack.
    const said = error instanceof Error ? error.message : String(error);
    throw new FanmailError('TEMPLATE_SYNTAX', `html.hbs can't be made into text: ${said}`, { hint, cause: error });
  }
}

function needsOf(
  parts: readonly (Part | null)[],
  places: TemplateSource['places'],
): Pick<CompiledTemplate, 'needs' | 'own'> {
  const needs = new Map<string, Need>();
  for (const { variable, file, line, column } of parts.flatMap((part) => part?.references ?? [])) {
    if (variable !== null && !needs.has(variable))
      needs.set(variable, { variable, file, line, column, ...placeIn(places, variable) });
  }
  const all = [...needs.values()];
  return {
    needs: all.filter(({ variable }) => !isOwnVariable(variable)),
    own: all.filter(({ variable }) => isOwnVariable(variable)),
  };
}

/** Control characters, line ends and runs of blanks become one space, so nothing in a variable can start a header. */
export function oneLine(subject: string): string {
  // Most are one line already, which is told faster than made.
  if (!/[\p{Cc}\u2028\u2029]| {2}|^\s|\s$/u.test(subject)) return subject;
  return subject.replace(/[ \p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
