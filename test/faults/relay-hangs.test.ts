import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from '../support/audit.js';
import { startRelay, until } from '../support/cli.js';
import type { RelayFault, Scenario } from '../support/script-relay-main.js';
import { type Field, newField } from './field.js';
import {
  ALL,
  addresses,
  certificate,
  DEAF,
  type Hit,
  hitsOf,
  large,
  launch,
  outcome,
  type Plan,
  SILENT,
  type Stage,
  slow,
} from './relay-campaign.js';

const ROWS = 300;
const STAGES: readonly Stage[] = ['greeting', 'ehlo', 'starttls', 'handshake', 'auth', 'mail', 'rcpt', 'data'];
const EXTENSIONS = ['PIPELINING', 'SIZE 50000000', 'ENHANCEDSTATUSCODES', 'AUTH PLAIN'];
/** Once at each stage: a connection, or a recipient of its own. */
const HANGS: readonly RelayFault[] = [
  ...STAGES.slice(0, 6).map((stage): RelayFault => ({ stage, first: 1, action: SILENT })),
  { stage: 'rcpt', pattern: '^user11@', first: 1, action: SILENT },
  { stage: 'data', pattern: '^user22@', first: 1, action: SILENT },
  { stage: 'body', pattern: '^user33@', first: 1, action: DEAF },
  { stage: 'message', pattern: '^user(44|144)@', first: 1, action: { ...SILENT, keep: true } },
  { stage: 'message', pattern: '^user(55|155)@', first: 1, action: { ...SILENT, keep: false } },
];
const LARGE_HANGS: readonly RelayFault[] = [
  { stage: 'body', pattern: '^user[37]@[a-z]+-large[.]', first: 1, action: DEAF },
];
/** A small message is handed over with its final dot: nobody can know whether it is there. */
const handedOver = (hits: readonly Hit[]) => addresses(hits, 'body', 'message');

describe('a relay that hangs', () => {
  let field: Field;
  let port: number;
  let smtp: string;
  let does: Omit<Scenario, 'record'>;
  beforeAll(async () => {
    field = await newField();
    // A worker has the login for one relay: those of this test are at the place of the field's own.
    await field.relay.stop();
    port = Number(new URL(field.relay.url).port);
    smtp = `smtp://me:opensesame@127.0.0.1:${port}?verify=false`;
    does = { port, delayMs: 2, extensions: EXTENSIONS, tls: certificate(field) };
  });
  afterAll(() => field.clear(), 60_000);

  it.each([['hold', 'unknown'], ...slow(['resend', 'sent'] as const)] as const)(
    'at every stage, with %s: the others are sent, and after SIGTERM those after the final dot end %s',
    async (choice) => {
      const id = `hangs-${choice}`;
      const record = `${field.record}-${id}`;
      const hanging = await startRelay({ ...does, record, faults: HANGS });
      await launch(field, { id, rows: ROWS, smtp, notify: false, options: ['--on-unknown', choice] });
      const running = await field.workers({ processes: 1, connections: 24, chunks: 5, grace: '1s', smtp });
      // Of those who hang before a message, nobody knows who: they are on connections that nobody has.
      const stuck = () =>
        hitsOf(record, id).filter(({ stage }) => ['mail', 'rcpt', 'data', 'body', 'message'].includes(stage));
      await until(async () => (stuck().length === 8 ? true : null), 'everything to hang');
      await field.sent(id, ROWS - 8);
      expect(new Set(hitsOf(record, id).map(({ stage }) => stage))).toEqual(new Set([...STAGES, 'body', 'message']));
      running.child.kill('SIGTERM');
      expect((await running.ended).code).toBe(0);
      expect(await field.count(id, 'inflight')).toBe(0);
      await hanging.stop();

      const willing = await startRelay({ ...does, record });
      const next = await field.workers({ processes: 1, smtp });
      await field.ended(id);
      await willing.stop();
      next.child.kill('SIGTERM');
      await next.ended;
      const allow: Plan['allow'] = (hits) =>
        choice === 'hold' ? { unknown: handedOver(hits).length } : { secondCopies: 2 };
      const { states, unknown, hits } = await outcome(field, id, { rows: ROWS, record, allow });
      expect(unknown).toEqual(choice === 'hold' ? handedOver(hits) : []);
      expect(states.sent).toBe(choice === 'hold' ? ROWS - 5 : ROWS);
    },
  );

  it.runIf(ALL)('in the middle of large messages: after SIGTERM everybody gets a copy', async () => {
    const [id, record] = ['hangs-large', `${field.record}-hangs-large`];
    const hanging = await startRelay({ ...does, record, faults: LARGE_HANGS });
    const sizes = large(field);
    await launch(field, { id, smtp, notify: false, ...sizes });
    const running = await field.workers({ processes: 1, grace: '1s', smtp });
    await field.sent(id, sizes.rows - 2);
    await until(async () => (hitsOf(record, id).length === 2 ? true : null), 'both to hang');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    await hanging.stop();
    const willing = await startRelay({ ...does, record });
    const next = await field.workers({ processes: 1, smtp });
    await field.ended(id);
    await willing.stop();
    next.child.kill('SIGTERM');
    await next.ended;
    const { states } = await outcome(field, id, { rows: sizes.rows, record });
    expect(states.sent).toBe(sizes.rows);
  });
}, 150_000);

describe.runIf(ALL)('a relay that hangs for as long as it is waited for', () => {
  const ENDS_MS = 800_000;

  it('at every stage at once: the campaign ends by itself, and only those after the final dot are unknown', async () => {
    const field = await newField();
    try {
      await field.relay.stop();
      const port = Number(new URL(field.relay.url).port);
      const smtp = `smtp://me:opensesame@127.0.0.1:${port}?verify=false`;
      const does = { port, delayMs: 2, extensions: EXTENSIONS, tls: certificate(field) };
      const record = `${field.record}-patience`;
      const relay = await startRelay({ ...does, record, faults: [...HANGS, ...LARGE_HANGS] });
      const sizes = large(field);
      await launch(field, { id: 'patience', rows: ROWS, smtp, notify: false });
      await launch(field, { id: 'patience-large', smtp, notify: false, ...sizes });
      await field.workers({ processes: 1, connections: 30, chunks: 6, smtp });
      await field.sent('patience', ROWS - 8);
      await Promise.all([field.ended('patience', ENDS_MS), field.ended('patience-large', ENDS_MS)]);
      await relay.stop();

      const allow: Plan['allow'] = (hits) => ({ unknown: handedOver(hits).length });
      const small = await outcome(field, 'patience', { rows: ROWS, record, allow });
      expect(small.unknown).toEqual(handedOver(small.hits));
      expect(small.states.sent).toBe(ROWS - 5);
      expect(addresses(small.hits, 'rcpt', 'data', 'body', 'message')).toHaveLength(7);
      const big = await outcome(field, 'patience-large', { rows: sizes.rows, record });
      expect(big.states.sent).toBe(sizes.rows);
      expect(addresses(big.hits, 'body')).toHaveLength(2);
      expect(readRecord(record).size).toBeGreaterThanOrEqual(ROWS + sizes.rows - 3);
    } finally {
      await field.clear();
    }
  }, 900_000);
});
