import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Allowance, compare } from '../../src/rehearsal/comparison.js';
import { figuresOf } from '../../src/rehearsal/figures.js';
import { joinPeople } from '../../src/rehearsal/people.js';
import type { RecordLine } from '../../src/rehearsal/record.js';
import { RESULTS_HEADER } from '../../src/report/results-csv.js';

const LIST = ['sent', 'late', 'gone', 'full', 'lost', 'kept', 'killed'].map((name) => `${name}@example.com`);
const STRICT: Allowance = { kills: 1, connections: 2, resend: false, cancelled: false };

/** A record line that says the message was taken, unless it is told otherwise. */
function line(name: string, more: Partial<RecordLine> = {}): RecordLine {
  const to = `${name}@example.com`;
  const usual = { did: 'accepted', stage: 'message', reply: '250 2.0.0 accepted', messageId: `<${to}>` } as const;
  return { to, ...usual, fault: null, delayMs: 0, at: 1, ...more };
}

const refused = (name: string, reply: string, fault: RecordLine['fault']) =>
  line(name, { did: 'refused', stage: 'recipient', reply, messageId: null, fault });
const dropped = (name: string, messageId: string | null) =>
  line(name, { did: 'dropped', reply: null, messageId, fault: 'drop' });

const RECORD: readonly RecordLine[] = [
  line('sent'),
  refused('late', '450 4.7.1 greylisted', 'greylist'),
  line('late', { fault: 'slow', delayMs: 10 }),
  refused('gone', '550 5.1.1 no such user', 'refuse'),
  refused('full', '452 4.2.2 full', 'refuse'),
  refused('full', '452 4.2.2 full', 'refuse'),
  dropped('lost', null),
  dropped('kept', '<kept@example.com>'),
];

const row = (name: string, state: string, code: string, attempts: number, reason: string) =>
  `${name}@example.com,${state},${code},${attempts},<${name}@example.com>,2026-01-01T00:00:00.000Z,${reason},"no, ""really"""`;
