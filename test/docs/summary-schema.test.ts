import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Campaign } from '../../src/domain/campaign.js';
import { latencyBucket } from '../../src/domain/latency.js';
import { REJECT_REASONS } from '../../src/domain/recipient.js';
import { REASONS } from '../../src/domain/record.js';
import { REPLY_CLASSES } from '../../src/domain/reply-class.js';
import { STATE_NAMES } from '../../src/domain/state.js';
import { createResults } from '../../src/report/results.js';
import { resultNames } from '../../src/report/summary-text.js';
import { campaignOf, type Entry, recordingLog, SEALED_AT, sourceOf, temporaryFolder } from '../report/ledger.js';
import { SUMMARY } from '../report/summaries.js';
import { ROOT } from './markdown.js';
import { faults, type Schema } from './schema.js';

const SCHEMA: Schema = JSON.parse(readFileSync(`${ROOT}docs/summary.schema.json`, 'utf8'));
const ENTRIES: readonly Entry[] = [
  { address: 'ann@example.org', state: 'sent', code: 250, attempts: 1, reason: 'reply', time: 1_777_000_000 },
  { address: 'bob@example.net', state: 'failed', code: 550, enhanced: [1, 1], words: 1, attempts: 2, reason: 'reply' },
  { address: 'cy@example.net', state: 'unknown', attempts: 1, reason: 'interrupted' },
];

const SKIPPED: readonly Entry[] = [{ address: 'ed@example.net', state: 'skipped', reason: 'cancelled' }];

let root: string;
beforeAll(async () => {
  root = await temporaryFolder();
});
afterAll(() => rm(root, { recursive: true }));

/** What a second round has that a first one has not. */
const SECOND: Partial<Campaign> = {
  round: 2,
  openedAt: SEALED_AT + 86_400_000,
  opening: {
    ...{ retried: 2, unknown: true, skipped: false, where: 'code=4xx' },
    states: { pending: 2, inflight: 0, deferred: 0, sent: 1, failed: 0, suppressed: 0, skipped: 0, unknown: 0 },
  },
  rounds: [
    {
      ...{ round: 1, phase: 'completed', openedAt: '2026-05-01T12:00:00.000Z', closedAt: '2026-05-01T12:00:11.000Z' },
      ...{ recipients: 3, asked: null, ended: { sent: 1, failed: 1, suppressed: 0, skipped: 0, unknown: 1 } },
    },
  ],
};

/** And one that had to wait for its time, and was cancelled by its canary. */
const WAITED: Partial<Campaign> = {
  options: {
    ...campaignOf(3, null).options,
    schedule: { at: SEALED_AT, hours: { windows: [{ days: [1, 2], from: 540, to: 1020 }], zone: 'Europe/Paris' } },
    canary: { share: 0.01, holdMs: 1_000, abortAbove: 0.02 },
  },
  cancelled: { by: 'canary', reason: '1 of 1 failed', at: SEALED_AT },
  canaryFound: { tried: 1, failed: 1 },
};

const NOTHING: ReadonlyMap<number, number> = new Map();
const LATENCIES = new Map([[latencyBucket(12), 3]]);
const RELAYS = [{ sent: 1, failed: 1, deferred: 0, throttled: 2, unknown: 1 }];
const REFUSALS = [{ code: '550 5.1.1', replyClass: 'dead', count: 1 }] as const;
const TIMELINE = new Map([[1_777_000_000, 3]]);

/** The summary of a campaign that was completed with answers, or cancelled without any. */
async function written(entries: readonly Entry[], cancelling = false, later: Partial<Campaign> = {}) {
  const campaign = campaignOf(entries.length, root, { flags: { paused: null, cancelling }, ...later });
  const latencies = cancelling ? NOTHING : LATENCIES;
  const timeline = cancelling ? NOTHING : TIMELINE;
  const words = new Map([[1, 'no such user']]);
  const said = new Map([['550 5.1.1 dead', 'no such user']]);
  const source = { ...sourceOf(campaign, [entries], { words, said, latencies }), timeline };
  const refusals = cancelling ? [] : REFUSALS;
  const relays = cancelling ? [] : RELAYS;
  const { dir } = await createResults({ defaultDir: root, log: recordingLog() }).write(campaign, {
    ...source,
    standing: { ...source.standing, refusals, relays },
  });
  return JSON.parse(await readFile(join(dir, resultNames(campaign.round).summary), 'utf8')) as Record<string, unknown>;
}

