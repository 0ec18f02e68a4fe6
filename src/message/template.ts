import Handlebars from 'handlebars';
import { FanmailError } from '../domain/errors.js';
import type { Value, Variables } from '../domain/recipient.js';
import { errorAt, type Place } from './place.js';
import { inspect, placeOf, type Reference } from './syntax.js';
import { textFromHtml } from './text-from-html.js';

/** A template as it is written: plain JSON, so that it can travel to the workers. At least one of html and text is set. */
export interface TemplateSource {
  readonly name: string;
  readonly subject: string;
  readonly html: string | null;
  readonly text: string | null;
  /** SHA-256 over the parts, in hex. */
  readonly digest: string;
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

export interface CompiledTemplate {
  /** Each variable once, in the order of subject, HTML, text. */
  readonly needs: readonly Need[];
  /** Throws FanmailError TEMPLATE_RENDER, naming the part and the variable. */
  render(variables: Variables): Rendered;
}

interface Part {
  readonly references: readonly Reference[];
  render(variables: Variables): string;
}

/**
 * Compiles a template. HTML is escaped in HTML and nowhere else; a missing variable is an error; nothing is reached
 * through a prototype. Where there is no text part, one is made from the HTML.
 * Throws FanmailError TEMPLATE_SYNTAX with file, line, column and an excerpt.
 */
export function compileTemplate(source: TemplateSource): CompiledTemplate {
  requireTexts(source);
  const handlebars = environment();
  const subject = compilePart(handlebars, 'subject.hbs', source.subject, false);
  const html = source.html === null ? null : compilePart(handlebars, 'html.hbs', source.html, true);
  const text = source.text === null ? null : compilePart(handlebars, 'text.hbs', source.text, false);
  const plain = text ?? (source.html === null ? null : compileTextOf(handlebars, source.html));
  return {
    needs: needsOf([subject, html, text]),
    render: (variables) => ({
      subject: oneLine(subject.render(variables)),
      html: html === null ? null : html.render(variables),
      text: plain === null ? null : plain.render(variables),
    }),
  };
}

/** A template comes back from Redis as any JSON; Handlebars takes an object for a parsed one and makes code of its parts. */
function requireTexts({ subject, html, text }: TemplateSource): void {
  for (const part of [subject, html ?? '', text ?? '']) {
    if (typeof part !== 'string') throw new FanmailError('TEMPLATE_SYNTAX', 'A part of the template is no text.');
  }
}

/** Handlebars of our own, so that what other code registers globally isn't seen here. */
function environment(): typeof Handlebars {
  const handlebars = Handlebars.create();
  handlebars.unregisterHelper('log');
  // The built-in one asks the prototype, and writes to the console where that is refused.
  handlebars.registerHelper('lookup', (holder: unknown, name: unknown) =>
    typeof holder === 'object' && holder !== null
      ? Object.getOwnPropertyDescriptor(holder, String(name))?.value
      : undefined,
  );
  return handlebars;
}

function compilePart(handlebars: typeof Handlebars, file: string, source: string, escaped: boolean): Part {
  const references = inspect(file, source);
  const render = handlebars.compile<Variables>(source, {
    strict: true,
    noEscape: !escaped,
    knownHelpersOnly: true,
    knownHelpers: { log: false },
  });
  const access = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };
  return {
    references,
    render: (variables) => {
      try {
        return render(variables, access);
      } catch (error) {
        throw renderError({ file, source, references }, error, () => render(described(variables), access));
      }
    },
  };
}

function compileTextOf(handlebars: typeof Handlebars, html: string): Part {
  try {
    return compilePart(handlebars, 'html.hbs (as text)', textFromHtml(html), false);
  } catch (error) {
    const hint = 'Add a text.hbs to the template: no text can be made from this HTML.';
    if (error instanceof FanmailError) throw new FanmailError(error.code, error.message, { hint, cause: error });
    // Tags within tags without an end exhaust the stack.
    const said = error instanceof Error ? error.message : String(error);
    throw new FanmailError('TEMPLATE_SYNTAX', `html.hbs can't be made into text: ${said}`, { hint, cause: error });
  }
}

function needsOf(parts: readonly (Part | null)[]): readonly Need[] {
  const needs = new Map<string, Need>();
  for (const { variable, file, line, column } of parts.flatMap((part) => part?.references ?? [])) {
    if (variable !== null && !needs.has(variable)) needs.set(variable, { variable, file, line, column });
  }
  return [...needs.values()];
}

/** Control characters, line ends and runs of blanks become one space, so nothing in a variable can start a header. */
function oneLine(subject: string): string {
  return subject.replace(/[ \p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

interface Failed {
  readonly file: string;
  readonly source: string;
  readonly references: readonly Reference[];
}

function renderError({ file, source, references }: Failed, error: unknown, again: () => string): FanmailError {
  const cause = caughtFrom(again) ?? error;
  const place = cause instanceof Handlebars.Exception ? placeOf(file, cause) : undefined;
  if (!place) {
    const said = cause instanceof Error ? cause.message : String(cause);
    return new FanmailError('TEMPLATE_RENDER', `${file} can't be rendered for this row: ${said}`, { cause });
  }
  const named = references.find((one) => one.line === place.line && one.column === place.column);
  const problem = `the row has no value for {{${named?.path ?? '…'}}}`;
  const hint = 'A value that may be missing is written {{#if name}}{{name}}{{/if}}; an empty value is no fault.';
  return errorAt('TEMPLATE_RENDER', place, source, problem, { hint, cause });
}

function caughtFrom(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * The same values with nothing but a `toString`. Handlebars puts the holder of a missing value into its message, and
 * fails at that on an object without prototype, losing the place; with this copy it gets to tell it.
 */
function described(variables: Variables): Variables {
  const prototype = { toString: () => 'the row' };
  const copy = (value: Value): Value => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(copy);
    return Object.assign(
      Object.create(prototype),
      Object.fromEntries(Object.entries(value).map(([k, v]) => [k, copy(v)])),
    );
  };
  return copy(variables) as Variables;
}
