import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Campaign } from '../../src/domain/campaign.js';
import { REASONS, RECORD_BYTES, type Reason } from '../../src/domain/record.js';
import { STATE_NAMES, STATES, type State } from '../../src/domain/state.js';
import type { ChunkResult, LateWord, Log, ResultSource } from '../../src/pipeline/ports.js';

/** A recipient as the ledger would hold it. */
export interface Entry {
  readonly address: string;
  readonly state: State;
  readonly code?: number;
  readonly enhanced?: readonly [number, number];
  readonly words?: number;
  readonly attempts?: number;
  readonly reason?: Reason;
  readonly time?: number;
}

export const SEALED_AT = Date.UTC(2026, 4, 1, 12, 0, 0);

export function campaignOf(entries: number, resultsDir: string | null, changes: Partial<Campaign> = {}): Campaign {
  return {
    id: 'spring-2026',
    phase: 'aggregating',
    flags: { paused: null, cancelling: false },
    ...{ heardAt: 0, cancelled: null, opensAt: null, closesAt: null, canary: null, canaryFound: null },
    round: 1,
    generation: 1,
    nonce: 'n1',
    salt: 'pepper',
    options: {
      name: 'Spring newsletter',
      from: '"Doe, Jane" <news@example.com>',
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
      resultsDir,
    },
    totals: {
      total: entries,
      chunks: 1,
      rows: entries + 5,
      rejects: { duplicate: 3, 'no-at': 2 },
      listDigest: 'a'.repeat(64),
      templateDigest: 'b'.repeat(64),
    },
    createdAt: SEALED_AT - 5_000,
    sealedAt: SEALED_AT,
    openedAt: SEALED_AT,
    opening: null,
    rounds: [],
    giveUpAt: SEALED_AT + 432_000_000,
    startedAt: SEALED_AT + 1_000,
    closedAt: SEALED_AT + 11_000,
    endedAt: null,
    notice: null,
    retries: 7,
    forgotten: 0,
    ...changes,
  };
}

export function chunkOf(chunk: number, entries: readonly Entry[]): ChunkResult {
  const records = Buffer.alloc(entries.length * RECORD_BYTES);
  entries.forEach((entry, index) => {
    const at = index * RECORD_BYTES;
    records.writeUInt16BE(entry.code ?? 0, at);
    records.writeUInt16BE(entry.words ?? 0, at + 2);
    records[at + 4] = entry.attempts ?? 0;
    records[at + 5] = REASONS.indexOf(entry.reason ?? 'none');
    records[at + 6] = entry.enhanced?.[0] ?? 255;
    records[at + 7] = entry.enhanced?.[1] ?? 0;
    records.writeUInt32BE(entry.time ?? 0, at + 8);
  });
  const states = Buffer.from(entries.map((entry) => STATES[entry.state].byte).join(''));
  return { chunk, states, records, addresses: entries.map((entry) => entry.address) };
}

export interface Extra {
  readonly words?: ReadonlyMap<number, string>;
  readonly said?: ReadonlyMap<string, string>;
  readonly latencies?: ReadonlyMap<number, number>;
  readonly late?: readonly LateWord[];
  readonly chunks?: () => AsyncIterable<ChunkResult>;
}

/** A ledger that balances, of these chunks, unless `extra` says otherwise. */
export function sourceOf(campaign: Campaign, chunks: readonly (readonly Entry[])[], extra: Extra = {}): ResultSource {
  const all = chunks.flat();
  const counters = Object.fromEntries(
    STATE_NAMES.map((name) => [name, all.filter(({ state }) => state === name).length]),
  ) as Record<State, number>;
  return {
    standing: {
      campaign,
      counters,
      total: all.length,
      chunksDone: chunks.length,
      retries: campaign.retries,
      ratePerSecond: 0,
      relays: [],
      nextDueAt: null,
      refusals: [],
      now: SEALED_AT + 12_000,
    },
    words: new Map(),
    said: new Map(),
    latencies: new Map(),
    timeline: new Map(),
    late: [],
    chunks: async function* () {
      for (const [chunk, entries] of chunks.entries()) yield chunkOf(chunk, entries);
    },
    ...extra,
  };
}

export interface Line {
  readonly email: string;
  readonly state: string;
  readonly code: string;
  readonly attempts: string;
  readonly message_id: string;
  readonly time: string;
  readonly reason: string;
  readonly reply: string;
}

export async function readLines(path: string): Promise<Line[]> {
  return parse(await readFile(path), { columns: true });
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'fanmail-report-'));
}

/** The files of a campaign's folder, by name; none where it is missing. */
export async function filesIn(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(() => [])).sort();
}

/** Logs into a list. */
export function recordingLog(): Log & { readonly entries: { readonly fields: object; readonly message: string }[] } {
  const entries: { fields: object; message: string }[] = [];
  const note = (fields: object, message: string) => void entries.push({ fields, message });
  return { entries, debug: note, info: note, warn: note, error: note };
}
