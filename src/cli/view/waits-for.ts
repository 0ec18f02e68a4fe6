import { isFinal, STATE_NAMES } from '../../domain/state.js';
import type { Cause } from './cause.js';
import { ago } from './format.js';
import type { ProgressView } from './progress-view.js';
import { slowed } from './slowed.js';
import { noWorkers, stopped } from './stopped.js';

/** A staging that says nothing for so long has ended without a seal. */
const SILENT_MS = 60_000;

/**
 * What a campaign waits for, the most decisive first; nothing where it moves, or has ended. What stops all of it is said at once;
 * what slows it down only when nothing moves.
 */
export function waitsFor(view: ProgressView): readonly Cause[] {
  const { campaign } = view.standing;
  switch (campaign.phase) {
    case 'staging':
      return staging(view);
    case 'queued':
    case 'sending': {
      const told = stopped(view);
      return told.length > 0 || campaign.flags.cancelling || !isStill(view) ? told : slowed(view);
    }
    case 'aggregating':
      return [...results(), ...noWorkers(view)];
    default:
      return [];
  }
}

function staging({ standing }: ProgressView): Cause[] {
  const { heardAt } = standing.campaign;
  const silentMs = standing.now - heardAt;
  const text =
    silentMs > SILENT_MS
      ? `the launch that stages its list, which was heard last ${ago(silentMs)}; launch it again under the same --id`
      : 'its list to be staged and sealed';
  return [{ kind: 'staging', text, until: null }];
}

function results(): Cause[] {
  return [{ kind: 'results', text: 'its results to be written', until: null }];
}

/** Nobody is on the wire, and nobody reached a final state lately. */
function isStill({ standing: { counters, ratePerSecond, campaign, now } }: ProgressView): boolean {
  const open = STATE_NAMES.some((name) => !isFinal(name) && counters[name] > 0);
  const since = Math.max(campaign.startedAt ?? now, campaign.openedAt ?? now);
  return open && counters.inflight === 0 && ratePerSecond === 0 && now - since >= 1_000;
}
