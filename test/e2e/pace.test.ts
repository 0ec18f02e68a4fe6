import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newPlace, type Place, startRelay } from '../support/cli.js';

interface Line {
  readonly to: string;
  readonly accepted: boolean;
  /** Milliseconds. */
  readonly at: number;
  readonly reply?: string;
}

let place: Place;
beforeAll(() => {
  place = newPlace();
});
afterAll(() => place.clear());

function writeList(name: string, domains: readonly string[], rows: number): void {
  const lines = Array.from({ length: rows }, (_, n) => `${name}${n}@${domains[n % domains.length]},N${n}`);
  writeFileSync(join(place.folder, `${name}.csv`), `email,First_Name\n${lines.join('\n')}\n`);
}

function writeTemplate(): void {
  writeFileSync(join(place.folder, 'subject.hbs'), 'Hello\n');
  writeFileSync(join(place.folder, 'text.hbs'), 'Hello {{First_Name}}\n');
}

async function launched(name: string, relay: { readonly url: string }, options: readonly string[]) {
  writeTemplate();
  const usual = ['--template', '.', '--from', 'news@example.com', '--smtp', relay.url, '--id', name, '--yes'];
  return place.run(['launch', `${name}.csv`, ...usual, '--workers', '3', '--connections', '10', ...options]);
}

const recordOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** The most within any window of so many milliseconds. */
function mostWithin(times: readonly number[], ms: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let [most, from] = [0, 0];
  sorted.forEach((time, to) => {
    while ((sorted[from] ?? 0) <= time - ms) from++;
    most = Math.max(most, to - from + 1);
  });
  return most;
}

it('rates hold over three worker processes, without a burst, and a slow domain holds up no other', async () => {
  const record = join(place.folder, 'rates');
  const relay = await startRelay({ record });
  writeList('rates', ['gmail.com', 'a.test', 'b.test', 'googlemail.com', 'c.test'], 900);
  const { code } = await launched('rates', relay, [
    '--rate',
    '150/s',
    '--throttle',
    'gmail.com=30/s',
    '--chunk-size',
    '50',
  ]);
  expect(code).toBe(0);
  const lines = recordOf(record);
  expect(lines).toHaveLength(900);
  const isGoogle = ({ to }: Line) => /@(gmail|googlemail)\.com$/.test(to);
  const google = lines.filter(isGoogle).map(({ at }) => at);
  const others = lines.filter((line) => !isGoogle(line)).map(({ at }) => at);
  expect(google).toHaveLength(360);
  // In any second the rate, and what the way from the slot to the relay adds on a busy machine.
  expect(mostWithin(google, 1_000)).toBeLessThanOrEqual(30 * 1.25 + 2);
  expect(mostWithin([...google, ...others], 1_000)).toBeLessThanOrEqual(150 * 1.25 + 2);
  const [begin, end] = [Math.min(...google), Math.max(...google)];
  // 360 at 30 a second, and not much slower.
  expect(end - begin).toBeGreaterThan(359 * (1_000 / 30) * 0.98);
  expect(end - begin).toBeLessThan(359 * (1_000 / 30) * 1.4);
  // 540 others with what is left of 150 a second: done long before.
  expect(Math.max(...others) - begin).toBeLessThan((end - begin) * 0.75);
  await relay.stop();
}, 90_000);

it('what a relay takes of a domain is found and held, and nobody is lost to its throttling', async () => {
  const record = join(place.folder, 'found');
  const limit = { pattern: '@gmail\\.com$', perSecond: 100, reply: '450 4.7.28 unusual rate of messages' };
  const relay = await startRelay({ record, limit });
  writeList('found', ['gmail.com', 'gmail.com', 'gmail.com', 'a.test'], 4_000);
  const { code } = await launched('found', relay, ['--attempts', '1', '--retry-schedule', '1s', '--chunk-size', '100']);
  expect(code).toBe(0);
  const lines = recordOf(record);
  const accepted = lines.filter((line) => line.accepted);
  expect(new Set(accepted.map(({ to }) => to)).size).toBe(4_000);
  expect(accepted).toHaveLength(4_000);
  const google = lines.filter(({ to }) => to.endsWith('@gmail.com'));
  const begin = Math.min(...google.map(({ at }) => at));
  const end = Math.max(...google.map(({ at }) => at));
  // Steady: from the fifth second on, until the last ones come back from their wait.
  const steady = google.filter(({ at }) => at >= begin + 5_000 && at < end - 3_000);
  const seconds = (end - 3_000 - begin - 5_000) / 1_000;
  const rate = steady.filter((line) => line.accepted).length / seconds;
  const refused = steady.filter((line) => !line.accepted).length / steady.length;
  console.info(
    `found ${rate.toFixed(1)}/s of 100/s in ${seconds.toFixed(1)} s, ${(refused * 100).toFixed(1)}% throttled`,
  );
  expect(rate).toBeGreaterThan(90);
  expect(rate).toBeLessThanOrEqual(101);
  // A few percent; more where the machine is busy.
  expect(refused).toBeLessThan(0.3);
  const summary = place.read<{ replies: readonly object[] }>('fanmail-results/found/summary.json');
  expect(summary.replies[0]).toMatchObject({
    code: '450 4.7.28',
    class: 'throttle',
    sample: 'unusual rate of messages',
  });
  await relay.stop();
}, 120_000);

it('a small campaign is not held up by a large one that waits for its pace', async () => {
  const record = join(place.folder, 'beside');
  const relay = await startRelay({ record });
  writeTemplate();
  writeList('slowly', ['gmail.com'], 400);
  writeList('quickly', ['a.test'], 200);
  const launch = (name: string, more: readonly string[]) => {
    const options = [
      '--template',
      '.',
      '--from',
      'news@example.com',
      '--smtp',
      relay.url,
      '--detach',
      '--chunk-size',
      '20',
    ];
    return place.run(['launch', `${name}.csv`, '--id', name, ...options, ...more]);
  };
  expect((await launch('slowly', ['--throttle', 'gmail.com=20/s'])).code).toBe(0);
  const worker = place.start(['worker', '--processes', '1', '--chunks', '1'], { SMTP_URL: relay.url });
  const attach = await launch('quickly', []).then(() => place.run(['progress', 'quickly', '--watch']));
  expect(attach.code).toBe(0);
  const slow = await place.json<{ phase: string; counters: { sent: number } }>(['progress', 'slowly']);
  expect(slow.phase).toBe('sending');
  expect(slow.counters.sent).toBeLessThan(200);
  expect((await place.run(['cancel', 'slowly'])).code).toBe(0);
  expect((await place.run(['progress', 'slowly', '--watch'])).code).toBe(4);
  worker.child.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  await relay.stop();
}, 90_000);
