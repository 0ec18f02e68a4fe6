import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRelay, until } from '../support/cli.js';
import type { RelayFault } from '../support/script-relay-main.js';
import { type Field, newField } from './field.js';
import {
  ALL,
  addresses,
  campaign as campaignOn,
  DROP,
  every,
  type Hit,
  large,
  launch,
  outcome,
  type Plan,
  type Stage,
  slow,
} from './relay-campaign.js';

if (!ALL)
  console.info('test/faults/relay*.test.ts have a case for each fault at each stage with FAULTS=all, 20 minutes');

const ROWS = 300;
const EXTENSIONS = ['PIPELINING', 'SIZE 50000000'];
const unanswered = (hits: readonly Hit[]) => ({ unknown: addresses(hits).length });

describe('a relay that misbehaves over a message', () => {
  let field: Field;
  beforeAll(async () => {
    field = await newField();
    await field.workers({ processes: 1, connections: 10, chunks: 12 });
  });
  afterAll(() => field.clear(), 60_000);

  const campaign = (id: string, faults: readonly RelayFault[], more: Partial<Plan> = {}) =>
    campaignOn(field, { id, rows: ROWS, ...more, does: { delayMs: 5, extensions: EXTENSIONS, faults } });
  const closing = { reply: '421 4.7.0 slow down', after: 'end' } as const;

  it.concurrent.each(['mail', 'rcpt', 'data'] as const)(
    'drops every 20th connection at %s: everybody gets a copy',
    async (stage) => {
      const { states, hits } = await campaign(`drop-${stage}`, [every(20, stage, DROP)]);
      expect(states.sent).toBe(ROWS);
      expect(hits.length).toBeGreaterThan(5);
    },
  );

  it.concurrent('drops the connection in the middle of every 20th small message: just these are unknown', async () => {
    const { unknown, hit } = await campaign('mid', [every(20, 'body', DROP)], { allow: unanswered });
    expect(hit.length).toBeGreaterThan(5);
    expect(unknown).toEqual(hit);
  });

  it.concurrent('drops the connection in the middle of every 3rd large message: everybody gets a copy', async () => {
    const { states, hits } = await campaign('mid-large', [every(3, 'body', DROP)], large(field));
    expect(states.sent).toBe(12);
    expect(hits.length).toBeGreaterThan(3);
  });

  it.concurrent.each([
    ['keeps', 'kept', true],
    ['loses', 'lost', false],
  ])(
    '%s every 20th message and drops the connection after its final dot: just these are unknown',
    async (_, id, keep) => {
      const { unknown, hit } = await campaign(id, [every(20, 'message', { ...DROP, keep })], { allow: unanswered });
      expect(hit.length).toBeGreaterThan(5);
      expect(unknown).toEqual(hit);
    },
  );

  it.concurrent.each([['keeps', 'again', true], ...slow(['loses', 'anew', false] as const)] as const)(
    '%s every 20th and drops after the final dot, with resend: everybody gets a copy, second ones just these',
    async (_, id, keep) => {
      const options = ['--on-unknown', 'resend'];
      const allow = (hits: readonly Hit[]) => ({ secondCopies: keep ? hits.length : 0 });
      const { states } = await campaign(id, [every(20, 'message', { ...DROP, keep })], { options, allow });
      expect(states.sent).toBe(ROWS);
    },
  );

  it.concurrent.each(['mail', 'rcpt', 'message', ...slow('data' as const, 'body' as const)] as const)(
    'says 421 to every 20th at %s and closes: it is asked again, and nobody’s attempt is used',
    async (stage) => {
      const { states, rows, hits } = await campaign(`closing-${stage}`, [every(20, stage, closing)]);
      expect(hits.length).toBeGreaterThan(5);
      expect(states.sent).toBe(ROWS);
      expect(rows.map(({ attempts }) => attempts)).toEqual(rows.map(() => '1'));
    },
  );

  it.runIf(ALL).concurrent('says 421 in the middle of every 3rd large message: everybody gets a copy', async () => {
    const { states, hits } = await campaign('closing-large', [every(3, 'body', closing)], large(field));
    expect(states.sent).toBe(12);
    expect(hits.length).toBeGreaterThan(3);
  });

  it.concurrent('closes the connection after 7 messages: everybody gets a copy', async () => {
    const close: RelayFault = { stage: 'message', afterMessages: 6, action: { after: 'end' } };
    const { states, hits } = await campaign('sevens', [close]);
    expect(states.sent).toBe(ROWS);
    expect(hits.length).toBeGreaterThan(20);
  });

  it.concurrent.each(['data', ...slow('rcpt' as const, 'body' as const)] as const)(
    'always drops the same message at %s: it alone fails or is unknown, and the others pass',
    async (stage: Stage) => {
      const drop: RelayFault = { stage, pattern: '^user13@', action: DROP };
      const handedOver = stage === 'body';
      const allow = () => (handedOver ? { unknown: 1 } : { failed: /^user13@/ });
      const { states, rows, hits } = await campaign(`poison-${stage}`, [drop], { allow });
      expect(states).toMatchObject({ sent: ROWS - 1, [handedOver ? 'unknown' : 'failed']: 1 });
      expect(rows[13]?.state).toBe(handedOver ? 'unknown' : 'failed');
      // The first drop is free, and says nothing about the message.
      expect(hits.length).toBe(handedOver ? 1 : 5);
    },
  );

  it.runIf(ALL).concurrent('is not there at first: the breaker waits, and everybody gets a copy', async () => {
    const first = await startRelay({ record: `${field.record}-late` });
    await first.stop();
    await launch(field, { id: 'late', rows: ROWS, smtp: first.url });
    await breakerOpens(first.url);
    const record = `${field.record}-late`;
    const second = await startRelay({ record, port: Number(new URL(first.url).port) });
    await field.ended('late');
    await second.stop();
    const { states } = await outcome(field, 'late', { rows: ROWS, record });
    expect(states.sent).toBe(ROWS);
  });

  it.concurrent('is gone for a while and comes back: everybody but the wire gets a copy', async () => {
    const record = `${field.record}-gone`;
    const first = await startRelay({ record, delayMs: 100 });
    await launch(field, { id: 'gone', rows: ROWS, smtp: first.url });
    await field.sent('gone', 50);
    await first.stop();
    await breakerOpens(first.url);
    expect(await field.count('gone', 'failed')).toBe(0);
    const second = await startRelay({ record, port: Number(new URL(first.url).port) });
    await field.ended('gone');
    await second.stop();
    const { states } = await outcome(field, 'gone', { rows: ROWS, record, allow: () => ({ unknown: 10 }) });
    expect(states.sent).toBeGreaterThanOrEqual(ROWS - 10);
  });

  async function breakerOpens(url: string): Promise<void> {
    const breaker = `fanmail:relay:127.0.0.1:${new URL(url).port}:`;
    await until(async () => ((await field.client.exists(breaker)) === 1 ? true : null), 'the breaker to open');
  }
}, 120_000);
