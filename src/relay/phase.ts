import type { Stage } from '../domain/outcome.js';

/** Where a dialogue is; see there. */
export type Phase = 'idle' | Stage | 'ready' | 'body' | 'rest' | 'reset' | 'over';

/** What an outcome says of it. */
export function stageOf(phase: Phase): Stage {
  if (phase === 'rcpt' || phase === 'data') return phase;
  if (phase === 'ready') return 'data';
  return phase === 'body' ? 'message' : 'mail';
}
