import { FanmailError } from '../../domain/errors.js';
import { TemplateFaults } from '../../message/source/assemble.js';

/**
 * What `fanmail check` tells beside the codes of errors. A refusal keeps launch from sending to anybody; a warning is
 * worth a look; a note says what launch will do anyway.
 */
export const FINDINGS = {
  ENCODING_GUESSED: 'warning',
  ROWS_REJECTED: 'warning',
  DUPLICATES: 'note',
  SUPPRESSED: 'note',
  ROLE_ADDRESS: 'warning',
  DOMAIN_TYPO: 'warning',
  VARIABLE_EMPTY: 'warning',
  SUBJECT_EMPTY: 'warning',
  SUBJECT_LONG: 'warning',
  SUBJECT_TOO_LONG: 'refusal',
  MESSAGE_LARGE: 'warning',
  NO_PLAIN_TEXT: 'warning',
  IMAGE_WITHOUT_ALT: 'warning',
  LINK_RELATIVE: 'warning',
  LINK_INSECURE: 'warning',
  NO_UNSUBSCRIBE: 'warning',
  RELAY_MISSING: 'note',
  DKIM_KEY_SHORT: 'warning',
  SENDER_DOMAIN_UNKNOWN: 'warning',
  SENDER_TAKES_NO_MAIL: 'warning',
  SPF_MISSING: 'warning',
  SPF_INVALID: 'warning',
  SPF_PASSES_ALL: 'warning',
  DMARC_MISSING: 'warning',
  DMARC_INVALID: 'warning',
  DMARC_POLICY_NONE: 'note',
  DKIM_RECORD_MISSING: 'warning',
  DKIM_RECORD_WRONG: 'warning',
  DKIM_OTHER_DOMAIN: 'warning',
  DNS_NO_ANSWER: 'note',
} as const;
export type FindingCode = keyof typeof FINDINGS;
export type Severity = 'refusal' | 'warning' | 'note';

/** A row that a finding is about. */
export interface Sample {
  readonly line: number;
  readonly text: string;
}

export interface Finding {
  readonly severity: Severity;
  readonly code: string;
  /** What is wrong; the lines after the first are an excerpt of a template. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string | null;
  /** Rows that it is about; null where it isn't about rows. */
  readonly rows: number | null;
  /** The first of these rows. */
  readonly samples: readonly Sample[];
}

/** The way out is the error's own; where it has none, the message says enough. */
export function refusalOf(error: FanmailError): Finding {
  const { code, message, hint = null } = error;
  return { severity: 'refusal', code, message, hint, rows: null, samples: [] };
}

export function finding(
  code: FindingCode,
  message: string,
  hint: string,
  about: Pick<Finding, 'rows' | 'samples'> = { rows: null, samples: [] },
): Finding {
  return { severity: FINDINGS[code], code, message, hint, ...about };
}

/** Runs a step of the check; what it refuses becomes a finding, and null is returned. */
export async function attempt<T>(findings: Finding[], step: () => T | Promise<T>): Promise<T | null> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof FanmailError)) throw error;
    findings.push(...(error instanceof TemplateFaults ? error.all : [error]).map(refusalOf));
    return null;
  }
}