describe('the schema of the summary', () => {
  it('is met by what the report writes: completed with answers, and cancelled without', async () => {
    expect(faults(await written(ENTRIES), SCHEMA)).toEqual([]);
    expect(faults(await written(SKIPPED, true), SCHEMA)).toEqual([]);
  });

  it('is met by that of a later round, which has all rounds', async () => {
    const summary = await written(ENTRIES, false, SECOND);
    expect(faults(summary, SCHEMA)).toEqual([]);
    expect(summary.sentPerSecond).toBe(0);
    expect(summary.rounds).toMatchObject([
      { round: 1 },
      { round: 2, recipients: 2, asked: { where: 'code=4xx' }, ended: { sent: 0, failed: 1, unknown: 1 } },
    ]);
  });

  it('is met by a summary in which a bit of everything happened', () => {
    expect(faults(SUMMARY, SCHEMA)).toEqual([]);
  });

  it('names every field that there is, and requires those that always are', async () => {
    const summary = await written(ENTRIES, false, { ...SECOND, ...WAITED });
    expect(faults(summary, SCHEMA)).toEqual([]);
    expect(undocumented(summary, SCHEMA)).toEqual([]);
    expect(Object.keys(SCHEMA.properties ?? {}).sort()).toEqual(Object.keys(summary).sort());
    expect([...(SCHEMA.required ?? [])].sort()).toEqual(Object.keys(await written(SKIPPED, true)).sort());
  });

  it('has the states and reasons of the code', () => {
    const { states, reasons, list, replies } = SCHEMA.properties ?? {};
    expect(replies?.items?.properties?.class?.enum).toEqual([...REPLY_CLASSES, null]);
    expect(Object.keys(states?.properties ?? {})).toEqual([...STATE_NAMES]);
    expect(states?.required).toEqual([...STATE_NAMES]);
    expect(reasons?.propertyNames?.enum).toEqual([...REASONS]);
    expect(list?.properties?.rejects?.propertyNames?.enum).toEqual([...REJECT_REASONS]);
  });

  it.each([
    ['a field that is missing', { lateWords: undefined }],
    ['another version', { schema: 2 }],
    ['a phase that is no end', { phase: 'sending' }],
    ['a time that is none', { closedAt: 'yesterday' }],
    ['a count below zero', { total: -1 }],
    ['a state that is missing', { states: { sent: 1 } }],
    ['a reason that there is not', { reasons: { bored: 1 } }],
    ['latencies with a percentile missing', { latencyMs: { p50: 1, p90: 2 } }],
    ['a round without its end', { rounds: [{ round: 1 }] }],
    ['a domain without its figures', { domains: [{ domain: 'example.org' }] }],
  ])('is not met by %s', (_what, change) => {
    const summary = JSON.parse(JSON.stringify({ ...SUMMARY, ...change }));
    expect(faults(summary, SCHEMA)).not.toEqual([]);
  });
});

/** The fields of a value, at any depth, that the schema doesn't name. */
function undocumented(value: unknown, schema: Schema, at = '$'): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => undocumented(item, schema.items ?? {}, at));
  if (typeof value !== 'object' || value === null) return [];
  if (schema.$ref || schema.additionalProperties) return [];
  const properties = schema.properties ?? schema.oneOf?.find((one) => one.properties)?.properties ?? {};
  return Object.entries(value).flatMap(([name, item]) => {
    const known = properties[name];
    return known ? undocumented(item, known, `${at}.${name}`) : [`${at}.${name}`];
  });
}
