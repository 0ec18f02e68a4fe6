/** Exit codes of the command line, documented in the README. */
export const EXIT = { ok: 0, failure: 1, refused: 2, incomplete: 3, cancelled: 4, interrupted: 130 } as const;

/**
 * The catalogue of what fanmail refuses or reports: a stable code and the exit code. A test holds it against the docs.
 */
export const ERRORS = {
  USAGE: EXIT.refused,
  LIST_UNREADABLE: EXIT.refused,
  LIST_NO_ADDRESS_COLUMN: EXIT.refused,
  LIST_SYNTAX: EXIT.refused,
  LIST_NOTHING_SENDABLE: EXIT.refused,
  TEMPLATE_MISSING: EXIT.refused,
  TEMPLATE_SYNTAX: EXIT.refused,
  TEMPLATE_UNKNOWN_VARIABLE: EXIT.refused,
  TEMPLATE_ROW_LACKS_VARIABLE: EXIT.refused,
  TEMPLATE_RENDER: EXIT.refused,
  ATTACHMENT_INVALID: EXIT.refused,
  OPTION_INVALID: EXIT.refused,
  RELAY_MISSING: EXIT.refused,
  RELAY_URL: EXIT.refused,
  DKIM_KEY: EXIT.refused,
  SENDER_INVALID: EXIT.refused,
  SCENARIO_INVALID: EXIT.refused,
  SUPPRESSION_KEY: EXIT.refused,
  CAMPAIGN_EXISTS: EXIT.refused,
  CAMPAIGN_UNKNOWN: EXIT.refused,
  CAMPAIGN_NOT_OPEN: EXIT.refused,
  CONDITION_INVALID: EXIT.refused,
  RETRY_DATA_GONE: EXIT.refused,
  CAMPAIGN_TAKEN_OVER: EXIT.failure,
  LEDGER_FORMAT: EXIT.failure,
  LEDGER_UNBALANCED: EXIT.failure,
  REDIS_UNREACHABLE: EXIT.failure,
  REDIS_UNSUITABLE: EXIT.failure,
  REDIS_NO_SERVER: EXIT.failure,
} as const;
export type ErrorCode = keyof typeof ERRORS;

/** Something that fanmail foresaw: what, where, and the way out. Anything else that is thrown is a defect. */
export class FanmailError extends Error {
  readonly code: ErrorCode;
  /** What to type or change instead. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'FanmailError';
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    return ERRORS[this.code];
  }
}
