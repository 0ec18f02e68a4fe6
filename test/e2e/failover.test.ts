import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newPlace, type Place, startRelay, until } from '../support/cli.js';

const ROWS = 3_000;

let place: Place;
beforeAll(() => {
  place = newPlace();
  const rows = Array.from({ length: ROWS }, (_, n) => `r${n}@d${n % 7}.test,N${n}`);
  writeFileSync(join(place.folder, 'list.csv'), `email,First_Name\n${rows.join('\n')}\n`);
  writeFileSync(join(place.folder, 'subject.hbs'), 'Hello\n');
  writeFileSync(join(place.folder, 'text.hbs'), 'Hello {{First_Name}}\n');
});
afterAll(() => place.clear());

const acceptedBy = (record: string): string[] =>
  readFileSync(record, 'utf8')
    .split('\n')
    // The relay may be writing the last one.
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { to: string; accepted: boolean })
    .flatMap(({ to, accepted }) => (accepted ? [to] : []));

interface Figures {
  readonly relay: string;
  readonly spare: boolean;
  readonly sent: number;
  readonly unknown: number;
}

it('a relay that goes down in mid-campaign hands over to the spare: nobody is lost, and nobody gets a second copy', async () => {
  const records = [join(place.folder, 'main'), join(place.folder, 'spare')] as const;
  const main = await startRelay({ record: records[0], delayMs: 2 });
  const spare = await startRelay({ record: records[1] });
  const smtp = `${main.url} ${spare.url}?spare=true`;
  const options = ['--template', '.', '--from', 'news@example.com', '--id', 'over', '--yes', '--chunk-size', '100'];
  const running = place.start(['launch', 'list.csv', ...options, '--workers', '2', '--connections', '5'], {
    SMTP_URL: smtp,
  });
  await until(async () => (acceptedBy(records[0]).length > 500 ? true : null), 'the main relay is at work', 60_000, 5);
  await main.stop();
  const { code } = await running.ended;
  const [first, second] = records.map(acceptedBy);
  const all = [...(first ?? []), ...(second ?? [])];
  const summary = place.read<{ states: Record<string, number>; relays: Figures[] }>(
    'fanmail-results/over/summary.json',
  );
  const { sent = 0, unknown = 0 } = summary.states;
  expect(sent + unknown).toBe(ROWS);
  // What was on the wire when it went down.
  expect(unknown).toBeLessThanOrEqual(10);
  expect(code).toBe(unknown > 0 ? 3 : 0);
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(sent);
  expect(all.length).toBeLessThanOrEqual(sent + unknown);
  const [a, b] = summary.relays;
  expect([a?.spare, b?.spare]).toEqual([false, true]);
  expect((a?.sent ?? 0) + (b?.sent ?? 0)).toBe(sent);
  expect(b?.sent).toBe(second?.length);
  expect(b?.sent).toBeGreaterThan(1_000);
  expect((await place.run(['verify', 'over'])).code).toBe(0);
  await spare.stop();
}, 120_000);

it('weights share the chunks out among relays that are there', async () => {
  const records = [join(place.folder, 'heavy'), join(place.folder, 'light')] as const;
  const heavy = await startRelay({ record: records[0] });
  const light = await startRelay({ record: records[1] });
  const options = ['--template', '.', '--from', 'news@example.com', '--id', 'shared', '--yes', '--chunk-size', '10'];
  const { code } = await place.run(['launch', 'list.csv', ...options], {
    SMTP_URL: `${heavy.url}?weight=4 ${light.url}`,
  });
  expect(code).toBe(0);
  const [most = 0, least = 0] = records.map((record) => acceptedBy(record).length);
  expect(most + least).toBe(ROWS);
  // 300 chunks, each with four chances in five: 240, give or take six times what chance does.
  expect(most).toBeGreaterThan(1_980);
  expect(most).toBeLessThan(2_820);
  for (const relay of [heavy, light]) await relay.stop();
}, 120_000);
