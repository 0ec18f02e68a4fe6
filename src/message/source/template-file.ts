import { z } from 'zod';
import { FanmailError } from '../../domain/errors.js';
import { parseSender } from '../sender.js';

/** What a template says of itself: `template.json` in its folder. */
export interface TemplateFile {
  readonly subject?: string | undefined;
  /** What mail programs show beside the subject. */
  readonly preheader?: string | undefined;
  /** A mailbox, where the launch names none. */
  readonly from?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly locale?: string | undefined;
  readonly zone?: string | undefined;
  /** `{{campaign.name}}`: the same for every recipient. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

const refusing = (allowed: string) => ({ error: () => allowed });
const LINE = 'a text of one line, of 1 to 998 characters';
const line = z.string(refusing(LINE)).regex(/^\P{Cc}{1,998}$/u, refusing(LINE));
const MAILBOX = 'a sender such as "News <news@example.com>"';
const mailbox = z.string(refusing(MAILBOX)).refine(isSender, refusing(MAILBOX));
const LOCALE = 'a language tag such as "de" or "pt-BR"';
const ZONE = 'a time zone such as "Europe/Paris"';
const VARIABLES = 'an object whose names have letters, digits and _, such as {"season": "spring"}';
const VALUE = 'a text of up to 10,000 characters, without {{, }} and backslashes';

const FILE = z.strictObject(
  {
    subject: line.optional(),
    preheader: line.optional(),
    from: mailbox.optional(),
    replyTo: mailbox.optional(),
    locale: z.string(refusing(LOCALE)).refine(isLocale, refusing(LOCALE)).optional(),
    zone: z.string(refusing(ZONE)).refine(isZone, refusing(ZONE)).optional(),
    variables: z
      .record(
        z.string().regex(/^[A-Za-z_]\w{0,63}$/, refusing(VARIABLES)),
        z
          .string(refusing(VALUE))
          .max(10_000, refusing(VALUE))
          .refine((text) => !/\{\{|\}\}|\\/.test(text), refusing(VALUE)),
        refusing(VARIABLES),
      )
      .optional(),
  },
  refusing('an object with subject, preheader, from, replyTo, locale, zone, variables'),
);

/** Throws TEMPLATE_SYNTAX, naming the file, the place in it and what is allowed there. */
export function parseTemplateFile(path: string, text: string): TemplateFile {
  const result = FILE.safeParse(parseJson(path, text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue?.path.length ? issue.path.join('.') : 'the file';
  const unknown =
    issue?.code === 'unrecognized_keys' ? ` has ${issue.keys.join(', ')}, which is unknown` : ' is not allowed';
  const allowed = issue?.message ?? '';
  throw new FanmailError('TEMPLATE_SYNTAX', `${path}: ${at}${unknown}`, { hint: `Allowed is ${allowed}.` });
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new FanmailError('TEMPLATE_SYNTAX', `${path} is no JSON: ${said}`, { cause });
  }
}

function isSender(text: string): boolean {
  try {
    parseSender(text);
    return true;
  } catch {
    return false;
  }
}

function isLocale(tag: string): boolean {
  try {
    return Intl.NumberFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}

function isZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}
