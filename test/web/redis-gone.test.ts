import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tokensOf } from '../../src/domain/unsubscribe.js';
import { until } from '../support/cli.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { ask, ONE_CLICK, type Site, startSite } from './site.js';

let server: TestRedis;
let site: Site;
let link: (address: string) => string;

beforeEach(async () => {
  server = await freshRedis({ persist: true });
  site = await startSite(() => server.client());
  const tokenOf = tokensOf(await site.list.linkSecret(), null);
  link = (address) => `${site.url}/${tokenOf(address)}`;
});
afterEach(async () => {
  await site.server.stop(0);
  await server.stop();
});

describe('where Redis does not answer', () => {
  it('nobody is told that they are unsubscribed, the page is shown, and what was asked for is done when it is back', async () => {
    expect((await ask(link('before@example.com'), ONE_CLICK)).status).toBe(200);
    await server.kill();
    const { status, headers, text } = await ask(link('during@example.com'), ONE_CLICK);
    expect([status, headers['retry-after']]).toEqual([503, '60']);
    expect(text).toContain('<strong>not</strong> unsubscribed');
    expect((await ask(link('during@example.com'))).status).toBe(200);
    expect((await ask(`${site.url}/healthz`)).status).toBe(503);
    await server.start();
    const back = async () => ((await ask(`${site.url}/healthz`)).status === 200 ? true : null);
    await until(back, 'the site getting well');
    const added = async () => ((await site.list.check(['during@example.com'], null)).length === 1 ? true : null);
    await until(added, 'the one who was told to come again being unsubscribed');
    expect((await ask(link('after@example.com'), ONE_CLICK)).status).toBe(200);
    expect(await site.list.check(['before@example.com', 'during@example.com', 'after@example.com'], null)).toEqual([
      0, 1, 2,
    ]);
  }, 40_000);

  it('since it was never there, a page is not shown either, and no link is called wrong', async () => {
    await site.server.stop(0);
    site = await startSite(() => server.client());
    await server.kill();
    expect((await ask(link('a@example.com'))).status).toBe(503);
    expect((await ask(link('a@example.com'), ONE_CLICK)).status).toBe(503);
  }, 40_000);
});

it('says at once that it can not, where Redis is full', async () => {
  const redis = server.client();
  await redis.config('SET', 'maxmemory', '1');
  for (let i = 0; i < 3; i++) expect((await ask(link('a@example.com'), ONE_CLICK)).status).toBe(503);
  expect((await ask(link('a@example.com'))).status).toBe(200);
  await redis.config('SET', 'maxmemory', '0');
  expect(await site.list.check(['a@example.com'], null)).toEqual([]);
  expect((await ask(link('a@example.com'), ONE_CLICK)).status).toBe(200);
  expect(await site.list.check(['a@example.com'], null)).toEqual([0]);
  expect(site.log.lines).toMatchObject([{ level: 'warn', message: 'requests can not be answered' }, { level: 'info' }]);
});
