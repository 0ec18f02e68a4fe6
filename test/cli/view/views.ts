import type { RelayView } from '../../../src/cli/view/relay-lines.js';
import type { Campaign, Standing } from '../../../src/domain/campaign.js';
import { STATE_NAMES, type State } from '../../../src/domain/state.js';
import type { BreakerState } from '../../../src/pipeline/breaker-ports.js';
import type { PaceState } from '../../../src/pipeline/pace-ports.js';
import type { WorkerWord } from '../../../src/pipeline/ports.js';

export const NOW = Date.UTC(2026, 4, 1, 12, 0, 0);

export const CAMPAIGN: Campaign = {
  id: 'spring-2026',
  phase: 'sending',
  flags: { paused: null, cancelling: false },
  round: 1,
  generation: 1,
  nonce: 'n1',
  salt: 'pepper',
  options: {
    name: 'Spring newsletter',
    from: 'Example News <news@example.com>',
    replyTo: null,
    relay: { host: 'relay.example.com', port: 587, security: 'starttls', user: null },
    attempts: 6,
    retryScheduleMs: [15_000],
    giveUpMs: 432_000_000,
    onUnknown: 'hold',
    topic: null,
    onDead: 'suppress',
    keepMs: 2_592_000_000,
    notify: null,
    resultsDir: null,
  },
  totals: {
    total: 10_000,
    chunks: 20,
    rows: 10_310,
    rejects: { duplicate: 310 },
    listDigest: 'a',
    templateDigest: 'b',
  },
  createdAt: NOW - 200_000,
  heardAt: NOW - 120_000,
  cancelled: null,
  opensAt: null,
  closesAt: null,
  canary: null,
  canaryFound: null,
  sealedAt: NOW - 110_000,
  openedAt: NOW - 110_000,
  opening: null,
  rounds: [],
  giveUpAt: NOW + 400_000_000,
  startedAt: NOW - 100_000,
  closedAt: null,
  endedAt: null,
  notice: null,
  retries: 34,
  forgotten: 0,
};

export function countersOf(counts: Partial<Record<State, number>>): Record<State, number> {
  return Object.fromEntries(STATE_NAMES.map((name) => [name, counts[name] ?? 0])) as Record<State, number>;
}

export function standingOf(changes: Partial<Standing> = {}, campaign: Partial<Campaign> = {}): Standing {
  return {
    campaign: { ...CAMPAIGN, ...campaign },
    counters: countersOf({ pending: 5_430, inflight: 50, deferred: 20, sent: 4_390, failed: 108, unknown: 2 }),
    total: 10_000,
    chunksDone: 8,
    retries: 34,
    ratePerSecond: 55,
    relays: [],
    nextDueAt: NOW + 42_000,
    refusals: [
      { code: '550 5.1.1', replyClass: 'dead', count: 80 },
      { code: '450 4.2.1', replyClass: 'transient', count: 34 },
      { code: '554', replyClass: null, count: 20 },
      { code: '552 5.2.2', replyClass: 'permanent', count: 8 },
      { code: '421', replyClass: 'throttle', count: 1 },
    ],
    now: NOW,
    ...changes,
  };
}

export const FREE: PaceState = { perSecond: null, slow: [] };

/** The campaign's only relay. */
export const relayView = (changes: Partial<RelayView> = {}): RelayView => ({
  identity: CAMPAIGN.options.relay,
  breaker: null,
  pace: FREE,
  ...changes,
});

export const WORKER: WorkerWord = {
  id: 'w1',
  host: 'mail-1',
  pid: 4242,
  version: '0.1.0',
  connections: 20,
  at: NOW - 1_000,
  trouble: null,
};

export const BREAKER: BreakerState = {
  since: NOW - 192_000,
  until: NOW + 12_000,
  failures: 5,
  cause: 'unreachable',
  why: 'connect ECONNREFUSED 192.0.2.7:587',
};
