import type { Schedule, Span } from './schedule.js';

/** The span that `now` lies in, or the next one. */
export async function spanFrom({ at, hours }: Schedule, now: number): Promise<Span> {
  const from = Math.max(now, at ?? 0);
  if (hours === null) return { opensAt: from, closesAt: null };
  // Time zones take a while to load, and few campaigns have any.
  return (await import('./windows.js')).nextSpan(hours, from);
}
