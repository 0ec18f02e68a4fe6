import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { latencyBucket } from '../../src/domain/latency.js';
import { REASONS } from '../../src/domain/record.js';
import { STATE_NAMES, type State } from '../../src/domain/state.js';
import { createComposer } from '../../src/message/composer.js';
import { parseSender } from '../../src/message/sender.js';
import { compileTemplate } from '../../src/message/template.js';
import type { ChunkResult } from '../../src/pipeline/ports.js';
import { createResults } from '../../src/report/results.js';
import {
  campaignOf,
  chunkOf,
  type Entry,
  filesIn,
  readLines,
  recordingLog,
  SEALED_AT,
  sourceOf,
  temporaryFolder,
} from './ledger.js';

const AT = SEALED_AT / 1000 + 3;
const ALL_FILES = ['results.csv', 'summary.html', 'summary.json', 'summary.txt'];
const ENTRIES: readonly Entry[] = [
  {
    address: 'Ann@example.org',
    state: 'sent',
    code: 250,
    enhanced: [0, 0],
    words: 1,
    attempts: 1,
    reason: 'reply',
    time: AT,
  },
  {
    address: 'bob@example.org',
    state: 'failed',
    code: 550,
    enhanced: [1, 1],
    words: 2,
    attempts: 2,
    reason: 'reply',
    time: AT,
  },
  {
    address: 'cy@example.net',
    state: 'failed',
    code: 451,
    words: 3,
    attempts: 6,
    reason: 'attempts-used',
    time: AT + 1,
  },
  { address: 'di@example.net', state: 'unknown', attempts: 1, reason: 'interrupted', time: AT + 2 },
  { address: 'ed@example.net', state: 'skipped', reason: 'cancelled', time: AT + 2 },
];
const WORDS = new Map([
  [1, 'Ok: queued'],
  [2, 'User unknown'],
  [3, 'Try later'],
]);

let root: string;
let results: ReturnType<typeof createResults>;
const log = recordingLog();

