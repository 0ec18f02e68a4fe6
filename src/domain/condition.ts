import { codeOf } from './outcome.js';
import { domainOf } from './pace.js';
import { LATE_SENT, REASONS } from './record.js';
import { REPLY_CLASSES, type ReplyClass } from './reply-class.js';
import { STATE_NAMES, type State } from './state.js';

/** What `--where` says: which recipients are meant, by what became of them. Made by `parseCondition`. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | Comparison;

export interface Comparison {
  readonly kind: 'comparison';
  readonly field: Field;
  readonly operator: Operator;
  /** As the field's rule read it. */
  readonly value: string;
}

export const OPERATORS = ['=', '!=', '~', '<', '<=', '>', '>='] as const;
export type Operator = (typeof OPERATORS)[number];

/** What a condition may ask about, and how. */
interface FieldRule {
  readonly operators: readonly Operator[];
  /** All values that there are; null where they are too many. */
  readonly values: readonly string[] | null;
  /** What a value is, for a message. */
  readonly allowed: string;
  /** The value in one form, however it was written; undefined where it is none. */
  read(value: string): string | undefined;
}

const EQUAL = ['=', '!='] as const;
const TEXT = ['=', '!=', '~'] as const;
const NUMBER = ['=', '!=', '<', '<=', '>', '>='] as const;

export const FIELDS = {
  state: oneOf(STATE_NAMES),
  code: {
    operators: EQUAL,
    values: null,
    allowed: 'a code such as 450, 4xx, 4.7.28, or "450 4.7.28" for both',
    read: (value) => {
      const code = value.toLowerCase().trim().replace(/ +/g, ' ');
      return /^(?:[2-5]xx|[2-5]\d\d|(?:[2-5]\d\d )?[245](?:\.\d{1,3}){2})$/.test(code) ? code : undefined;
    },
  },
  reason: oneOf([...REASONS, LATE_SENT]),
  class: oneOf(REPLY_CLASSES),
  domain: {
    operators: TEXT,
    values: null,
    allowed: 'a domain in ASCII, such as gmail.com or xn--bcher-kva.example',
    read: (value) => (/^[a-z0-9._-]+$/i.test(value) ? value.toLowerCase() : undefined),
  },
  email: text('an address, or with ~ a part of one'),
  attempts: {
    operators: NUMBER,
    values: null,
    allowed: 'a whole number from 0 to 127',
    read: (value) => (/^\d{1,3}$/.test(value) && Number(value) <= 127 ? String(Number(value)) : undefined),
  },
  reply: { ...text("a part of the relay's words, in quotes where it has spaces"), operators: ['~'] },
} as const satisfies Readonly<Record<string, FieldRule>>;
export type Field = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as readonly Field[];

export function ruleOf(field: Field): FieldRule {
  return FIELDS[field];
}

function oneOf(values: readonly string[]): FieldRule {
  const read = (value: string) => values.find((one) => one === value.toLowerCase());
  return { operators: EQUAL, values, allowed: `one of ${values.join(', ')}`, read };
}

function text(allowed: string): FieldRule {
  return { operators: TEXT, values: null, allowed, read: (value) => value.toLowerCase() };
}

/** A recipient as a condition sees it: what the results say of it. */
export interface Subject {
  readonly state: State;
  /** 0 without a reply. */
  readonly code: number;
  readonly enhanced: readonly [subject: number, detail: number] | null;
  readonly reason: string;
  /** Null where it was lost. */
  readonly address: string | null;
  readonly attempts: number;
  /** The relay's words of a refusal; empty without. */
  readonly reply: string;
  /** What the last refusal was about; null where there was none. */
  readonly replyClass: ReplyClass | null;
}

/** Whether the condition holds for a recipient. `!=` holds, too, where there is nothing to compare with. */
export function fits(condition: Condition, subject: Subject): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.of.every((part) => fits(part, subject));
    case 'or':
      return condition.of.some((part) => fits(part, subject));
    case 'not':
      return !fits(condition.of, subject);
    case 'comparison':
      return condition.operator === '!='
        ? !compares({ ...condition, operator: '=' }, subject)
        : compares(condition, subject);
    default:
      return condition satisfies never;
  }
}

function compares({ field, operator, value }: Comparison, subject: Subject): boolean {
  if (field === 'attempts') return compareNumbers(subject.attempts, operator, Number(value));
  if (field === 'code') return codesOf(subject).includes(value);
  const own = textOf(field, subject);
  if (own === null) return false;
  return operator === '~' ? own.includes(value) : own === value;
}

function textOf(field: Exclude<Field, 'attempts' | 'code'>, subject: Subject): string | null {
  switch (field) {
    case 'state':
    case 'reason':
      return subject[field];
    case 'class':
      return subject.replyClass;
    case 'domain':
      return subject.address === null ? null : domainOf(subject.address).toLowerCase();
    case 'email':
      return subject.address?.toLowerCase() ?? null;
    case 'reply':
      return subject.reply.toLowerCase();
    default:
      return field satisfies never;
  }
}

/** Every way in which a code may be asked for. */
function codesOf({ code, enhanced }: Subject): readonly string[] {
  if (code === 0) return [];
  const whole = codeOf({ code, text: '', ...(enhanced && { enhanced }) });
  const [basic = '', ...status] = whole.split(' ');
  return [basic, `${basic[0]}xx`, ...status, whole];
}

function compareNumbers(own: number, operator: Operator, value: number): boolean {
  switch (operator) {
    case '<':
      return own < value;
    case '<=':
      return own <= value;
    case '>':
      return own > value;
    case '>=':
      return own >= value;
    default:
      return own === value;
  }
}
