import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from '../support/audit.js';
import type { Running } from '../support/cli.js';
import type { RelayFault } from '../support/script-relay-main.js';
import { type Field, newField } from './field.js';
import {
  addresses,
  campaign as campaignOn,
  every,
  type Hit,
  type Plan,
  peakMemory,
  type Stage,
  slow,
} from './relay-campaign.js';

type Action = RelayFault['action'];
type Case = readonly [what: string, stage: Stage, action: Action];
const ROWS = 200;
const BEFORE_DOT = ['mail', 'rcpt', 'data'] as const;

/** An answer that is none, or not to what was asked; a client can't go on. */
const WRONG: readonly Case[] = [
  ['words without a code', 'mail', { reply: 'how do you do?' }],
  ['999', 'rcpt', { reply: '999 what?' }],
  ['250', 'data', { reply: '250 2.0.0 accepted' }],
  ['twice', 'rcpt', { pieces: ['250 2.1.5 ok\r\n250 2.1.5 ok\r\n'] }],
  ['the message’s answer with the 354', 'data', { pieces: ['354 go on\r\n250 2.0.0 accepted\r\n'] }],
  ...slow<Case>(
    ['354', 'mail', { reply: '354 go on' }],
    ['two codes in one reply', 'data', { reply: '354-go\r\n550 no' }],
    ...BEFORE_DOT.flatMap((stage): Case[] => [
      ['an empty line', stage, { reply: '' }],
      ['a code of two digits', stage, { reply: '25 ok' }],
      ['334', stage, { reply: '334 more' }],
      ['half a line, and closes', stage, { pieces: ['2'], after: 'end' }],
      ['twice, in two packets', stage, { pieces: [stage === 'data' ? '354 go on\r\n' : '250 ok\r\n', '250 ok\r\n'] }],
    ]),
  ),
];
/** The same after the final dot: whether it is there, nobody knows. */
const WRONG_AT_THE_END: readonly Case[] = [
  ['garbage in pieces', 'message', { pieces: ['2', '50accepted, or not\r\n'] }],
  ['354', 'message', { reply: '354 go on' }],
  ...slow<Case>(
    ['words without a code', 'message', { reply: 'thank you' }],
    ['999', 'message', { reply: '999 what?' }],
    ['two codes in one reply', 'message', { reply: '250-yes\r\n550 no' }],
    ['half of yes, and closes', 'message', { pieces: ['250 acc'], after: 'end' }],
  ),
];
/** Never ends, or never stops. */
const ENDLESS: readonly Case[] = [
  ['a reply without end', 'rcpt', { pieces: [], flood: { text: '250-more and more\r\n' } }],
  ['a line without end', 'message', { pieces: ['250 '], flood: { text: 'yes ' } }],
  ['a flood after the reply', 'message', { pieces: ['250 2.0.0 accepted\r\n'], flood: { text: '250 more\r\n' } }],
  ['empty lines', 'ehlo', { pieces: [], flood: { text: '\r\n' } }],
  ...slow<Case>(
    ['a line without end', 'data', { pieces: ['3'], flood: { text: '5' } }],
    ['a reply without end', 'message', { pieces: [], flood: { text: '250-more and more\r\n' } }],
    ['a reply without end', 'ehlo', { pieces: [], flood: { text: '250-MORE\r\n' } }],
    ['empty lines', 'greeting', { pieces: [], flood: { text: '\r\n' } }],
  ),
];
const SAFE = 'a flood after the reply';

