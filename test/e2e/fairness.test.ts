import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateList } from '../../scripts/make-list.js';
import { newPlace, type Place, startRelay, until } from '../support/cli.js';

const LARGE = 9_000;
const SMALL = 300;

let place: Place;
beforeAll(() => {
  place = newPlace();
});
afterAll(() => place.clear());

/**
 * Counted in messages and not in seconds: the relay answers each after a moment, so that connections are what there is
 * to share, and its record tells who got them.
 */
it('a small campaign behind a large one gets its share of the workers at once, and neither starves', async () => {
  const record = join(place.folder, 'record');
  const relay = await startRelay({ record, delayMs: 10 });
  for (const [name, rows] of Object.entries({ large: LARGE, small: SMALL }))
    writeFileSync(join(place.folder, `${name}.csv`), [...generateList({ rows })].join('').replaceAll('user', name));
  const launch = (name: string) => {
    const options = ['--from', 'news@example.com', '--smtp', relay.url, '--detach', '--id', name];
    return place.run(['launch', `${name}.csv`, '--template', 'notice', ...options]);
  };
  expect((await launch('large')).code).toBe(0);
  const worker = place.start(['worker', '--processes', '1', '--connections', '10'], { SMTP_URL: relay.url });
  const accepted = () => readFileSync(record, 'utf8').trim().split('\n');
  await until(async () => (accepted().length > 1_000 ? true : null), 'the large campaign is under way');
  expect((await launch('small')).code).toBe(0);
  const progress = (id: string) => place.json<{ phase: string }>(['progress', id]);
  await until(async () => ((await progress('small')).phase === 'completed' ? true : null), 'the small one is done');

  const names = accepted().map((line) => (/"to":"small/.test(line) ? 'small' : 'large'));
  const [first, last] = [names.indexOf('small'), names.lastIndexOf('small')];
  expect(names.filter((name) => name === 'small')).toHaveLength(SMALL);
  const meanwhile = last - first + 1 - SMALL;
  // As many of the large one, give or take what a claim and the ends of chunks take.
  expect(meanwhile).toBeGreaterThan(SMALL * 0.6);
  expect(meanwhile).toBeLessThan(SMALL * 1.6);

  worker.child.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  await relay.stop();
}, 120_000);
