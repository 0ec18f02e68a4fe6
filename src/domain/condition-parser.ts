import { type Comparison, type Condition, FIELD_NAMES, type Field, OPERATORS, ruleOf } from './condition.js';
import { FanmailError } from './errors.js';

/** Characters of a condition. */
export const MAX_LENGTH = 1_000;
/** Parentheses and `not` within one another. */
const MAX_DEPTH = 20;
/** Characters of the text that a message shows on either side of the place. */
const SHOWN = 30;

const BLANK = /\s*/y;
const WORD = /[^\s()"'=!~<>]+/y;
const OPERATOR = /[=!~<>]+/y;

/** A condition that can't be read: the message shows the place, the hint says what is allowed there. */
export class ConditionError extends FanmailError {
  /** The index of the character that it is about, from 0; the text's length for its end. */
  readonly at: number;
  /** What stands there. */
  readonly found: string;
  /** Words that may stand there, from which it may have been mistyped. */
  readonly candidates: readonly string[];

  constructor(text: string, place: Place, what: string, allowed: string, candidates: readonly string[] = []) {
    super('CONDITION_INVALID', `the condition can't be read: ${what.replace(/\s/g, ' ')}\n${pointed(text, place)}`, {
      hint: allowed,
    });
    this.at = place.at;
    this.found = text.slice(place.at, place.at + place.length);
    this.candidates = candidates;
  }
}

interface Place {
  readonly at: number;
  readonly length: number;
}

/**
 * Reads a condition such as `code=4.7.28 and (domain=gmail.com or not reply~"try later")`: comparisons of a field, an
 * operator and a value, joined by `and`, `or` (which binds less) and `not`. Throws ConditionError, and nothing else.
 */
export function parseCondition(text: string): Condition {
  if (text.length > MAX_LENGTH) {
    const place = { at: MAX_LENGTH, length: 1 };
    throw new ConditionError(text, place, `it has ${text.length} characters`, `at most ${MAX_LENGTH} are allowed`);
  }
  return new Parser(text).parse();
}

/** The text around a place, and a mark below it. */
function pointed(text: string, { at, length }: Place): string {
  const from = Math.max(0, at - SHOWN);
  const to = Math.min(text.length, at + SHOWN);
  const before = from > 0 ? '…' : '';
  const line = `${before}${text.slice(from, to)}${to < text.length ? '…' : ''}`.replace(/\s/g, ' ');
  const mark = '^'.repeat(Math.max(1, Math.min(length, to - at)));
  return `  ${line}\n  ${' '.repeat(before.length + at - from)}${mark}`;
}

/** Recursive descent: a method for each rule, the loosest first. */
class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Condition {
    const condition = this.#either();
    this.#take(BLANK);
    if (this.#at < this.#text.length)
      throw this.#fault(this.#here(), `${this.#shown()} can't follow there`, 'and, or, or the end', ['and', 'or']);
    return condition;
  }

  #either(): Condition {
    return this.#joined('or', () => this.#both());
  }

  #both(): Condition {
    return this.#joined('and', () => this.#one());
  }

  #joined(kind: 'and' | 'or', part: () => Condition): Condition {
    const first = part();
    const parts = [first];
    while (this.#takeKeyword(kind)) parts.push(part());
    return parts.length === 1 ? first : { kind, of: parts };
  }

  #one(): Condition {
    this.#take(BLANK);
    const place = this.#here();
    if (++this.#depth > MAX_DEPTH)
      throw this.#fault(place, 'it is nested too deep', `at most ${MAX_DEPTH} parentheses and nots within one another`);
    const condition = this.#inner(place);
    this.#depth--;
    return condition;
  }

  #inner(place: Place): Condition {
    if (this.#takeKeyword('not')) return { kind: 'not', of: this.#one() };
    if (!this.#takeCharacter('(')) return this.#comparison();
    const condition = this.#either();
    if (this.#takeCharacter(')')) return condition;
    this.#take(BLANK);
    if (this.#at < this.#text.length)
      throw this.#fault(this.#here(), `${this.#shown()} can't follow there`, 'and, or, or )', ['and', 'or']);
    throw this.#fault({ at: place.at, length: 1 }, 'this parenthesis is never closed', 'a ) at its end');
  }

  #comparison(): Comparison {
    const field = this.#field();
    const rule = ruleOf(field);
    this.#take(BLANK);
    const place = this.#here();
    const operators = `${field} is compared by ${rule.operators.join(' ')}`;
    const sign = this.#take(OPERATOR);
    const operator = OPERATORS.find((one) => one === sign);
    if (operator === undefined) throw this.#fault(place, `an operator has to follow ${field}`, operators);
    if (!rule.operators.includes(operator))
      throw this.#fault(place, `${field} can't be compared by ${sign}`, operators);
    return { kind: 'comparison', field, operator, value: this.#value(field) };
  }

  #field(): Field {
    const place = this.#here();
    const allowed = `a field: ${FIELD_NAMES.join(', ')}`;
    const word = this.#take(WORD).toLowerCase();
    const field = FIELD_NAMES.find((name) => name === word);
    if (field !== undefined) return field;
    const what = word === '' ? 'a field has to stand there' : `"${word}" is no field`;
    throw this.#fault(place, what, allowed, FIELD_NAMES);
  }

  #value(field: Field): string {
    this.#take(BLANK);
    const rule = ruleOf(field);
    const start = this.#here();
    const allowed = `${field} takes ${rule.allowed}`;
    const written = this.#quoted() ?? this.#take(WORD);
    if (written === '') throw this.#fault(start, 'a value has to stand there', allowed);
    const value = rule.read(written);
    if (value !== undefined) return value;
    const place = { at: start.at, length: this.#at - start.at };
    throw this.#fault(place, `"${written}" can't be what ${field} is compared with`, allowed, rule.values ?? []);
  }

  /** What stands between two quotes, single or double; a backslash takes the next character as it is. */
  #quoted(): string | null {
    const start = this.#at;
    const quote = this.#text[start];
    if (quote !== '"' && quote !== "'") return null;
    let value = '';
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at];
      if (character === quote) {
        this.#at++;
        return value;
      }
      if (character === '\\') this.#at++;
      value += this.#text[this.#at] ?? '';
    }
    throw this.#fault({ at: start, length: 1 }, 'this quote is never closed', `a ${quote} at its end`);
  }

  /** Takes what fits at this place, and moves behind it. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ''] = pattern.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }

  #takeCharacter(character: string): boolean {
    this.#take(BLANK);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #takeKeyword(keyword: string): boolean {
    this.#take(BLANK);
    const before = this.#at;
    if (this.#take(WORD).toLowerCase() === keyword) return true;
    this.#at = before;
    return false;
  }

  /** The word at this place, or its one character. */
  #here(): Place {
    const at = this.#at;
    const length = this.#take(WORD).length;
    this.#at = at;
    return { at, length: Math.max(1, length) };
  }

  #shown(): string {
    const { at, length } = this.#here();
    return `"${this.#text.slice(at, at + length)}"`;
  }

  #fault(place: Place, what: string, allowed: string, candidates: readonly string[] = []): ConditionError {
    return new ConditionError(this.#text, place, what, `allowed: ${allowed}`, candidates);
  }
}