describe('a relay that answers wrongly', () => {
  let field: Field;
  let running: Running;
  beforeAll(async () => {
    field = await newField();
    running = await field.workers({ processes: 1, connections: 6, chunks: 12 });
  });
  afterAll(() => field.clear(), 60_000);

  let cases = 0;
  const campaign = (faults: readonly RelayFault[], more: Partial<Plan> = {}) =>
    campaignOn(field, { id: `case${++cases}`, rows: ROWS, ...more, does: { delayMs: 2, faults, ...more.does } });
  const unanswered = (hits: readonly Hit[]) => ({ unknown: addresses(hits, 'message').length });

  it.concurrent.each(WRONG)('%s to every 20th at %s: everybody gets a copy', async (_, stage, action) => {
    const { states, hits } = await campaign([every(20, stage, action)]);
    expect(hits.length).toBeGreaterThan(5);
    expect(states.sent).toBe(ROWS);
  });

  it.concurrent.each(WRONG_AT_THE_END)('%s to every 20th %s: just these are unknown', async (_, stage, action) => {
    const { unknown, hit } = await campaign([every(20, stage, { ...action, keep: true })], { allow: unanswered });
    expect(hit.length).toBeGreaterThan(5);
    expect(unknown).toEqual(hit);
  });

  it.concurrent('garbage after the final dot, with resend: everybody gets a copy, and only those whom it kept a second', async () => {
    const keep = every(20, 'message', { reply: 'thank you', keep: true });
    const options = ['--on-unknown', 'resend'];
    const { states } = await campaign([keep], { options, allow: (hits) => ({ secondCopies: hits.length }) });
    expect(states.sent).toBe(ROWS);
  });

  it.concurrent('codes without words at every stage: everybody gets a copy', async () => {
    const codes: readonly (readonly [Stage, string])[] = [
      ['greeting', '220'],
      ['ehlo', '250'],
      ['mail', '250'],
      ['rcpt', '250'],
      ['data', '354'],
      ['message', '250'],
    ];
    const { states } = await campaign(codes.map(([stage, reply]) => ({ stage, action: { reply } })));
    expect(states.sent).toBe(ROWS);
  });

  it.concurrent('single bytes at every stage: everybody gets a copy', async () => {
    const codes: readonly (readonly [Stage, string])[] = [
      ['greeting', '220 hi\r\n'],
      ['ehlo', '250-hi\r\n250 PIPELINING\r\n'],
      ['mail', '250 ok\r\n'],
      ['rcpt', '250-2.1.5 o\r\n250 2.1.5 k\r\n'],
      ['data', '354 go\r\n'],
      ['message', '250 ok\r\n'],
    ];
    const faults = codes.map(
      ([stage, text]): RelayFault => ({
        stage,
        action: { pieces: [...text], ...(stage === 'message' ? { keep: true } : {}) },
      }),
    );
    const { states } = await campaign(faults, { rows: 60 });
    expect(states.sent).toBe(60);
  });

  it.concurrent('answers that take seconds at every stage: everybody gets a copy at the first attempt', async () => {
    const stages: readonly Stage[] = ['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'message'];
    // There are six connections; the seventh greeting would never come.
    const faults = stages.map((stage) =>
      every(stage === 'greeting' || stage === 'ehlo' ? 3 : 7, stage, { delayMs: 2_000 }),
    );
    const { states, rows, hits } = await campaign(faults, { rows: 40 });
    expect(new Set(hits.map(({ stage }) => stage))).toEqual(new Set(stages));
    expect(states.sent).toBe(40);
    expect(rows.map(({ attempts }) => attempts)).toEqual(rows.map(() => '1'));
  });

  it.concurrent.each(ENDLESS)('%s at %s: is cut off', async (what, stage, action) => {
    const beforeDot = stage !== 'message' || what === SAFE;
    const setUp = stage === 'ehlo' || stage === 'greeting';
    const fault = setUp
      ? { stage, first: 3, action }
      : every(50, stage, stage === 'message' ? { ...action, keep: true } : action);
    const { states, hits, hit, unknown } = await campaign([fault], beforeDot ? {} : { allow: unanswered });
    expect(hits.length).toBeGreaterThanOrEqual(3);
    expect(unknown).toEqual(beforeDot ? [] : hit);
    expect(states.sent).toBe(ROWS - unknown.length);
    expect(peakMemory(running.child)).toBeLessThan(500);
  });

  it.concurrent('354 after a refused recipient: it is failed at once and gets nothing, the others a copy', async () => {
    const faults: RelayFault[] = [
      { stage: 'rcpt', pattern: '^user\\d*3@', action: { reply: '550 5.1.1 no such user here' } },
      { stage: 'data', pattern: '^$', action: { reply: '354 go on' } },
    ];
    const { states, rows, hits } = await campaign(faults);
    expect(states).toMatchObject({ failed: ROWS / 10, sent: (ROWS * 9) / 10 });
    expect(rows.filter(({ state }) => state === 'failed').every(({ code }) => code.startsWith('550'))).toBe(true);
    expect(addresses(hits, 'rcpt')).toHaveLength(ROWS / 10);
  });
}, 120_000);

describe('a relay that changes its mind', () => {
  let field: Field;
  beforeAll(async () => {
    field = await newField();
    await field.workers({ processes: 1, connections: 6, chunks: 12 });
  });
  afterAll(() => field.clear(), 60_000);

  const NO = { reply: '550 5.7.1 no' };
  const LATER = { reply: '450 4.2.1 later' };
  type Change = readonly [what: string, stage: Stage, says: readonly Action[], state: string, attempts: string];
  const changes: readonly Change[] = [
    ['550 and then yes: nothing is tried again', 'rcpt', [NO], 'failed', '1'],
    ['550 and then yes: nothing is tried again', 'message', [NO], 'failed', '1'],
    ['450 and then 550: failed', 'rcpt', [LATER, NO], 'failed', '2'],
    ['450 and then yes: sent', 'message', [LATER], 'sent', '2'],
    ...slow<Change>(
      ['450 and then 550: failed', 'message', [LATER, NO], 'failed', '2'],
      ['450 and then yes: sent', 'rcpt', [LATER], 'sent', '2'],
      ['450 and then yes: sent', 'data', [LATER], 'sent', '2'],
      ['450, 451, 452 and then yes: sent', 'rcpt', [LATER, { reply: '451 no' }, { reply: '452 full' }], 'sent', '4'],
      ['450 as often as it is asked: failed', 'rcpt', [LATER, LATER, LATER, LATER], 'failed', '4'],
      ['421, 450, 550: failed', 'message', [{ reply: '421 4.7.0 slow', after: 'end' }, LATER, NO], 'failed', '2'],
    ),
  ];
  it.concurrent.each(changes)('%s (%s)', async (what, stage, says, state, attempts) => {
    const id = `mind-${stage}-${what.replaceAll(/\W+/g, '')}`;
    const pattern = '^user[1-4]7@';
    const faults = says.map((action): RelayFault => ({ stage, pattern, first: 1, action }));
    const { states, rows } = await campaignOn(field, {
      id,
      rows: 100,
      does: { faults },
      allow: () => ({ failed: /^user[1-4]7@/ }),
    });
    const those = rows.filter(({ email }) => new RegExp(pattern).test(email));
    expect(those.map((row) => [row.state, row.attempts])).toEqual(those.map(() => [state, attempts]));
    expect(states.sent).toBe(state === 'sent' ? 100 : 96);
    const seen = readRecord(`${field.place.folder}/record-${id}`);
    for (const { email } of those) expect(seen.get(email)?.accepted ?? 0).toBe(state === 'sent' ? 1 : 0);
  });
}, 120_000);
