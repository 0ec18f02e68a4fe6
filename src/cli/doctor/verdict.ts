import { FanmailError } from '../../domain/errors.js';

export type Verdict = 'ok' | 'warning' | 'problem';

/** One thing that was looked at. */
export interface Examined {
  /** Stable, for programs: `redis-version`. */
  readonly name: string;
  readonly verdict: Verdict;
  /** One sentence for a person; never a credential. */
  readonly text: string;
  /** The way out; null where nothing is wrong. */
  readonly hint: string | null;
}

export function ok(name: string, text: string): Examined {
  return { name, verdict: 'ok', text, hint: null };
}

export function warning(name: string, text: string, hint: string | null): Examined {
  return { name, verdict: 'warning', text, hint };
}

export function problem(name: string, text: string, hint: string | null): Examined {
  return { name, verdict: 'problem', text, hint };
}

/** What fanmail foresaw, as a problem; a defect is thrown on. */
export function problemOf(name: string, error: unknown): Examined {
  if (!(error instanceof FanmailError)) throw error;
  return problem(name, error.message, error.hint ?? null);
}

/** The worst of all. */
export function worst(examined: readonly Examined[]): Verdict {
  if (examined.some(({ verdict }) => verdict === 'problem')) return 'problem';
  return examined.some(({ verdict }) => verdict === 'warning') ? 'warning' : 'ok';
}
