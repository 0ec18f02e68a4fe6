import { z } from 'zod';
import type { Condition } from '../domain/condition.js';
import { ConditionError, parseCondition } from '../domain/condition-parser.js';
import { FanmailError } from '../domain/errors.js';
import { closest } from './suggest.js';

export interface Where {
  /** As it was typed. */
  readonly text: string;
  readonly condition: Condition;
}

/** A condition on recipients; one that can't be read is refused by an error of its own, which shows the place. */
export function condition() {
  return z.string().transform((text, context): Where => {
    const trimmed = text.trim();
    try {
      return { text: trimmed, condition: parseCondition(trimmed) };
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      const own = withSuggestion(error);
      context.addIssue({ code: 'custom', message: own.hint ?? '', params: { error: own } });
      return z.NEVER;
    }
  });
}

function withSuggestion(error: ConditionError): FanmailError {
  const meant = error.found === '' ? undefined : closest(error.found.replace(/^["']|["']$/g, ''), error.candidates);
  const hint = `${meant === undefined ? '' : `did you mean ${meant}? `}${error.hint}`;
  return new FanmailError(error.code, error.message, { hint, cause: error });
}
