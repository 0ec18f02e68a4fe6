import type { Summary } from '../../src/domain/summary.js';

/** The summary of a campaign in which a bit of everything happened. */
export const SUMMARY: Summary = {
  schema: 1,
  campaign: 'spring-2026',
  name: 'Spring newsletter',
  round: 1,
  phase: 'completed',
  from: 'Example News <news@example.com>',
  relay: 'smtp://relay.example.com:587',
  template: { sha256: 'b'.repeat(64) },
  list: { sha256: 'a'.repeat(64), rows: 25_310, rejects: { duplicate: 212, 'domain-syntax': 98 } },
  total: 25_000,
  states: { pending: 0, inflight: 0, deferred: 0, sent: 24_459, failed: 503, suppressed: 0, skipped: 0, unknown: 38 },
  createdAt: '2026-05-01T12:00:00.000Z',
  sealedAt: '2026-05-01T12:00:04.000Z',
  startedAt: '2026-05-01T12:00:05.000Z',
  closedAt: '2026-05-01T14:05:09.000Z',
  durationMs: 7_504_000,
  sentPerSecond: 3.26,
  retries: 1_271,
  latencyMs: { p50: 4.3, p90: 81.2, p99: 1_930.4 },
  domains: [
    ...Array.from({ length: 12 }, (_, i) => ({
      domain: `provider-${i}.example`,
      total: 2_000 - i,
      sent: 1_960 - i,
      failed: 39,
      unknown: 1,
    })),
    { domain: '*', total: 1_066, sent: 1_006, failed: 35, unknown: 25 },
  ],
  refusals: [
    { code: '550 5.1.1', count: 480, sample: 'The email account that you tried to reach does not exist. Please try' },
    { code: '451 4.3.0', count: 23, sample: '' },
  ],
  reasons: { reply: 480, 'attempts-used': 23, interrupted: 38 },
  lateWords: 2,
  timeline: {
    startedAt: '2026-05-01T12:00:00.000Z',
    stepMs: 60_000,
    counts: Array.from({ length: 126 }, (_, i) =>
      i === 0 ? 731 : i < 25 ? 600 + ((i * 37) % 90) : i % 9 === 0 ? 0 : 78 + ((i * 13) % 40),
    ),
  },
  replies: [
    { code: '421 4.7.0', class: 'throttle', count: 1_204, sample: 'try again later, too many connections' },
    { code: '550 5.1.1', class: 'dead', count: 80, sample: 'no such user here' },
    { code: '554', class: null, count: 2, sample: '' },
  ],
  latencies: [9, 310, 11_840, 7_120, 2_410, 1_530, 903, 512, 260, 97, 41, 0, 3].map((count, i) => ({
    fromMs: 2 ** i - 1,
    toMs: 2 ** (i + 1) - 1,
    count,
  })),
};
