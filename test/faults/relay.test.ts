import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResults } from '../support/audit.js';
import { startRelay, until } from '../support/cli.js';
import type { RelayFault, Scenario } from '../support/script-relay-main.js';
import type { Allowance } from './auditor.js';
import { auditFiles, type Field, launchArguments, listOf, newField } from './field.js';

const ROWS = 300;
const SILENT: RelayFault['action'] = { pieces: [] };
const DROP: RelayFault['action'] = { pieces: [], after: 'destroy' };
const every20th = (stage: RelayFault['stage'], action: RelayFault['action']): RelayFault => ({
  ...{ stage, every: 20, action },
});

describe('a relay that misbehaves', () => {
  let field: Field;
  beforeAll(async () => {
    field = await newField();
    await field.workers({ processes: 1, connections: 10 });
  });
  afterAll(() => field.clear());

  /** Runs a campaign of its own through a relay of its own; the addresses that met a fault, and the audited results. */
  async function campaign(
    id: string,
    does: Omit<Scenario, 'record'>,
    allow: (faults: number) => Allowance,
    ...more: string[]
  ) {
    const record = join(field.place.folder, `record-${id}`);
    writeFileSync(join(field.place.folder, 'people.csv'), listOf(id, ROWS));
    const relay = await startRelay({ record, delayMs: 5, ...does });
    await field.place.run(launchArguments(id, relay.url, ['--detach', ...more]));
    await field.ended(id);
    await relay.stop();
    const hit = faultsOf(record, id);
    const { place } = field;
    const { states } = await auditFiles({ place, record, id, rows: ROWS, allowed: allow(hit.length) });
    const rows = readResults(join(place.folder, 'fanmail-results', id, 'results.csv'));
    const unknown = rows.filter(({ state }) => state === 'unknown').map(({ email }) => email);
    return { states, rows, hits: hit.length, hit: [...new Set(hit)].sort(), unknown: unknown.sort() };
  }
  const nothing = () => ({});
  const unanswered = (faults: number) => ({ unknown: faults });

  it.each(['mail', 'rcpt', 'data'] as const)(
    'drops every 20th connection at %s: everybody gets a copy',
    async (stage) => {
      const { states, hits } = await campaign(stage, { faults: [every20th(stage, DROP)] }, nothing);
      expect(states.sent).toBe(ROWS);
      expect(hits).toBeGreaterThan(5);
    },
  );

  it('drops the connection in the middle of every 20th message: no more are unknown than that', async () => {
    const drop = every20th('data', { reply: '354 go on', after: 'destroy' });
    const { states, hits } = await campaign('mid', { faults: [drop] }, unanswered);
    expect(hits).toBeGreaterThan(5);
    expect(states.sent).toBeGreaterThanOrEqual(ROWS - hits);
  });

  it.each([
    ['keeps', 'kept', true],
    ['loses', 'lost', false],
  ])(
    '%s every 20th message and drops the connection after its final dot: just these are unknown',
    async (_, id, keep) => {
      const drop = every20th('message', { ...DROP, keep });
      const { unknown, hit } = await campaign(id, { faults: [drop] }, unanswered);
      expect(hit.length).toBeGreaterThan(5);
      expect(unknown).toEqual(hit);
    },
  );

  it('drops after the final dot, with resend: everybody gets a copy, and only those whom it kept a second one', async () => {
    const drop = every20th('message', { ...DROP, keep: true });
    const allow = (faults: number) => ({ secondCopies: faults });
    const { states } = await campaign('again', { faults: [drop] }, allow, '--on-unknown', 'resend');
    expect(states.sent).toBe(ROWS);
  });

  it('says 421 at MAIL and after the message at times: it is asked again, and nobody’s attempt is used', async () => {
    const says = (stage: RelayFault['stage']) => every20th(stage, { reply: '421 4.7.0 slow down', after: 'end' });
    const { states, rows } = await campaign('throttled', { faults: [says('mail'), says('message')] }, nothing);
    expect(states.sent).toBe(ROWS);
    expect(rows.map(({ attempts }) => attempts)).toEqual(rows.map(() => '1'));
  });

  it('closes the connection after 7 messages: everybody gets a copy', async () => {
    const close: RelayFault = { stage: 'message', afterMessages: 6, action: { after: 'end' } };
    const { states, hits } = await campaign('sevens', { faults: [close] }, nothing);
    expect(states.sent).toBe(ROWS);
    expect(hits).toBeGreaterThan(20);
  });

  it('answers every 20th message with garbage: just these are unknown', async () => {
    const garble = every20th('message', { pieces: ['2', '50accepted, or not\r\n'], keep: true });
    const { unknown, hit } = await campaign('garbage', { faults: [garble] }, unanswered);
    expect(hit.length).toBeGreaterThan(5);
    expect(unknown).toEqual(hit);
  });

  it('always drops the same message at DATA: its attempts are used up, and the others pass', async () => {
    const drop: RelayFault = { stage: 'data', pattern: '^user13@', action: DROP };
    const { states, rows } = await campaign('poison', { faults: [drop] }, () => ({ failed: /^user13@/ }));
    expect(states).toMatchObject({ sent: ROWS - 1, failed: 1 });
    expect(rows[13]).toMatchObject({ state: 'failed', attempts: '4' });
  });

  it('is gone for a while and comes back: the breaker waits, and everybody but the wire gets a copy', async () => {
    const record = join(field.place.folder, 'record-gone');
    writeFileSync(join(field.place.folder, 'people.csv'), listOf('gone', ROWS));
    const first = await startRelay({ record, delayMs: 100 });
    await field.place.run(launchArguments('gone', first.url, ['--detach']));
    await field.sent('gone', 50);
    await first.stop();
    const breaker = `fanmail:relay:127.0.0.1:${new URL(first.url).port}:`;
    await until(async () => ((await field.client.exists(breaker)) === 1 ? true : null), 'the breaker to open');
    expect(await field.count('gone', 'failed')).toBe(0);
    const second = await startRelay({ record, port: Number(new URL(first.url).port) });
    await field.ended('gone');
    await second.stop();
    const allowed = { unknown: 10 };
    const { states } = await auditFiles({ place: field.place, record, id: 'gone', rows: ROWS, allowed });
    expect(states.sent).toBeGreaterThanOrEqual(ROWS - 10);
  }, 200_000);
});

