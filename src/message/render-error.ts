import Handlebars from 'handlebars';
import { FanmailError } from '../domain/errors.js';
import type { Value, Variables } from '../domain/recipient.js';
import { placeOf } from './parse-part.js';
import { errorAt, type Place } from './place.js';
import type { Reference } from './syntax.js';

/** Where each variable of a template was written first; undefined where its parts are as they were written. */
export type Places = Readonly<Record<string, Place>> | undefined;

/** A helper can't write a value. */
export class UnfitValue extends Handlebars.Exception {
  /** Handlebars adds the place to its messages. */
  readonly problem: string;

  constructor(problem: string, node: hbs.AST.Node) {
    super(problem, node);
    this.problem = problem;
  }
}

export function placeIn(places: Places, variable: string | null | undefined): Place | undefined {
  return places && typeof variable === 'string' && Object.hasOwn(places, variable) ? places[variable] : undefined;
}

interface Failed {
  readonly file: string;
  readonly source: string;
  readonly references: readonly Reference[];
  readonly places: Places;
}

export function renderError(
  { file, source, references, places }: Failed,
  error: unknown,
  again: () => unknown,
): FanmailError {
  const cause = error instanceof UnfitValue ? error : (caughtFrom(again) ?? error);
  const place = cause instanceof Handlebars.Exception ? placeOf(file, cause) : undefined;
  if (!place) {
    const said = cause instanceof Error ? cause.message : String(cause);
    return new FanmailError('TEMPLATE_RENDER', `${file} can't be rendered for this row: ${said}`, { cause });
  }
  if (cause instanceof UnfitValue) {
    const hint = 'Mend the value in the list, or leave the row out.';
    return errorIn(place, source, places, cause.problem, { hint, cause });
  }
  const named = references.find((one) => one.line === place.line && one.column === place.column);
  const problem = `the row has no value for {{${named?.path ?? '…'}}}`;
  const hint = 'A value that may be missing is written {{#if name}}{{name}}{{/if}}; an empty value is no fault.';
  return errorIn(placeIn(places, named?.variable) ?? place, source, places, problem, { hint, cause });
}

/** Where the parts are not as they were written, there is no line to show, and no place but that of a variable. */
function errorIn(
  place: Place,
  source: string,
  places: Places,
  problem: string,
  options: { hint?: string; cause: unknown },
): FanmailError {
  if (!places) return errorAt('TEMPLATE_RENDER', place, source, problem, options);
  const known = Object.values(places).includes(place);
  const where = known ? `${place.file}, line ${place.line}, column ${place.column}` : place.file;
  return new FanmailError('TEMPLATE_RENDER', `${where}: ${problem}`, options);
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
export function described(variables: Variables): Variables {
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
