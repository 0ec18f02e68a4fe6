import { z } from 'zod';
import { FanmailError } from '../domain/errors.js';

/** Where in the dialogue a rule acts: instead of the answer to RCPT, to DATA, or to the final dot. */
export const STAGES = ['recipient', 'data', 'message'] as const;
export type Stage = (typeof STAGES)[number];

const LONGEST_DELAY_MS = 60_000;
const MOST_TIMES = 100;
/** Characters of a wrong value that an error repeats. */
const SHOWN = 60;
/** One reply of one line (RFC 5321 4.2): a code for now or for good, and words. */
const REPLY = /^[45]\d\d [\x20-\x7e]{1,400}$/;
const DOMAIN = /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

function refusing(allowed: string) {
  return { error: () => allowed };
}

/** `"a", "b" or "c"`. */
function oneOf(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`);
  return `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}

function whole(least: number, most: number) {
  const allowed = `a whole number from ${least} to ${most}`;
  return z.int(refusing(allowed)).min(least, refusing(allowed)).max(most, refusing(allowed));
}

const percent = (() => {
  const allowed = 'a number above 0, at most 100';
  return z.number(refusing(allowed)).gt(0, refusing(allowed)).max(100, refusing(allowed));
})();

function reply(firstDigits: RegExp, allowed: string, usual: string) {
  const form = `${allowed} and words, in one line of ASCII, such as "${usual}"`;
  return z.string(refusing(form)).regex(REPLY, refusing(form)).regex(firstDigits, refusing(form)).default(usual);
}

const stage = (usual: Stage) => z.enum(STAGES, refusing(oneOf(STAGES))).default(usual);
const times = (usual: number) => whole(1, MOST_TIMES).default(usual);

/** Whom a rule is about; everybody where neither is given, and with both those that fit both. */
const WHOM = {
  /** How many of the recipients, by a hash of seed, rule and address. */
  percent: percent.optional(),
  /** Domains in lower-case ASCII; `*.example.com`: everything below it. */
  domains: z
    .array(
      z
        .string(refusing('a domain such as "gmail.com" or "*.example.com"'))
        .regex(DOMAIN, refusing('a domain in lower-case ASCII, such as "gmail.com" or "*.example.com"')),
      refusing('a list of domains such as ["gmail.com", "*.example.com"]'),
    )
    .min(1, refusing('a list of at least one domain'))
    .optional(),
};

const RULES = {
  /** The relay asks for a slower pace and ends the session. */
  throttle: z.strictObject({
    fault: z.literal('throttle'),
    ...WHOM,
    times: times(1),
    at: stage('recipient'),
    reply: reply(/^421/, 'the code 421', '421 4.7.28 unusual rate of mail from your address, try again later'),
  }),
  /** Refused for now at the first tries. */
  greylist: z.strictObject({
    fault: z.literal('greylist'),
    ...WHOM,
    times: times(1),
    at: stage('recipient'),
    reply: reply(/^4/, 'a code from 400 to 499', '450 4.7.1 greylisted, please try again later'),
  }),
  /** Refused every time; with a code of 4xx until the tries are used up. */
  refuse: z.strictObject({
    fault: z.literal('refuse'),
    ...WHOM,
    at: stage('recipient'),
    reply: reply(/^[45]/, 'a code from 400 to 599', '550 5.1.1 no such user here'),
  }),
  /** The connection breaks instead of an answer. */
  drop: z.strictObject({
    fault: z.literal('drop'),
    ...WHOM,
    times: times(1),
    at: stage('message'),
    /** Of those that break after the final dot: how many the relay has taken all the same. */
    keptPercent: z
      .number(refusing('a number from 0 to 100'))
      .min(0, refusing('a number from 0 to 100'))
      .max(100, refusing('a number from 0 to 100'))
      .default(50),
  }),
  /** The answer to the message takes its time; whatever else happens, happens after it. */
  slow: z.strictObject({ fault: z.literal('slow'), ...WHOM, delayMs: whole(1, LONGEST_DELAY_MS) }),
};
export const FAULTS = Object.keys(RULES) as readonly Fault[];
export type Fault = keyof typeof RULES;

const KILLS = {
  /** A worker process is killed whenever the relay has taken so many more messages. */
  everyMessages: whole(1, 1_000_000_000).optional(),
  /** A worker process is killed every so many seconds. */
  everySeconds: whole(1, 3_600).optional(),
  most: whole(1, 100).default(3),
};

const SCENARIO = z.strictObject(
  {
    /** A sentence for people. */
    about: z.string(refusing('a sentence for people')).optional(),
    rules: z
      .array(
        z.discriminatedUnion('fault', [RULES.throttle, RULES.greylist, RULES.refuse, RULES.drop, RULES.slow], {
          error: () => `an object whose "fault" is ${oneOf(FAULTS)}`,
        }),
        refusing('a list of rules'),
      )
      .max(50, refusing('at most 50 rules'))
      .default([]),
    kills: z
      .strictObject(KILLS, refusing('an object with "everyMessages" or "everySeconds"'))
      .refine((kills) => (kills.everyMessages === undefined) !== (kills.everySeconds === undefined), {
        error: () => 'either "everyMessages" or "everySeconds"',
      })
      .optional(),
  },
  refusing('an object with "about", "rules", "kills"'),
);

/** What a relay and the workers do on some day. */
export type Scenario = z.output<typeof SCENARIO>;
export type Rule = Scenario['rules'][number];

/**
 * Reads a scenario from the text of its file; `source` names it in errors.
 * @throws FanmailError SCENARIO_INVALID with the first place that is wrong, what stands there and what is allowed.
 */
export function parseScenario(text: string, source: string): Scenario {
  const raw = parseJson(text, source);
  const result = SCENARIO.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw issue ? refusal(issue, raw, source) : result.error;
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    // They quote the place, line ends and all.
    const words = String(cause instanceof Error ? cause.message : cause).replace(/\s+/g, ' ');
    throw new FanmailError('SCENARIO_INVALID', `${source} is not JSON: ${words}`, {
      cause,
      hint: 'a scenario is an object such as {"rules": [{"fault": "greylist", "percent": 10}]}, without comments',
    });
  }
}

function refusal(issue: z.core.$ZodIssue, raw: unknown, source: string): FanmailError {
  const place = issue.path.length === 0 ? source : `${placeOf(issue.path)} in ${source}`;
  const value = valueAt(raw, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return new FanmailError('SCENARIO_INVALID', `${place} can't have "${issue.keys.join('", "')}"`, {
      hint: `Allowed there: ${keysAt(issue.path, value).join(', ')}.`,
    });
  }
  const what = value === undefined ? 'is missing' : `can't be ${shown(value)}`;
  return new FanmailError('SCENARIO_INVALID', `${place} ${what}`, { hint: `Allowed there: ${issue.message}.` });
}

/** `rules[2].percent`; rules count from 0. */
function placeOf(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`));
  return steps.join('').replace(/^\./, '');
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, step) => new Map(entriesOf(value)).get(String(step)), raw);
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function keysAt([first]: readonly PropertyKey[], value: unknown): readonly string[] {
  if (first === undefined) return Object.keys(SCENARIO.shape);
  if (first === 'kills') return Object.keys(KILLS);
  const fault = FAULTS.find((name) => name === new Map(entriesOf(value)).get('fault'));
  return fault ? Object.keys(RULES[fault].shape) : [];
}
