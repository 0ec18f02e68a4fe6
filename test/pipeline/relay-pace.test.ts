import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Throttling } from '../../src/pipeline/pace-ports.js';
import { RelayPace } from '../../src/pipeline/relay-pace.js';
import { createPaceStore } from '../../src/redis/pace/store.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { keptLog } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it('tells what a relay takes of a group, then leaves out what belongs to the rate before, and tells its share', async () => {
  const store = createPaceStore(redis);
  const told: Throttling[] = [];
  const noting = {
    ...store,
    throttled: (...args: Parameters<typeof store.throttled>) => {
      told.push(args[1]);
      return store.throttled(...args);
    },
  };
  const relay = { host: 'relay.test', port: 25, security: 'plain', user: null } as const;
  const pace = new RelayPace(relay, noting, keptLog(), {});
  const leave = await pace.watch(() => {});
  const answer = (accepted: number, throttled: number) => {
    for (let n = 0; n < accepted; n++) pace.answered('a@gmail.com', false);
    for (let n = 0; n < throttled; n++) pace.answered('b@googlemail.com', true);
  };
  answer(20, 20);
  expect(told).toEqual([]);
  await wait(400);
  expect(told).toMatchObject([{ group: 'gmail.com', known: false, answers: 40, share: 0.5 }]);
  expect(pace.isSlow('gmail.com')).toBe(true);
  // Of the rate before: there may still be slots of it.
  await wait(300);
  answer(0, 100);
  await wait(700);
  answer(60, 20);
  await wait(1_200);
  answer(0, 1);
  await wait(100);
  expect(told).toHaveLength(2);
  expect(told[1]).toMatchObject({ group: 'gmail.com', known: true, answers: 81 });
  expect(told[1]?.share).toBeCloseTo(21 / 81);
  leave();
});