const RESULTS: readonly string[] = [
  row('sent', 'sent', '250 2.0.0', 1, 'reply'),
  row('late', 'sent', '250 2.0.0', 2, 'reply'),
  row('gone', 'failed', '550 5.1.1', 1, 'reply'),
  row('full', 'failed', '452 4.2.2', 2, 'attempts-used'),
  row('lost', 'unknown', '', 1, 'unanswered'),
  row('kept', 'unknown', '', 1, 'unanswered'),
  row('killed', 'unknown', '', 1, 'interrupted'),
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmail-comparison-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function join3(list = LIST, results = RESULTS, record = RECORD) {
  const [resultsPath, recordPath] = [join(folder, 'results.csv'), join(folder, 'relay.ndjson')];
  writeFileSync(resultsPath, `${RESULTS_HEADER}${results.map((text) => `${text}\n`).join('')}`);
  writeFileSync(recordPath, record.map((one) => `${JSON.stringify(one)}\n`).join(''));
  return joinPeople(list, resultsPath, recordPath);
}

/** The names of what doesn't hold, and all details. */
async function compared(people: ReturnType<typeof join3>, allowed: Partial<Allowance> = {}) {
  const checks = compare(await people, { ...STRICT, ...allowed });
  const wrong = checks.filter(({ holds }) => !holds).map(({ name }) => name);
  return { wrong, text: checks.map(({ detail }) => detail).join('\n') };
}

const without = (name: string) => RESULTS.filter((text) => !text.startsWith(`${name}@`));
const instead = (name: string, ...texts: string[]) =>
  RESULTS.flatMap((text) => (text.startsWith(`${name}@`) ? texts : [text]));

describe('comparing list, results and record', () => {
  it('holds where they agree, and says what that proves', async () => {
    const { wrong, text } = await compared(join3());
    expect(wrong).toEqual([]);
    expect(text.split('\n')).toEqual([
      '7 recipients, each exactly once in the results',
      '0 second copies',
      expect.stringMatching(/^2 sent, each /),
      expect.stringMatching(/^2 failed, each /),
      '3 unknown: 2 on a connection that broke after the final dot, 1 of the 2 that killed workers can have had on the wire',
    ]);
  });

  it('counts what became of everybody', async () => {
    expect(figuresOf(await join3())).toEqual({
      states: { sent: 2, failed: 2, unknown: 3 },
      faults: { throttle: 0, greylist: 1, refuse: 3, drop: 2, slow: 1 },
      ...{ taken: 3, tries: { 0: 1, 1: 4, 2: 2 }, sentLater: 1, unknownTaken: 1, secondCopies: 0 },
      refused: { '550 5.1.1': 1, '452 4.2.2': 1 },
      reasons: { reply: 1, 'attempts-used': 1, unanswered: 2, interrupted: 1 },
    });
  });

  it.each<[what: string, results: readonly string[], record: readonly RecordLine[], wrong: string, says: string]>([
    ['somebody is missing', without('sent'), RECORD, 'once', 'sent@example.com stands nowhere'],
    [
      'somebody is there twice',
      [...RESULTS, ...RESULTS.slice(0, 1)],
      RECORD,
      'once',
      'sent@example.com stands 2 times',
    ],
    ['a stranger has a result', [...RESULTS, row('mallory', 'sent', '250', 1, 'reply')], RECORD, 'once', 'mallory@'],
    [
      'a stranger got a message',
      RESULTS,
      [...RECORD, line('mallory')],
      'once',
      'mallory@example.com is not in the list',
    ],
    [
      'somebody is left open',
      instead('sent', row('sent', 'deferred', '', 1, 'reply')),
      RECORD,
      'once',
      'ended deferred',
    ],
    ['somebody got two copies', RESULTS, [...RECORD, line('sent')], 'copies', 'sent@example.com got 2 copies'],
    ['one unknown got two copies', RESULTS, [...RECORD, line('kept')], 'copies', 'kept@example.com got 2 copies'],
    ['a sent one has no copy', RESULTS, RECORD.slice(1), 'sent', 'sent@example.com is sent, and the relay has no copy'],
    [
      'a sent one got another message',
      RESULTS,
      [line('sent', { messageId: '<x@y>' }), ...RECORD.slice(1)],
      'sent',
      'another',
    ],
    [
      'a failed one has a copy',
      RESULTS,
      [...RECORD, line('gone')],
      'failed',
      'gone@example.com is failed, and the relay has',
    ],
    [
      'a failed one was not refused',
      instead('sent', row('sent', 'failed', '550 5.1.1', 1, 'reply')),
      RECORD.slice(1),
      'failed',
      'did not refuse it',
    ],
    [
      'a failed one was refused otherwise',
      instead('gone', row('gone', 'failed', '554 5.7.1', 1, 'reply')),
      RECORD,
      'failed',
      'gone@',
    ],
    [
      'a failed one had no try',
      instead('killed', row('killed', 'failed', '', 6, 'attempts-used')),
      RECORD,
      'failed',
      'killed@',
    ],
    [
      'a failed one was given up',
      instead('killed', row('killed', 'failed', '', 0, 'expired')),
      RECORD,
      'failed',
      '(expired)',
    ],
  ])('bites where %s', async (_what, results, record, wrong, says) => {
    const found = await compared(join3(LIST, results, record));
    expect(found.wrong).toContain(wrong);
    expect(found.text).toContain(says);
  });

  it('bites where more are unknown than connections broke and killed workers can explain', async () => {
    expect((await compared(join3(), { kills: 0 })).wrong).toEqual(['unknown']);
    expect((await compared(join3(), { kills: 1, connections: 1 })).wrong).toEqual([]);
  });

  it('allows second copies where resending was asked for, and no more than it can explain', async () => {
    const twice = instead('kept', row('kept', 'sent', '250 2.0.0', 2, 'reply'));
    const record = [...RECORD, line('kept')];
    expect((await compared(join3(LIST, twice, record), { resend: true })).wrong).toEqual([]);
    expect((await compared(join3(LIST, twice, record))).wrong).toEqual(['copies']);
    const many = [...record, ...Array.from({ length: 4 }, () => line('sent'))];
    expect((await compared(join3(LIST, twice, many), { resend: true })).wrong).toEqual(['copies']);
  });

  it('allows skipped ones only where the rehearsal cancelled, and never with a copy', async () => {
    const skipped = instead('killed', row('killed', 'skipped', '', 0, 'cancelled'));
    expect((await compared(join3(LIST, skipped))).wrong).toEqual(['once']);
    expect((await compared(join3(LIST, skipped), { cancelled: true })).wrong).toEqual([]);
    const taken = compared(join3(LIST, skipped, [...RECORD, line('killed')]), { cancelled: true });
    expect((await taken).text).toContain('killed@example.com is skipped, and the relay has a copy');
  });

  it('names three at most, and says how many more there are', async () => {
    const { text } = await compared(join3(LIST, []));
    expect(text).toContain('; and 4 more');
  });

  it('knows an address that a spreadsheet would run, and one that begins with an apostrophe', async () => {
    const addresses = ['+a@example.com', "'b@example.com", "'+a@example.com"];
    const results = addresses.map((_one, i) => `${i === 1 ? "'b" : "'+a"}@example.com,sent,250,1,<x>,,reply,`);
    const record = addresses.map((to) => ({ ...line('x'), to, messageId: '<x>' }));
    expect((await compared(join3(addresses, results, record))).wrong).toEqual([]);
  });

  it('does not trust a file with a line that it can not read', async () => {
    await expect(join3(LIST, ['sent@example.com,sent'])).rejects.toThrow(/line 2 .* has 2 cells/);
    const broken = join(folder, 'broken.ndjson');
    writeFileSync(broken, '{"to": "a@b", "did"');
    writeFileSync(join(folder, 'empty.csv'), RESULTS_HEADER);
    await expect(joinPeople([], join(folder, 'empty.csv'), broken)).rejects.toThrow(/line 1 of .*broken/);
  });
});
