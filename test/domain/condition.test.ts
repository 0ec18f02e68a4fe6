import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { condition } from '../../src/config/condition.js';
import { resolveSettings } from '../../src/config/settings.js';
import {
  type Comparison,
  type Condition,
  FIELD_NAMES,
  type Field,
  fits,
  ruleOf,
  type Subject,
} from '../../src/domain/condition.js';
import { ConditionError, MAX_LENGTH, parseCondition } from '../../src/domain/condition-parser.js';
import { FanmailError } from '../../src/domain/errors.js';

const REFUSED: Subject = {
  state: 'failed',
  code: 450,
  enhanced: [7, 28],
  reason: 'attempts-used',
  address: 'Ada@gmail.com',
  attempts: 3,
  reply: 'Our system has detected an unusual rate',
  replyClass: 'throttle',
};

const holds = (text: string, subject: Partial<Subject> = {}) => fits(parseCondition(text), { ...REFUSED, ...subject });

function refusal(text: string): ConditionError {
  try {
    parseCondition(text);
  } catch (error) {
    if (error instanceof ConditionError) return error;
    throw error;
  }
  throw new Error(`"${text}" was not refused`);
}

describe('a condition', () => {
  it.each([
    'state=failed',
    'state != sent',
    'code=4.7.28',
    'code=450',
    'code=4xx',
    'code="450  4.7.28"',
    'code=4XX AND domain=GMAIL.com',
    'class=throttle',
    'reason=attempts-used',
    'email=ada@gmail.com',
    'email~ADA',
    'domain~mail',
    'attempts>2 and attempts<=3 and attempts!=4 and attempts>=3 and attempts<4 and attempts=3',
    "reply~'UNUSUAL rate'",
    'reply~unusual',
    'not state=sent',
    'not (state=sent or code=5xx)',
    'state=sent or state=failed and code=450',
    '(state=sent or state=failed) and not code=5xx',
    'not not state=failed',
  ])('holds: %s', (text) => {
    expect(holds(text)).toBe(true);
  });

  it.each([
    'state=sent',
    'code=4.7.2',
    'code=550',
    'code=5xx',
    'code="550 4.7.28"',
    'class=dead',
    'domain=mail.com',
    'email=ada',
    'attempts<3',
    'reply~missing',
    'state=failed and state=sent',
    'not state=failed',
    // "and" binds more than "or", and "not" most.
    'state=sent or state=failed and code=550',
    'not state=sent and state=sent',
  ])('does not hold: %s', (text) => {
    expect(holds(text)).toBe(false);
  });

  it('finds no code, class or domain where there is none, and so calls them other than any', () => {
    const bare = { code: 0, enhanced: null, address: null, reply: '', replyClass: null };
    for (const text of ['code=4xx', 'class=transient', 'domain=gmail.com', 'email~a', 'reply~a'])
      expect(holds(text, bare), text).toBe(false);
    for (const text of ['code!=4xx', 'class!=transient', 'domain!=gmail.com', 'email!=a@b.c'])
      expect(holds(text, bare), text).toBe(true);
    expect(holds('code=4.7.28', { enhanced: null })).toBe(false);
    expect(holds('code=4xx and class=throttle', { enhanced: null })).toBe(true);
  });

  it('takes what the relay said for text, and never for a pattern', () => {
    expect(holds('reply~".*"')).toBe(false);
    expect(holds('reply~"(a+)+$"', { reply: 'said (a+)+$ and no more' })).toBe(true);
  });
});

