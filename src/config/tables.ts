import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FanmailError } from '../domain/errors.js';
import { groupOf, type PaceOptions } from '../domain/pace.js';
import { REPLY_CLASSES, type ReplyRule } from '../domain/reply-class.js';

/** Lines of a table at most: it travels with the campaign. */
const MOST = 500;
const LARGEST = 1_000_000;

const refusing = (allowed: string) => ({ error: () => allowed });
const CODE = 'a code such as "421", or "4xx" or "5xx" for all that begin so';
const ENHANCED =
  'an enhanced code such as "4.7.28", "x.7.28" for both 4.7.28 and 5.7.28, or "4.7.x" for all that begin so';
const WORDS = 'a part of the words, of 1 to 200 characters, without control characters';
const CLASS = `one of ${REPLY_CLASSES.join(', ')}`;

const RULE = z
  .strictObject({
    code: z
      .string(refusing(CODE))
      .regex(/^[45](?:\d\d|xx)$/, refusing(CODE))
      .optional(),
    enhanced: z
      .string(refusing(ENHANCED))
      .regex(/^[45x]\.\d{1,3}\.(?:\d{1,3}|x)$/, refusing(ENHANCED))
      .optional(),
    words: z
      .string(refusing(WORDS))
      .regex(/^\P{Cc}{1,200}$/u, refusing(WORDS))
      .optional(),
    class: z.enum(REPLY_CLASSES, refusing(CLASS)),
  })
  .refine(
    ({ code, enhanced, words }) => code ?? enhanced ?? words,
    refusing('at least one of "code", "enhanced" and "words"'),
  );

const DOMAIN = 'a domain in lower-case ASCII, such as "example.com"';
const domain = z.string(refusing(DOMAIN)).regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/, refusing(DOMAIN));
const GROUP = 'a list of 1 to 500 domains';

/**
 * What replies mean to this operator: `[{ "code": "451", "words": "slow down", "class": "throttle" }]`; the first that fits
 * decides.
 * @throws FanmailError OPTION_INVALID, naming the file, the place in it and what is allowed there.
 */
export function readReplyRules(path: string): readonly ReplyRule[] {
  const rules = z.array(RULE, refusing('a list of rules')).max(MOST, refusing(`at most ${MOST} rules`));
  return parseFile(path, rules) as readonly ReplyRule[];
}

/**
 * Domains that count together: `[["example.com", "example.org"]]`; a group is called by its first domain, which may be one
 * of the table, to add to it.
 * @throws FanmailError OPTION_INVALID, naming the file, the place in it and what is allowed there.
 */
export function readProviders(path: string): PaceOptions['groups'] {
  const group = z.array(domain, refusing(GROUP)).min(1, refusing(GROUP)).max(MOST, refusing(GROUP));
  const table = parseFile(
    path,
    z.array(group, refusing('a list of groups')).max(MOST, refusing(`at most ${MOST} groups`)),
  );
  const groups: Record<string, string> = {};
  for (const [first = '', ...others] of table) {
    const name = groupOf(first);
    for (const each of [first, ...others]) {
      if (Object.hasOwn(groups, each)) throw invalid(path, `names ${each} twice`);
      groups[each] = name;
    }
  }
  return groups;
}

function parseFile<T>(path: string, schema: z.ZodType<T>): T {
  const result = schema.safeParse(readJson(path));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = (issue?.path ?? [])
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('');
  const what =
    issue?.code === 'unrecognized_keys'
      ? `has an unknown "${issue.keys[0]}" in ${place || 'it'}`
      : `is wrong at ${place || 'its top'}`;
  const allowed = issue?.code === 'unrecognized_keys' ? '"code", "enhanced", "words" and "class"' : issue?.message;
  throw invalid(path, what, `Allowed: ${allowed}.`);
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(path, `can't be read (${(cause as NodeJS.ErrnoException).code})`, undefined, cause);
  }
  if (text.length > LARGEST) throw invalid(path, `has more than ${LARGEST} characters`);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw invalid(path, 'is not JSON', undefined, cause);
  }
}

function invalid(path: string, why: string, hint?: string, cause?: unknown): FanmailError {
  return new FanmailError('OPTION_INVALID', `The file ${path} ${why}.`, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}
