import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRelay, until } from '../support/cli.js';
import type { RelayFault, Scenario } from '../support/script-relay-main.js';
import { type Field, newField } from './field.js';
import {
  ALL,
  campaign as campaignOn,
  certificate,
  DROP,
  every,
  launch,
  outcome,
  type Plan,
  type Stage,
  slow,
} from './relay-campaign.js';

const ROWS = 200;
const LOGIN = 'me:opensesame@';
const QUERY = '?verify=false';
const EXTENSIONS = ['PIPELINING', 'SIZE 10485760', 'ENHANCEDSTATUSCODES', 'AUTH PLAIN'];
/** More than connections at once, so that the breaker opens. */
const TIMES = 7;

type Case = readonly [what: string, stage: Stage, action: RelayFault['action']];
const BEFORE_LOGIN = ['greeting', 'ehlo', 'starttls', 'handshake'] as const;
const closing = { reply: '421 4.3.2 shutting down', after: 'end' } as const;
const later = { reply: '454 4.7.0 not now' } as const;

const FAST: readonly Case[] = [
  ...BEFORE_LOGIN.map((stage): Case => ['drops the connection', stage, DROP]),
  ['says 421', 'greeting', closing],
  // Later than what a client throws away as said in the clear.
  ['says no TLS', 'handshake', { delayMs: 200, pieces: ['how do you do?\r\n'], after: 'hang' }],
];
const garbled = (stage: Stage): Case[] => [
  ['answers without a code', stage, { reply: 'how do you do?', after: 'end' }],
  ['answers with half a line', stage, { pieces: ['22'], after: 'end' }],
  ['answers 999', stage, { reply: '999 what?', after: 'end' }],
  ['answers 354', stage, { reply: '354 go on', after: 'end' }],
];
const SLOW: readonly Case[] = [
  ...(['ehlo', 'starttls'] as const).map((stage): Case => ['says 421', stage, closing]),
  ['says 454', 'starttls', later],
  ['speaks twice', 'ehlo', { pieces: ['250 script.test\r\n250 and more\r\n'] }],
  ...BEFORE_LOGIN.flatMap(garbled),
  ['greets twice', 'greeting', { pieces: ['220 script.test\r\n220 script.test\r\n'] }],
  ['refuses EHLO', 'ehlo', { reply: '502 5.5.1 what?', after: 'end' }],
];

async function passes(
  field: Field,
  ...[what, stage, action, does, more]: [...Case, Omit<Scenario, 'record'>, Partial<Plan>?]
): Promise<void> {
  const id = `${stage}-${what.replaceAll(/\W+/g, '-').toLowerCase()}`;
  const faults = [{ stage, first: TIMES, action }];
  const plan = { id, rows: ROWS, ...more, does: { delayMs: 2, ...does, faults } };
  const { states, rows, hits } = await campaignOn(field, plan);
  // Where STARTTLS is only wished for, the connection goes on without.
  expect(hits.length).toBeGreaterThanOrEqual(what === 'says 454' && stage === 'starttls' ? 1 : TIMES);
  expect(states.sent).toBe(ROWS);
  expect(rows.map(({ attempts }) => attempts)).toEqual(rows.map(() => '1'));
}

describe('a relay that misbehaves before the first message', () => {
  let field: Field;
  let tls: { readonly key: string; readonly cert: string };
  beforeAll(async () => {
    field = await newField();
    tls = certificate(field);
    await field.workers({ processes: 1, connections: 6, chunks: 12 });
  });
  afterAll(() => field.clear(), 60_000);

  it.concurrent.each([...FAST, ...slow(...SLOW)])(
    '%s the first times at %s: everybody gets a copy at the first attempt',
    async (what, stage, action) => {
      await passes(field, what, stage, action, { tls });
    },
  );

  it.runIf(ALL).concurrent(
    'drops every 7th at each step, and closes after 10 messages: everybody gets a copy',
    async () => {
      const close: RelayFault = { stage: 'message', afterMessages: 9, action: { after: 'end' } };
      const faults = [...BEFORE_LOGIN.map((stage) => every(7, stage, DROP)), close];
      const { states, hits } = await campaignOn(field, { id: 'steps', rows: 300, does: { delayMs: 2, tls, faults } });
      for (const stage of BEFORE_LOGIN) expect(hits.filter((hit) => hit.stage === stage).length).toBeGreaterThan(2);
      expect(states.sent).toBe(300);
    },
  );
}, 120_000);

describe('a relay that misbehaves over the login', () => {
  let field: Field;
  let does: Omit<Scenario, 'record'>;
  let smtp: string;
  beforeAll(async () => {
    field = await newField();
    // A worker has the login for one relay, so that those of all campaigns are at its place, one after the other.
    await field.relay.stop();
    smtp = `${field.relay.url.replace('smtp://', `smtp://${LOGIN}`)}${QUERY}`;
    const port = Number(new URL(field.relay.url).port);
    does = { port, delayMs: 2, extensions: EXTENSIONS, tls: certificate(field) };
    await field.workers({ processes: 1, connections: 6, smtp });
  });
  afterAll(() => field.clear(), 60_000);

  const cases: readonly Case[] = [
    ['drops the connection', 'auth', DROP],
    ['says 454', 'auth', later],
    ['answers 999', 'auth', { reply: '999 what?' }],
    ...slow<Case>(['says 421', 'auth', closing], ...garbled('auth').filter(([what]) => !what.endsWith('999'))),
  ];

  it.each(cases)(
    '%s the first times at %s: everybody gets a copy at the first attempt',
    async (what, stage, action) => {
      await passes(field, what, stage, action, does, { login: LOGIN, query: QUERY, notify: false });
    },
  );

  it.each([
    ['535 at login', 'auth', '535 5.7.8 wrong'],
    ...slow(['502 at a STARTTLS that is required', 'starttls', '502 5.5.1 no'] as const),
  ] as const)('says %s: the campaign pauses, nobody is burned, and goes on when told so', async (_, stage, reply) => {
    const id = `refused-${stage}`;
    const record = `${field.record}-${id}`;
    const refusing = await startRelay({ ...does, record, faults: [{ stage, action: { reply } }] });
    await launch(field, { id, rows: ROWS, smtp, notify: false });
    await until(async () => ((await pausedBy(id))?.includes(reply.slice(0, 3)) ? true : null), 'the pause');
    await refusing.stop();
    expect(await field.count(id, 'pending')).toBe(ROWS);
    const willing = await startRelay({ ...does, record });
    expect((await field.place.run(['resume', id])).code).toBe(0);
    await field.ended(id);
    await willing.stop();
    const { states, rows } = await outcome(field, id, { rows: ROWS, record });
    expect(states.sent).toBe(ROWS);
    expect(rows.map(({ attempts }) => attempts)).toEqual(rows.map(() => '1'));
  });

  async function pausedBy(id: string): Promise<string | null> {
    const { paused } = await field.place.json<{ paused: { reason: string } | null }>(['progress', id]);
    return paused?.reason ?? null;
  }
}, 120_000);