beforeEach(async () => {
  root = await temporaryFolder();
  results = createResults({ defaultDir: root, log });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const folder = () => join(root, 'spring-2026');
const read = async (name: string) => readFile(join(folder(), name), 'utf8');

describe('the files of a campaign', () => {
  it('are one line a recipient, a summary as JSON and one as text', async () => {
    const campaign = campaignOf(ENTRIES.length, null);
    const { dir } = await results.write(campaign, sourceOf(campaign, [ENTRIES], { words: WORDS }));
    expect(dir).toBe(folder());
    expect(await filesIn(dir)).toEqual(ALL_FILES);
    const lines = (await read('results.csv')).split('\n');
    expect(lines[0]).toBe('email,state,code,attempts,message_id,time,reason,reply');
    expect(lines[1]).toMatch(
      /^Ann@example\.org,sent,250 2\.0\.0,1,<[\w-]{22}@example\.com>,2026-05-01T12:00:03\.000Z,reply,Ok: queued$/,
    );
    expect(lines[2]).toMatch(
      /^bob@example\.org,failed,550 5\.1\.1,2,<[^,]*>,2026-05-01T12:00:03.000Z,reply,User unknown$/,
    );
    expect(lines[3]).toMatch(/^cy@example\.net,failed,451,6,<[^,]*>,2026-05-01T12:00:04.000Z,attempts-used,Try later$/);
    expect(lines[4]).toMatch(/^di@example\.net,unknown,,1,<[^,]*>,2026-05-01T12:00:05.000Z,interrupted,$/);
    expect(lines[5]).toMatch(/^ed@example\.net,skipped,,0,<[^,]*>,2026-05-01T12:00:05.000Z,cancelled,$/);
    expect(lines.slice(6)).toEqual(['']);
  });

  it('hold the figures of the summary that is returned', async () => {
    const campaign = campaignOf(ENTRIES.length, null);
    const latencies = new Map([
      [latencyBucket(20), 99],
      [latencyBucket(900), 1],
    ]);
    const { summary } = await results.write(campaign, sourceOf(campaign, [ENTRIES], { words: WORDS, latencies }));
    expect(JSON.parse(await read('summary.json'))).toEqual(summary);
    expect(summary).toMatchObject({
      schema: 1,
      campaign: 'spring-2026',
      phase: 'completed',
      relay: 'smtp://relay.example.com:587',
      total: 5,
      states: { sent: 1, failed: 2, unknown: 1, skipped: 1, pending: 0 },
      startedAt: '2026-05-01T12:00:01.000Z',
      closedAt: '2026-05-01T12:00:11.000Z',
      durationMs: 10_000,
      sentPerSecond: 0.1,
      retries: 7,
      domains: [
        { domain: 'example.net', total: 3, sent: 0, failed: 1, unknown: 1 },
        { domain: 'example.org', total: 2, sent: 1, failed: 1, unknown: 0 },
      ],
      refusals: [
        { code: '451', count: 1, sample: 'Try later' },
        { code: '550 5.1.1', count: 1, sample: 'User unknown' },
      ],
      reasons: { reply: 1, 'attempts-used': 1, interrupted: 1 },
      lateWords: 0,
    });
    expect(summary.latencyMs?.p50).toBeGreaterThan(18);
    expect(summary.latencyMs?.p99).toBeLessThan(22);
  });

  it('lie in the folder that the launch named, readable by their owner alone', async () => {
    const named = join(root, 'deep', 'results');
    const campaign = campaignOf(ENTRIES.length, named);
    const { dir } = await results.write(campaign, sourceOf(campaign, [ENTRIES]));
    expect(dir).toBe(join(named, 'spring-2026'));
    for (const name of ALL_FILES) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
  });

  it('say cancelled for a campaign that was being cancelled, and survive that it never started', async () => {
    const entries: Entry[] = [{ address: 'a@b.example', state: 'skipped', reason: 'cancelled' }];
    const changes = { flags: { paused: null, cancelling: true }, startedAt: null };
    const campaign = campaignOf(1, null, changes);
    const { summary } = await results.write(campaign, sourceOf(campaign, [entries]));
    expect(summary).toMatchObject({ phase: 'cancelled', durationMs: 0, sentPerSecond: 0, latencyMs: null });
  });

  it('of a later round leave those of the first as they were', async () => {
    const first = campaignOf(ENTRIES.length, null);
    await results.write(first, sourceOf(first, [ENTRIES]));
    const before = await Promise.all(ALL_FILES.map(read));
    const second = campaignOf(ENTRIES.length, null, { round: 2 });
    const again = ENTRIES.map((entry): Entry => ({ ...entry, state: 'sent' }));
    await results.write(second, sourceOf(second, [again]));
    expect(await Promise.all(ALL_FILES.map(read))).toEqual(before);
    expect(await filesIn(folder())).toEqual(
      [
        ...ALL_FILES,
        'results.round-2.csv',
        'summary.round-2.html',
        'summary.round-2.json',
        'summary.round-2.txt',
      ].sort(),
    );
    expect((await readLines(join(folder(), 'results.round-2.csv'))).every(({ state }) => state === 'sent')).toBe(true);
  });

  it('have every recipient once and in order, also where they are written in many pieces', async () => {
    const chunks = [0, 1, 2].map((chunk) =>
      Array.from({ length: 5_000 }, (_, i): Entry => ({ address: `r${chunk * 5_000 + i}@example.org`, state: 'sent' })),
    );
    const campaign = campaignOf(15_000, null);
    await results.write(campaign, sourceOf(campaign, chunks));
    const lines = await readLines(join(folder(), 'results.csv'));
    expect(lines.map(({ email }) => email)).toEqual(chunks.flat().map(({ address }) => address));
    expect((await stat(join(folder(), 'results.csv'))).size).toBeGreaterThan(2 << 18);
  });

  it('are whole after two runs at once', async () => {
    const campaign = campaignOf(ENTRIES.length, null);
    const source = sourceOf(campaign, [ENTRIES]);
    await Promise.all([results.write(campaign, source), results.write(campaign, source)]);
    expect(await filesIn(folder())).toEqual(ALL_FILES);
    expect(await readLines(join(folder(), 'results.csv'))).toHaveLength(ENTRIES.length);
  });
});

describe('a line of the results', () => {
  it.each(['news@example.com', '"Doe, Jane @ home" <news@example.com>', 'Čeněk <news@bücher.example>'])(
    'has the Message-ID that the composer writes for a campaign from %s',
    async (from) => {
      const { header } = parseSender(from);
      const campaign = campaignOf(1, null);
      const mine = { ...campaign, options: { ...campaign.options, from: header } };
      await results.write(mine, sourceOf(mine, [[{ address: 'Ann@example.org', state: 'sent' }]]));
      const template = compileTemplate({ name: 't', subject: 's', html: null, text: 'x', digest: '' });
      const composer = createComposer({ template, from: header, replyTo: null, campaignId: mine.id, salt: mine.salt });
      const message = composer.compose({ line: 1, address: 'Ann@example.org', variables: {} });
      expect((await readLines(join(folder(), 'results.csv')))[0]?.message_id).toBe(message.messageId);
    },
  );

  it('names a late sent where the ledger says unknown or failed, and leaves the figures alone', async () => {
    const campaign = campaignOf(ENTRIES.length, null);
    const late = [
      { chunk: 0, index: 0, verb: 's' },
      { chunk: 0, index: 1, verb: 's' },
      { chunk: 0, index: 2, verb: 'f' },
      { chunk: 0, index: 3, verb: 's' },
      { chunk: 1, index: 4, verb: 's' },
    ];
    const { summary } = await results.write(campaign, sourceOf(campaign, [ENTRIES], { late }));
    const lines = await readLines(join(folder(), 'results.csv'));
    expect(lines.map(({ reason }) => reason)).toEqual([
      'reply',
      'late-sent',
      'attempts-used',
      'late-sent',
      'cancelled',
    ]);
    expect(lines.map(({ state }) => state)).toEqual(['sent', 'failed', 'failed', 'unknown', 'skipped']);
    expect(summary).toMatchObject({ lateWords: 5, states: { sent: 1, failed: 2, unknown: 1 } });
    expect(summary.reasons).toEqual({ reply: 1, 'attempts-used': 1, interrupted: 1 });
  });

  it('has neither email nor Message-ID where the addresses were lost, and counts all the same', async () => {
    const campaign = campaignOf(ENTRIES.length, null);
    const chunks = async function* (): AsyncIterable<ChunkResult> {
      yield { ...chunkOf(0, ENTRIES), addresses: null };
    };
    const { summary } = await results.write(campaign, sourceOf(campaign, [ENTRIES], { chunks }));
    const lines = await readLines(join(folder(), 'results.csv'));
    expect(lines.map(({ email, message_id }) => email + message_id)).toEqual(['', '', '', '', '']);
    expect(summary.domains).toEqual([{ domain: '*', total: 5, sent: 1, failed: 2, unknown: 1 }]);
  });

  it('survives records that the ledger never wrote', async () => {
    const entries: Entry[] = [{ address: 'a@b.example', state: 'suppressed' }];
    const campaign = campaignOf(1, null);
    const chunks = async function* (): AsyncIterable<ChunkResult> {
      yield { ...chunkOf(0, entries), records: Buffer.alloc(0) };
    };
    await results.write(campaign, sourceOf(campaign, [entries], { chunks }));
    const [line] = await readLines(join(folder(), 'results.csv'));
    expect(line).toMatchObject({ state: 'suppressed', code: '', attempts: '0', time: '', reason: '', reply: '' });
  });

  it('runs nothing in a spreadsheet and moves nothing on a terminal', async () => {
    const entries: Entry[] = [
      { address: '=cmd|x@evil.example', state: 'failed', code: 550, words: 1 },
      { address: '"a,b"@evil.example', state: 'failed', code: 550, words: 2 },
    ];
    const words = new Map([
      [1, '=HYPERLINK("http://evil.example")'],
      [2, 'red\u001b[31m\r\nfake,line\u202e'],
    ]);
    const campaign = campaignOf(2, null);
    await results.write(campaign, sourceOf(campaign, [entries], { words }));
    const lines = await readLines(join(folder(), 'results.csv'));
    expect(lines.map(({ email }) => email)).toEqual(["'=cmd|x@evil.example", '"a,b"@evil.example']);
    expect(lines.map(({ reply }) => reply)).toEqual([`'=HYPERLINK("http://evil.example")`, 'red [31m fake,line']);
  });
});

describe('a ledger that does not balance', () => {
  const campaign = campaignOf(ENTRIES.length, null);

  it.each(STATE_NAMES)('is refused with its figures when the counter of %s is one too many', async (state) => {
    const source = sourceOf(campaign, [ENTRIES]);
    const counters = { ...source.standing.counters, [state]: source.standing.counters[state] + 1 };
    const writing = results.write(campaign, { ...source, standing: { ...source.standing, counters } });
    await expect(writing).rejects.toMatchObject({ code: 'LEDGER_UNBALANCED' });
    const found = source.standing.counters[state];
    await expect(writing).rejects.toThrow(`${state} is counted ${found + 1} and found ${found}`);
    expect(await filesIn(folder())).toEqual([]);
  });

  it('is refused when all counters agree and a recipient of the total is missing', async () => {
    const source = sourceOf(campaign, [ENTRIES]);
    const writing = results.write(campaign, { ...source, standing: { ...source.standing, total: 6 } });
    await expect(writing).rejects.toThrow('the total is 6 and found 5');
  });

  it('is refused when a byte is no state', async () => {
    const broken = async function* (): AsyncIterable<ChunkResult> {
      yield { ...chunkOf(0, ENTRIES), states: Buffer.from('SFzUK') };
    };
    const writing = results.write(campaign, sourceOf(campaign, [ENTRIES], { chunks: broken }));
    await expect(writing).rejects.toMatchObject({ code: 'LEDGER_UNBALANCED' });
    await expect(writing).rejects.toThrow('byte 122 at recipient 2 of chunk 0');
  });

  it('is refused when a chunk has other addresses than states', async () => {
    const broken = async function* (): AsyncIterable<ChunkResult> {
      yield { ...chunkOf(0, ENTRIES), addresses: ['a@b.example'] };
    };
    const writing = results.write(campaign, sourceOf(campaign, [ENTRIES], { chunks: broken }));
    await expect(writing).rejects.toThrow('chunk 0 of campaign spring-2026 has 1 addresses and 5 states');
    expect(await filesIn(folder())).toEqual([]);
  });

  it('leaves the results of an earlier run as they were', async () => {
    await results.write(campaign, sourceOf(campaign, [ENTRIES]));
    const before = await Promise.all(ALL_FILES.map(read));
    const source = sourceOf(campaign, [ENTRIES.slice(1)]);
    const standing = { ...source.standing, total: ENTRIES.length };
    await expect(results.write(campaign, { ...source, standing })).rejects.toThrow('does not balance');
    expect(await filesIn(folder())).toEqual(ALL_FILES);
    expect(await Promise.all(ALL_FILES.map(read))).toEqual(before);
  });
});

describe('a run that breaks off', () => {
  const campaign = campaignOf(40_000, null);
  const many = Array.from({ length: 20_000 }, (_, i): Entry => ({ address: `r${i}@example.org`, state: 'sent' }));

  it('in the middle of the ledger leaves no file, neither final nor temporary', async () => {
    let seen: string[] = [];
    const chunks = async function* (): AsyncIterable<ChunkResult> {
      yield chunkOf(0, many);
      seen = await filesIn(folder());
      throw new Error('the Redis is gone');
    };
    await expect(results.write(campaign, sourceOf(campaign, [many, many], { chunks }))).rejects.toThrow(
      'the Redis is gone',
    );
    expect(seen).toEqual([expect.stringMatching(/^results\.csv\.[0-9a-f]+\.partial$/)]);
    expect(await filesIn(folder())).toEqual([]);
  });

  it('while it publishes has no summary in place, since that comes last', async () => {
    await mkdir(join(folder(), 'summary.txt', 'in-the-way'), { recursive: true });
    const small = campaignOf(ENTRIES.length, null);
    await expect(results.write(small, sourceOf(small, [ENTRIES]))).rejects.toMatchObject({ syscall: 'rename' });
    expect(await filesIn(folder())).toEqual(['results.csv', 'summary.txt']);
  });

  it('since the folder cannot be made says so as the system does', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    const nowhere = campaignOf(ENTRIES.length, file);
    await expect(results.write(nowhere, sourceOf(nowhere, [ENTRIES]))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

const anEntry: fc.Arbitrary<Entry> = fc.record({
  address: fc
    .tuple(fc.stringMatching(/^[a-z=+",@-]{1,8}$/), fc.integer({ min: 0, max: 150 }))
    .map(([local, n]) => `${local}@d${n}.example`),
  state: fc.constantFrom<State>(...STATE_NAMES),
  code: fc.constantFrom(0, 250, 421, 450, 550, 554),
  enhanced: fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 255 })),
  words: fc.integer({ min: 0, max: 4 }),
  attempts: fc.integer({ min: 0, max: 255 }),
  reason: fc.constantFrom(...REASONS),
  time: fc.integer({ min: 1, max: 0xffffffff }),
});

it('any ledger: lines, states, domains, refusals and reasons all say the same', async () => {
  const words = new Map([1, 2, 3].map((n) => [n, `words, "${n}"`]));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(anEntry, { maxLength: 200 }), { maxLength: 5 }), async (chunks) => {
      const all = chunks.flat();
      const campaign = campaignOf(all.length, null);
      const { summary, dir } = await results.write(campaign, sourceOf(campaign, chunks, { words }));
      const lines = await readLines(join(dir, 'results.csv'));

      expect(lines.map(({ email }) => email.replace(/^'(?=[=+@-])/, ''))).toEqual(all.map(({ address }) => address));
      expect(lines.map(({ time }) => Date.parse(time) / 1000)).toEqual(all.map(({ time }) => time));
      expect(lines.map(({ reply }) => reply)).toEqual(all.map((entry) => words.get(entry.words ?? 0) ?? ''));
      for (const name of STATE_NAMES) {
        expect(summary.states[name]).toBe(lines.filter(({ state }) => state === name).length);
      }
      for (const field of ['sent', 'failed', 'unknown'] as const) {
        expect(total(summary.domains.map((domain) => domain[field]))).toBe(summary.states[field]);
      }
      expect(total(summary.domains.map((domain) => domain.total))).toBe(lines.length);
      expect(summary.domains.length).toBeLessThanOrEqual(101);
      for (const { domain, total: recipients } of summary.domains.filter(({ domain }) => domain !== '*')) {
        expect(recipients).toBe(lines.filter(({ email }) => email.endsWith(`@${domain}`)).length);
      }
      const refused = lines.filter(({ state, code }) => state === 'failed' && Number.parseInt(code, 10) >= 400);
      expect(total(summary.refusals.map(({ count }) => count))).toBe(refused.length);
      for (const { code, count, sample } of summary.refusals.filter(({ code }) => code !== '*')) {
        const same = refused.filter((line) => line.code === code);
        expect(count).toBe(same.length);
        expect([...same.map(({ reply }) => reply), '']).toContain(sample);
      }
      expect(total(Object.values(summary.reasons))).toBe(summary.states.failed + summary.states.unknown);
    }),
    { numRuns: 60 },
  );
});

function total(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
