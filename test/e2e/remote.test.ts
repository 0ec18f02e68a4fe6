import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResults } from '../support/audit.js';
import { newPlace, type Place, startRelay, until } from '../support/cli.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

const FROM = ['--template', 'notice', '--from', 'me@example.com'];

let server: TestRedis;
let relay: Awaited<ReturnType<typeof startRelay>>;
let launcher: Place;
let elsewhere: Place;

beforeAll(async () => {
  server = await freshRedis({ settings: { 'maxmemory-policy': 'allkeys-lru' } });
  launcher = newPlace({ REDIS_URL: server.path });
  elsewhere = newPlace({ REDIS_URL: `unix://${server.path}` });
  relay = await startRelay({ record: join(launcher.folder, 'record') });
  const rows = Array.from({ length: 50 }, (_, i) => `user${i}@example.com,Name`);
  writeFileSync(join(launcher.folder, 'people.csv'), ['email,first_name', ...rows, ''].join('\n'));
});
afterAll(async () => {
  await relay.stop();
  await launcher.clear();
  await elsewhere.clear();
  await server.stop();
});

describe('with a Redis of the user’s own', () => {
  it('launch says what is at risk and that workers are missing; workers anywhere send; reports come from anywhere', async () => {
    const running = launcher.start(['launch', 'people.csv', ...FROM, '--smtp', relay.url, '--id', 'far']);
    await until(async () => (running.said().includes('No workers are connected') ? true : null), 'the word on workers');
    expect(running.said()).toMatch(/Warning, Redis at .*noeviction/);
    expect(running.said()).toMatch(/Warning, Redis at .*(persist|restart)/i);
    expect(existsSync(join(launcher.folder, 'home'))).toBe(false);

    const worker = elsewhere.start(['worker', '--processes', '1'], { SMTP_URL: relay.url });
    expect((await running.ended).code).toBe(0);
    // The results are where the campaign ended; anybody else asks for them.
    expect(existsSync(join(elsewhere.folder, 'fanmail-results/far/results.csv'))).toBe(true);
    expect((await launcher.run(['report', 'far', '--out', 'mine'])).code).toBe(0);
    expect(readResults(join(launcher.folder, 'mine/far/results.csv'))).toHaveLength(50);
    worker.child.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });

  it('a worker without the credentials leaves the campaign alone and says so', async () => {
    const url = relay.url.replace('smtp://', 'smtp://somebody:secret@');
    const args = ['launch', 'people.csv', ...FROM, '--smtp', `${url}?tls=none`, '--id', 'locked', '--detach'];
    expect((await launcher.run(args)).code).toBe(0);
    const worker = elsewhere.start(['worker', '--processes', '1'], { SMTP_URL: relay.url });
    const trouble = await until(async () => {
      const { out } = await launcher.run(['progress', 'locked']);
      return out.includes('no credentials') ? out : null;
    }, 'the trouble to be shown');
    expect(trouble).toContain('127.0.0.1');
    expect(trouble).not.toContain('secret');
    expect((await launcher.run(['cancel', 'locked'])).code).toBe(0);
    const ended = await until(async () => {
      const { phase } = await launcher.json<{ phase: string }>(['progress', 'locked']);
      return phase === 'cancelled' ? phase : null;
    }, 'the end of the cancelled campaign');
    expect(ended).toBe('cancelled');
    worker.child.kill('SIGTERM');
    await worker.ended;
  });

  it('that can’t be reached is named, without its password', async () => {
    const { code, err } = await launcher.run(['list'], { REDIS_URL: 'redis://:hidden@127.0.0.1:1' });
    expect(code).toBe(1);
    expect(err).toContain('127.0.0.1:1');
    expect(err).not.toContain('hidden');
  });
});

describe('on a terminal', () => {
  it.runIf(process.platform === 'linux')(
    'launch shows count, sender and relay, and sends nothing on anything but yes',
    async () => {
      const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
      const line = [process.execPath, program, 'launch', 'people.csv', ...FROM, '--smtp', relay.url, '--id', 'asked'];
      // util-linux's script gives the program a terminal.
      const child = spawn('script', ['-qec', line.join(' '), '/dev/null'], {
        cwd: launcher.folder,
        env: { ...process.env, REDIS_URL: server.path },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let shown = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
      });
      await until(async () => (shown.includes('[y/N]') ? true : null), 'the question');
      expect(shown).toContain('Send 50 messages from me@example.com through 127.0.0.1');
      child.stdin.write('n\n');
      const [code] = await once(child, 'exit');
      expect(code).toBe(2);
      expect(shown).toContain('nothing was sent');
      const { campaigns } = await launcher.json<{ campaigns: { id: string }[] }>(['list']);
      expect(campaigns.map(({ id }) => id)).not.toContain('asked');
      expect(readFileSync(join(launcher.folder, 'record'), 'utf8').split('\n').filter(Boolean)).toHaveLength(50);
    },
  );
});
