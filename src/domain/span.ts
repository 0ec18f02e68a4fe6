import type { Campaign } from './campaign.js';
import type { Schedule, Span } from './schedule.js';

/** When a round may send: one that a retry opens has the hours of the campaign, but its time is over, whether or not it came. */
export function scheduleOf({ round, options }: Pick<Campaign, 'round' | 'options'>): Schedule | null {
  const { at = null, hours = null } = options.schedule ?? {};
  if (hours === null && (at === null || round > 1)) return null;
  return { at: round > 1 ? null : at, hours };
}

/** The span that `now` lies in, or the next one. */
export async function spanFrom({ at, hours }: Schedule, now: number): Promise<Span> {
  const from = Math.max(now, at ?? 0);
  if (hours === null) return { opensAt: from, closesAt: null };
  // Time zones take a while to load, and few campaigns have any.
  return (await import('./windows.js')).nextSpan(hours, from);
}