describe('a condition that can not be read', () => {
  it.each([
    ['', 0, 'a field has to stand there', 'state, code, reason'],
    ['stat=failed', 0, '"stat" is no field', 'state, code, reason'],
    ['constructor=1', 0, '"constructor" is no field', 'state'],
    ['state', 5, 'an operator has to follow state', '= !='],
    ['state failed', 6, 'an operator has to follow state', '= !='],
    ['state~failed', 5, "state can't be compared by ~", '= !='],
    ['state==failed', 5, 'an operator has to follow state', '= !='],
    ['attempts~3', 8, "attempts can't be compared by ~", '< <= > >='],
    ['state=', 6, 'a value has to stand there', 'pending, inflight'],
    ['state=faild', 6, '"faild" can\'t be', 'pending, inflight'],
    ['code=45', 5, '"45" can\'t be', '4.7.28'],
    ['class=bad', 6, '"bad" can\'t be', 'throttle, transient'],
    ['reason=bored', 7, '"bored" can\'t be', 'attempts-used'],
    ['domain=bücher.example', 7, "can't be", 'ASCII'],
    ['attempts>128', 9, '"128" can\'t be', '0 to 127'],
    ['reply~""', 6, 'a value has to stand there', 'quotes'],
    ['reply~"no end', 6, 'this quote is never closed', '"'],
    ['state=sent and', 14, 'a field has to stand there', 'state'],
    ['and state=sent', 0, '"and" is no field', 'state'],
    ['state=sent code=5xx', 11, '"code" can\'t follow', 'and, or'],
    ['(state=sent', 0, 'this parenthesis is never closed', ')'],
    ['state=sent)', 10, '")" can\'t follow', 'and, or'],
    ['(state=sent,code=5xx)', 7, '"sent,code" can\'t be', 'sent'],
    [`${'('.repeat(25)}state=sent`, 20, 'nested too deep', '20'],
    [`${'not '.repeat(500)}`, 1000, '2000 characters', String(MAX_LENGTH)],
  ])('%j is refused at character %i', (text, at, what, allowed) => {
    const error = refusal(text);
    expect(error.code).toBe('CONDITION_INVALID');
    expect(error.at).toBe(at);
    expect(error.message).toContain(what);
    expect(error.hint).toContain(allowed);
  });

  it('is shown with a mark below the place', () => {
    const [, text, mark] = refusal('code=4.7.28 and domian=gmail.com').message.split('\n');
    expect(text).toBe('  code=4.7.28 and domian=gmail.com');
    expect(mark).toBe('                  ^^^^^^');
    const long = refusal(`${'state=sent or '.repeat(30)}stat=x or ${'state=sent or '.repeat(10)}state=sent`);
    const [, line = '', below = ''] = long.message.split('\n');
    expect(line.length).toBeLessThan(80);
    expect(line.slice(below.indexOf('^'), below.lastIndexOf('^') + 1)).toBe('stat');
  });

  it('is said with the other options, with what was probably meant', () => {
    const hintOf = (where: string) => {
      try {
        resolveSettings('retry', { campaign: 'c', where }, { env: {}, cwd: '/' });
      } catch (error) {
        return error instanceof FanmailError ? [error.code, error.hint] : error;
      }
      return 'taken';
    };
    expect(hintOf('state=failed')).toBe('taken');
    expect(hintOf('domian=gmail.com')).toEqual(['CONDITION_INVALID', expect.stringContaining('did you mean domain?')]);
    expect(hintOf("state='faild'")).toEqual(['CONDITION_INVALID', expect.stringContaining('did you mean failed?')]);
    expect(hintOf('state=failed an code=4xx')).toEqual([
      'CONDITION_INVALID',
      expect.stringContaining('did you mean and?'),
    ]);
    expect(condition().parse('state=').refused).toBeInstanceOf(FanmailError);
  });
});

/** A condition as somebody would type it, with as many quotes and parentheses as may be needed. */
function print(one: Condition): string {
  switch (one.kind) {
    case 'and':
    case 'or':
      return one.of.map((part) => `(${print(part)})`).join(` ${one.kind} `);
    case 'not':
      return `not (${print(one.of)})`;
    case 'comparison':
      return `${one.field} ${one.operator} "${one.value.replaceAll(/["\\]/g, '\\$&')}"`;
    default:
      return one satisfies never;
  }
}

const VALUES: Record<Field, fc.Arbitrary<string>> = {
  state: fc.constantFrom(...(ruleOf('state').values ?? [])),
  reason: fc.constantFrom(...(ruleOf('reason').values ?? [])),
  class: fc.constantFrom(...(ruleOf('class').values ?? [])),
  code: fc.constantFrom('4xx', '550', '5.1.1', '450 4.2.1'),
  domain: fc.constantFrom('gmail.com', 'a.b-c.example'),
  email: fc.string({ minLength: 1, maxLength: 12 }).map((text) => text.toLowerCase()),
  attempts: fc.nat({ max: 127 }).map(String),
  reply: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).map((text) => text.toLowerCase()),
};

const comparison: fc.Arbitrary<Comparison> = fc.constantFrom(...FIELD_NAMES).chain((field) =>
  fc.record({
    kind: fc.constant('comparison' as const),
    field: fc.constant(field),
    operator: fc.constantFrom(...ruleOf(field).operators),
    value: VALUES[field],
  }),
);

const { any } = fc.letrec<{ any: Condition }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    comparison,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('any'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), of: tie('any') }),
  ),
}));

describe('the parser', () => {
  it('reads what was printed of any condition as that condition', () => {
    fc.assert(
      fc.property(any, (one) => {
        const text = print(one);
        fc.pre(text.length <= MAX_LENGTH);
        expect(parseCondition(text)).toEqual(one);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes any text, or refuses it at a place in it', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...FIELD_NAMES,
        'and',
        'or',
        'not',
        '(',
        ')',
        '=',
        '!=',
        '~',
        '<',
        '"',
        "'",
        '\\',
        ' ',
        '5xx',
        'sent',
      ),
      fc.string({ maxLength: 5, unit: 'binary' }),
    );
    let taken = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        try {
          fits(parseCondition(text), REFUSED);
          taken++;
        } catch (error) {
          if (!(error instanceof ConditionError)) throw error;
          expect(error.at).toBeGreaterThanOrEqual(0);
          expect(error.at).toBeLessThanOrEqual(text.length);
          expect(error.hint).toMatch(/allowed/);
          expect(error.message.split('\n')).toHaveLength(3);
        }
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeLessThan(5_000);
  });
});
