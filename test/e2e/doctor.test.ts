import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { newPlace, type Place } from '../support/cli.js';
import { freshRedis } from '../support/redis.js';
import { type Action, type ScriptEvent, startScriptRelay } from '../support/script-relay.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Doctor {
  readonly verdict: string;
  readonly checks: readonly { name: string; verdict: string; text: string; hint: string | null }[];
}

const SECRET = 'opensesame';
let place: Place;
let seen = '';

beforeAll(() => {
  place = newPlace();
});
afterAll(() => place.clear());
// Whatever doctor looked at in a test, it showed no password.
afterEach(() => {
  expect(seen).not.toBe('');
  expect(seen).not.toContain(SECRET);
  expect(seen).not.toContain(Buffer.from(SECRET).toString('base64'));
});

async function doctor(env: Record<string, string> = {}) {
  const { code, out, err } = await place.run(['doctor', '--json'], env);
  seen = out + err;
  if (out === '') throw new Error(err);
  const { verdict, checks } = JSON.parse(out) as Doctor;
  return { code, verdict, of: new Map(checks.map((check) => [check.name, check])) };
}

async function script(behave: (event: ScriptEvent) => Action | undefined): Promise<string> {
  const relay = await startScriptRelay({ extensions: ['AUTH PLAIN', 'SIZE 7000000'], behave });
  onTestFinished(() => relay.stop());
  return `smtp://somebody:${SECRET}@127.0.0.1:${relay.port}?tls=none`;
}

describe('doctor', () => {
  it('finds the embedded Redis well, starts it where it does not run, and exits 0', async () => {
    const first = await doctor();
    expect(first.code).toBe(0);
    expect(first.of.get('redis-running')?.text).toContain('was started now');
    for (const name of ['redis-binary', 'redis-running', 'redis-version', 'redis-eviction', 'redis-persistence'])
      expect(first.of.get(name), name).toMatchObject({ verdict: 'ok', hint: null });
    expect(first.of.get('redis-latency')?.text).toMatch(/takes \d+(\.\d+)? ms/);
    expect(first.of.get('clock')).toMatchObject({ verdict: 'ok' });
    expect(first.of.get('disk')?.text).toMatch(/[1-9][\d,]* [MG]B free/);
    expect(first.of.get('node')?.text).toContain(`Node ${process.versions.node}`);
    expect((await doctor()).of.get('redis-running')?.text).toContain('it runs');
  });

  it('has a problem where there is no server binary, says how to get one, and exits 1', async () => {
    writeFileSync(join(place.folder, 'no-server'), '');
    const { code, verdict, of } = await doctor({ FANMAIL_REDIS_BIN: join(place.folder, 'no-server') });
    expect([code, verdict]).toEqual([1, 'problem']);
    expect(of.get('redis-binary')).toMatchObject({ verdict: 'problem', hint: expect.stringContaining('redis-server') });
  });

  it('warns of a Redis of one’s own that may forget, and has a problem with one that can’t be reached', async () => {
    const redis = await freshRedis({ settings: { 'maxmemory-policy': 'allkeys-lru' } });
    onTestFinished(() => redis.stop());
    const forgetful = await doctor({ REDIS_URL: redis.path });
    expect([forgetful.code, forgetful.verdict]).toEqual([0, 'warning']);
    expect(forgetful.of.get('redis-eviction')?.text).toContain('allkeys-lru');
    expect(forgetful.of.get('redis-persistence')).toMatchObject({ verdict: 'warning' });

    const gone = await doctor({ REDIS_URL: `redis://somebody:${SECRET}@127.0.0.1:1` });
    expect([gone.code, gone.of.get('redis-connect')?.verdict]).toEqual([1, 'problem']);
  });

  it('tells what a relay is like: connection, TLS, login, extensions and SIZE', async () => {
    const { code, of } = await doctor({ SMTP_URL: await script(() => undefined) });
    expect(code).toBe(0);
    const relay = [...of.values()].filter(({ name }) => name.startsWith('relay-'));
    expect(relay.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['relay-connect', 'ok'],
      ['relay-tls', 'ok'],
      ['relay-login', 'ok'],
      ['relay-extensions', 'ok'],
      ['relay-size', 'ok'],
    ]);
    expect(of.get('relay-extensions')?.text).toBe('offers AUTH, SIZE');
    expect(of.get('relay-size')?.text).toContain('7,000,000');
  });

  it('has a problem with a refused login, even where the relay repeats the password', async () => {
    const behave = ({ stage }: ScriptEvent) => (stage === 'auth' ? { reply: `535 5.7.8 no ${SECRET}` } : undefined);
    const { code, of } = await doctor({ SMTP_URL: await script(behave) });
    expect([code, of.get('relay-connect')?.verdict]).toEqual([1, 'ok']);
    expect(of.get('relay-login')).toMatchObject({ verdict: 'problem', hint: expect.stringContaining('SMTP_URL') });
  });

  it('reads for a person, too', async () => {
    const { code, out } = await place.run(['doctor'], { SMTP_URL: `smtp://somebody:${SECRET}@127.0.0.1:1` });
    seen = out;
    expect(code).toBe(1);
    expect(out).toMatch(/^ok +redis-version +Redis \d/m);
    expect(out).toMatch(/^problem +relay-connect +no connection to the relay/m);
    expect(out).toContain('1 problem, ');
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});