describe('a relay that never answers some messages', () => {
  it('SIGTERM with a short grace: just these become unknown, exit 0, and the rest goes on elsewhere', async () => {
    const faults: RelayFault[] = [{ stage: 'message', pattern: '^user(3|33|133)@', action: { ...SILENT, keep: true } }];
    const field = await newField({ delayMs: 5, faults });
    try {
      await field.launch('hangs', ROWS);
      const running = await field.workers({ processes: 1, connections: 10, grace: '1s' });
      await until(async () => (field.faults() === 3 ? true : null), 'the relay to hang three times');
      running.child.kill('SIGTERM');
      expect((await running.ended).code).toBe(0);
      expect(await field.count('hangs', 'inflight')).toBe(0);
      await field.workers({ processes: 1 });
      await field.ended('hangs');
      const { states } = await field.audit('hangs', ROWS, { unknown: 3 });
      expect(states).toMatchObject({ sent: ROWS - 3, unknown: 3 });
    } finally {
      await field.clear();
    }
  }, 200_000);
});

/** The addresses of a campaign's recipients that met a fault; the operator's notice is nobody's recipient. */
function faultsOf(record: string, id: string): string[] {
  const path = `${record}.faults`;
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const all = lines.map((line) => JSON.parse(line) as { stage: string; address: string });
  return all
    .filter(({ stage, address }) => stage === 'mail' || address.endsWith(`@${id}.example.com`))
    .map(({ address }) => address);
}
