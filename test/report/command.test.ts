import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Summary } from '../../src/domain/summary.js';
import { newPlace, type Place, startRelay } from '../support/cli.js';

let place: Place;
let relay: Awaited<ReturnType<typeof startRelay>>;

beforeAll(async () => {
  place = newPlace();
  relay = await startRelay({ record: join(place.folder, 'record'), permanent: '^gone' });
  for (const id of ['old', 'new']) {
    writeFileSync(join(place.folder, `${id}.csv`), `email,first_name\n${id}@example.com,A\ngone-${id}@example.com,B\n`);
    const from = ['--template', 'notice', '--from', 'me@example.com', '--smtp', relay.url];
    expect((await place.run(['launch', `${id}.csv`, '--id', id, ...from])).code).toBe(3);
  }
}, 90_000);
afterAll(async () => {
  await relay.stop();
  await place.clear();
});

it('a campaign that ended has its page beside summary.json, with the times of its recipients', () => {
  const page = readFileSync(join(place.folder, 'fanmail-results/old/summary.html'), 'utf8');
  expect(page).toContain('<h2>Throughput</h2>');
  expect(page).toContain('no such user here');
  const { timeline, latencies } = place.read<Summary>('fanmail-results/old/summary.json');
  const sum = (counts: readonly number[] | undefined) => counts?.reduce((a, b) => a + b, 0);
  expect(sum(timeline?.counts)).toBe(2);
  expect(sum(latencies?.map((one) => one.count))).toBe(2);
});

it('report --format html prints the page and nothing else, of the newest campaign where none is named', async () => {
  const of = (id: string) => readFileSync(join(place.folder, `fanmail-results/${id}/summary.html`), 'utf8');
  expect((await place.run(['report', 'old', '--format', 'html'])).out).toBe(of('old'));
  const newest = await place.run(['report', '--format', 'html']);
  expect([newest.code, newest.out]).toEqual([0, of('new')]);
});

it('report --format html --out writes the page there and prints its path', async () => {
  const { code, out } = await place.run(['report', 'old', '--format', 'html', '--out', 'copy']);
  expect([code, out]).toEqual([0, `${join(place.folder, 'copy/old/summary.html')}\n`]);
  expect(readFileSync(out.trim(), 'utf8')).toContain('<h1>old.csv</h1>');
});
