import type { Condition } from '../domain/condition.js';
import { ConditionError, parseCondition } from '../domain/condition-parser.js';
import { FanmailError } from '../domain/errors.js';
import type { Schema } from './parse.js';
import { closest } from './suggest.js';

export interface Where {
  /** As it was typed. */
  readonly text: string;
  readonly condition: Condition;
}

/** A condition on recipients; one that can't be read is refused by an error of its own, which shows the place. */
export function condition(): Schema<Where> {
  return {
    parse: (text) => {
      const trimmed = text.trim();
      try {
        return { value: { text: trimmed, condition: parseCondition(trimmed) } };
      } catch (error) {
        if (!(error instanceof ConditionError)) throw error;
        return { refused: withSuggestion(error) };
      }
    },
  };
}

function withSuggestion(error: ConditionError): FanmailError {
  const meant = error.found === '' ? undefined : closest(error.found.replace(/^["']|["']$/g, ''), error.candidates);
  const hint = `${meant === undefined ? '' : `did you mean ${meant}? `}${error.hint}`;
  return new FanmailError(error.code, error.message, { hint, cause: error });
}
