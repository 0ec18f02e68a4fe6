import { createWriteStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateList } from '../../scripts/make-list.js';
import type { Summary } from '../../src/domain/summary.js';
import { contradictions, readRecord, readResults } from '../support/audit.js';
import { newPlace, type Place, startRelay, until } from '../support/cli.js';

const ROWS = 25_000;
/** 2% are refused for good, 5% at first. The list numbers its addresses. */
const SCENARIO = {
  permanent: '^user\\d*(00|50)\\.',
  transient: { pattern: '^user\\d*[02468]1\\.', times: 1 },
};
const OPERATOR = 'operator@example.net';
const CONNECTIONS = 10;

interface Progress {
  readonly phase: string;
  readonly total: number;
  readonly done: number;
  readonly counters: Record<string, number>;
  readonly workers: readonly { readonly pid: number }[];
}

describe('a campaign of 25,000 rows through a relay that refuses some', () => {
  let place: Place;
  let relay: Awaited<ReturnType<typeof startRelay>>;
  const record = () => join(place.folder, 'record');

  beforeAll(async () => {
    place = newPlace();
    const list = generateList({ rows: ROWS, bad: 0.01, duplicates: 0.01, seed: 7 });
    await pipeline(list, createWriteStream(join(place.folder, 'people.csv')));
  });
  afterAll(() => place.clear());

  async function launched(id: string, ...more: string[]): Promise<void> {
    relay = await startRelay({ record: `${record()}-${id}`, ...SCENARIO });
    const options = ['--from', 'News <news@example.com>', '--retry-schedule', '1s', '--attempts', '3', '--id', id];
    const args = ['launch', 'people.csv', '--template', 'newsletter', '--smtp', relay.url, '--detach', ...options];
    const { code, err } = await place.run([...args, ...more]);
    expect(err).toContain('Staged');
    expect(code).toBe(0);
  }

  const workers = () =>
    place.start(['worker', '--processes', '2', '--connections', String(CONNECTIONS)], { SMTP_URL: relay.url });
  const progress = (id: string) => place.json<Progress>(['progress', id]);
  const sent = (id: string, atLeast: number) =>
    until(async () => {
      const now = await progress(id);
      return (now.counters.sent ?? 0) >= atLeast ? now : null;
    }, `${atLeast} messages sent`);
  const ended = (id: string) =>
    until(async () => ((await progress(id)).phase === 'completed' ? true : null), 'the end of the campaign', 120_000);

  /** The relay's own record says the same of everybody as the results, and the summary's figures add up. */
  function audit(id: string): Summary {
    const folder = join(place.folder, 'fanmail-results', id);
    const rows = readResults(join(folder, 'results.csv'));
    const seen = readRecord(`${record()}-${id}`);
    seen.delete(OPERATOR);
    expect(contradictions(rows, seen)).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual([
      ...['rejects.csv', 'results.csv', 'summary.html', 'summary.json', 'summary.txt'],
    ]);
    return checkSummary(id, rows);
  }

  function checkSummary(id: string, rows: readonly { readonly state: string }[]): Summary {
    const summary = place.read<Summary>(join('fanmail-results', id, 'summary.json'));
    const count = (state: string) => rows.filter((row) => row.state === state).length;
    for (const [state, figure] of Object.entries(summary.states))
      expect([state, figure]).toEqual([state, count(state)]);
    expect(rows.length).toBe(summary.total);
    const rejected = Object.values(summary.list.rejects).reduce((a, b) => a + b, 0);
    expect(summary.total + rejected).toBe(ROWS);
    return summary;
  }

  it('ends with everybody in the state that the relay wrote down, one summary and one notice', async () => {
    await launched('plain', '--notify', OPERATOR);
    const running = workers();
    await ended('plain');
    await until(async () => readRecord(`${record()}-plain`).get(OPERATOR) ?? null, 'the notice');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    await relay.stop();

    const notices = readRecord(`${record()}-plain`).get(OPERATOR);
    expect(notices?.accepted).toBe(1);
    const { states, retries, total } = audit('plain');
    expect(states.unknown).toBe(0);
    expect(states.failed).toBeGreaterThan(total * 0.015);
    expect(retries).toBeGreaterThan(total * 0.04);
  }, 180_000);

  it('survives the kill of a worker in the middle, with at most the wire unknown and no second copy', async () => {
    await launched('killed');
    const running = workers();
    const { workers: present } = await sent('killed', 2_000);
    const victim = present[0]?.pid;
    if (!victim) throw new Error('no worker is connected');
    process.kill(victim, 'SIGKILL');
    await ended('killed');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    await relay.stop();

    const { states } = audit('killed');
    expect(states.unknown).toBeLessThanOrEqual(CONNECTIONS);
    expect(states.sent).toBeGreaterThan(20_000);
  }, 180_000);

  it('stands still while it is paused and goes on after it is resumed', async () => {
    await launched('paused');
    const running = workers();
    await sent('paused', 2_000);
    expect((await place.run(['pause', 'paused'])).code).toBe(0);
    const drained = await until(async () => {
      const now = await progress('paused');
      return now.counters.inflight === 0 ? now : null;
    }, 'the wire to drain');
    expect(drained.counters.pending).toBeGreaterThan(0);
    const later = await until(async () => progress('paused'), 'a second look');
    expect(later.counters).toEqual(drained.counters);
    expect((await place.run(['resume', 'paused'])).code).toBe(0);
    await ended('paused');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    await relay.stop();
    expect(audit('paused').states.unknown).toBe(0);
  }, 180_000);
});
