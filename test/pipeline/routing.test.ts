import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Route } from '../../src/pipeline/chunk-ports.js';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import { Routing } from '../../src/pipeline/routing.js';
import { createBreaker } from '../../src/redis/breaker/store.js';
import { createPaceStore } from '../../src/redis/pace/store.js';
import { assertBalanced, bytesOf, sending } from '../redis/ledger/fixture.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, refOf, refusedWith, ScriptedRelay, SENT } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

let port = 6_000;

function routesOf(...relays: readonly (Partial<Route> & { relay?: ScriptedRelay })[]): Route[] {
  return relays.map((route, at) => ({
    identity: { host: '127.0.0.1', port: port++, security: 'plain', user: null },
    ...{ weight: 1, spare: false, number: at + 1, relay: new ScriptedRelay() },
    ...route,
  }));
}

async function numbersOf(routing: Routing): Promise<number[]> {
  const found: number[] = [];
  for (let way = await routing.next(); way; way = await routing.next()) found.push(way.route.number);
  return found;
}

describe('the order of relays', () => {
  it('is drawn by their weights', async () => {
    const routes = routesOf({ weight: 3 }, { weight: 1 });
    let first = 0;
    for (let n = 0; n < 400; n++)
      if ((await new Routing(routes, createBreaker(redis)).next())?.route.number === 1) first++;
    expect(first).toBeGreaterThan(250);
    expect(first).toBeLessThan(350);
  });

  it('has spare ones last, and leaves out those whose breaker is open', async () => {
    const breaker = createBreaker(redis);
    const routes = routesOf({ spare: true }, {}, {});
    expect((await numbersOf(new Routing(routes, breaker))).at(-1)).toBe(1);
    const [, second] = routes;
    if (second) await breaker.fault(second.identity, { cause: 'unreachable', why: 'x', misconfigured: false });
    const routing = new Routing(routes, breaker);
    expect(await numbersOf(routing)).toEqual([3, 1]);
    expect(routing.waitMs).toBeGreaterThan(0);
    expect(routing.waitMs).toBeLessThanOrEqual(1_000);
  });
});

/** A campaign with two relays, the second one spare. */
async function campaignWith(main: ScriptedRelay, spare: ScriptedRelay, perChunk = 40) {
  const routes = routesOf({ relay: main }, { relay: spare, spare: true });
  const relays = routes.map(({ identity, weight, spare: isSpare }) => ({ identity, weight, spare: isSpare }));
  const [first] = relays;
  if (!first) throw new Error('no relay');
  const staged = await sending(redis, {
    ...{ chunks: 1, perChunk, relay: first.identity, relays, attempts: 3, retryScheduleMs: [5] },
  });
  return { staged, routes, ...bench(redis, 'none', { routes: () => routes }) };
}

describe('a relay that is down', () => {
  it('hands over to the next one in the same run, and its breaker is open', async () => {
    const main = new ScriptedRelay();
    main.fault = { cause: 'unreachable', why: 'refused', misconfigured: false };
    const spare = new ScriptedRelay();
    const { staged, routes, ports, signals } = await campaignWith(main, spare);
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('S'.repeat(40));
    expect(spare.handed).toHaveLength(40);
    const identity = routes[0]?.identity;
    expect(identity && (await ports.breaker.state(identity))).not.toBeNull();
    expect((await staged.campaigns.standing(staged.id))?.relays).toEqual([
      { sent: 0, failed: 0, deferred: 0, throttled: 0, unknown: 0 },
      { sent: 40, failed: 0, deferred: 0, throttled: 0, unknown: 0 },
    ]);
    await assertBalanced(staged);
  });

  it('and whose spare is down, too, lets the chunk wait', async () => {
    const [main, spare] = [new ScriptedRelay(), new ScriptedRelay()];
    main.fault = spare.fault = { cause: 'unreachable', why: 'refused', misconfigured: false };
    const { staged, ports, signals } = await campaignWith(main, spare);
    expect(await runChunk(refOf(staged), ports, signals)).toMatchObject({ kind: 'later', why: 'refused' });
    expect(await runChunk(refOf(staged), ports, signals)).toMatchObject({ why: 'the relay was not reachable' });
    expect(await bytesOf(staged)).toBe('P'.repeat(40));
  });
});

describe('a relay that throttles', () => {
  it('hands over what is left, and each is counted at its relay', async () => {
    let taken = 0;
    const main = new ScriptedRelay(() => (++taken > 10 ? refusedWith(450, [7, 28]) : SENT));
    const spare = new ScriptedRelay();
    const { staged, ports, signals } = await campaignWith(main, spare, 200);
    await runChunk(refOf(staged), ports, signals);
    await assertBalanced(staged);
    const [first, second] = (await staged.campaigns.standing(staged.id))?.relays ?? [];
    expect(first?.sent).toBe(10);
    expect(first?.throttled).toBeGreaterThan(0);
    const states = await bytesOf(staged);
    const sent = states.replace(/[^S]/g, '').length;
    // Those that were throttled wait; if they are due again by then, the other one takes them, too.
    expect(states.replace(/[SD]/g, '')).toBe('');
    expect(200 - sent).toBeLessThanOrEqual(first?.throttled ?? 0);
    expect(second?.sent).toBe(sent - 10);
    expect(spare.handed).toHaveLength(sent - 10);
  });

  it('and whose spare throttles, too, is waited for', async () => {
    const [main, spare] = [new ScriptedRelay(), new ScriptedRelay()];
    const { staged, routes, ports, signals } = await campaignWith(main, spare, 30);
    for (const { identity } of routes)
      await createPaceStore(redis).throttled(identity, {
        ...{ group: 'example.org', acceptedPerSecond: 20, share: 0.5, answers: 9, known: false },
      });
    expect(await runChunk(refOf(staged), ports, signals)).toEqual({ kind: 'done' });
    expect(await bytesOf(staged)).toBe('S'.repeat(30));
    expect(main.handed.length).toBeGreaterThan(spare.handed.length);
  });
});
