import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Action, ScriptEvent } from '../support/script-relay.js';
import { faultIn, NEVER, plainUrl, pool, reusedMail, SHORT, script, send } from './setting.js';

const SECRET = 'opensesame';
let dir: string;
let tls: { key: Buffer; cert: Buffer };

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fanmail-tls-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...args, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  tls = { key: readFileSync(key), cert: readFileSync(cert) };
});
afterAll(() => rmSync(dir, { recursive: true }));

async function fault(url: string) {
  return faultIn(await pool(url).take(1, NEVER));
}

function at(stage: ScriptEvent['stage'], action: Action) {
  return { behave: (event: ScriptEvent) => (event.stage === stage ? action : undefined) };
}

describe('a relay that can not be used', () => {
  it('refuses the connection: unreachable', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const address = free.address();
    await new Promise((resolve) => free.close(resolve));
    if (address === null || typeof address === 'string') throw new Error('no port');
    expect(await fault(`smtp://127.0.0.1:${address.port}`)).toEqual({
      cause: 'unreachable',
      why: expect.stringContaining('ECONNREFUSED'),
      misconfigured: false,
    });
  });

  it('has no such name: unreachable', async () => {
    expect(await fault('smtp://nowhere.invalid')).toMatchObject({ cause: 'unreachable', misconfigured: false });
  });

  it.each(['554 5.7.1 go away', '421 4.3.2 later'])('greets with %s: greeting', async (reply) => {
    const server = await script(at('greeting', { reply, after: 'end' }));
    expect(await fault(plainUrl(server))).toEqual({
      cause: 'greeting',
      why: `the relay does not open a session: ${reply}`,
      misconfigured: false,
    });
  });

  it('drops the connection before it greets: unreachable', async () => {
    const server = await script(at('greeting', { pieces: [], after: 'destroy' }));
    expect(await fault(plainUrl(server))).toMatchObject({ cause: 'unreachable', misconfigured: false });
  });

  it('never greets: greeting', async () => {
    const server = await script(at('greeting', { pieces: [] }));
    const relay = pool(plainUrl(server), { timeouts: { connect: 500, greeting: 60 } });
    expect(faultIn(await relay.take(1, NEVER))).toMatchObject({ cause: 'greeting', misconfigured: false });
  });

  it('never answers EHLO: greeting', async () => {
    const server = await script(at('ehlo', { pieces: [] }));
    const relay = pool(plainUrl(server), { timeouts: { connect: 500, greeting: 60 } });
    expect(faultIn(await relay.take(1, NEVER))).toMatchObject({ cause: 'greeting', misconfigured: false });
  });

  it.each(['greeting', 'ehlo'] as const)(
    'says a little at a time at %s, and never an end: a fault in time',
    async (stage) => {
      const text = stage === 'greeting' ? '220-wait\r\n' : '250-wait\r\n';
      const server = await script(at(stage, { pieces: [text], flood: { text, everyMs: 20 } }));
      const relay = pool(plainUrl(server), { timeouts: { ...SHORT, setUp: 300 } });
      expect(faultIn(await relay.take(1, NEVER))).toMatchObject({ why: expect.stringContaining('in time') });
    },
  );

  it.each(['', 'x', '250-x'])('floods at EHLO with %j: cut off', async (line) => {
    const server = await script(at('ehlo', { pieces: [], flood: { text: line === 'x' ? line : `${line}\r\n` } }));
    expect(await fault(plainUrl(server))).toMatchObject({ misconfigured: false });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it.each(['250 more\r\n', '25'])('speaks before it is asked (%j): no connection of ours', async (more) => {
    const server = await script(at('ehlo', { pieces: [`250 script.test\r\n${more}`] }));
    expect(await fault(plainUrl(server))).toMatchObject({
      cause: 'unreachable',
      why: expect.stringContaining('without being asked'),
    });
  });
});

describe('a login', () => {
  const login = { extensions: ['PIPELINING', 'AUTH PLAIN LOGIN'] };
  const url = (port: number, tail = '?tls=none') => `smtp://somebody:${SECRET}@127.0.0.1:${port}${tail}`;

  it('is made before the first message', async () => {
    const said: string[] = [];
    const server = await script({
      ...login,
      behave: ({ stage, address }) => void (stage === 'auth' && said.push(address)),
    });
    expect((await send(pool(url(server.port)))).kind).toBe('sent');
    expect(said).toEqual([`PLAIN ${Buffer.from(`\0somebody\0${SECRET}`).toString('base64')}`]);
  });

  it.each([
    ['535 5.7.8 wrong', 'login', true],
    ['534 5.7.9 too weak', 'login', true],
    ['530 5.7.0 no', 'login', true],
    ['454 4.7.0 for now', 'login', false],
    ['421 4.3.2 closing', 'greeting', false],
    ['999 what?', 'login', false],
  ])('answered %s is a fault of cause %s, misconfigured: %s', async (reply, cause, misconfigured) => {
    const server = await script({ ...login, ...at('auth', { reply }) });
    expect(await fault(url(server.port))).toMatchObject({ cause, misconfigured, why: expect.stringContaining(reply) });
  });

  it('that is refused never shows the credentials, though the relay repeats them', async () => {
    const code = Buffer.from(`\0somebody\0${SECRET}`).toString('base64');
    const server = await script({ ...login, ...at('auth', { reply: `535 no ${SECRET} for somebody by ${code}` }) });
    const { why } = await fault(url(server.port));
    expect(why).toBe('the login was refused: 535 no … for … by …');
  });

  it('that is not offered is not tried', async () => {
    const server = await script({ extensions: [] });
    expect(await fault(url(server.port))).toMatchObject({ cause: 'login', misconfigured: true });
  });

  it('is never said in the clear where STARTTLS is not to be had', async () => {
    const stages: string[] = [];
    const server = await script({ ...login, behave: ({ stage }) => void stages.push(stage) });
    expect(await fault(url(server.port, ''))).toMatchObject({ cause: 'tls', misconfigured: true });
    expect(stages).not.toContain('auth');
  });
});

describe('TLS', () => {
  it.each([
    ['smtp', '?tls=required'],
    ['smtps', ''],
  ])('with a certificate that nobody vouches for is a fault, by %s', async (scheme, tail) => {
    const server = await script({ tls: { ...tls, implicit: scheme === 'smtps' } });
    const found = await fault(`${scheme}://localhost:${server.port}${tail}`);
    expect(found).toMatchObject({ cause: 'tls', misconfigured: false, why: expect.stringMatching(/self.signed/) });
  });

  it.each([
    ['smtp', '?tls=required&verify=false'],
    ['smtps', '?verify=false'],
    ['smtp', ''],
  ])('carries messages, by %s://%s', async (scheme, tail) => {
    const server = await script({ tls: { ...tls, implicit: scheme === 'smtps' }, contents: true });
    // The server may be slow to take in the large one.
    const timeouts = { ...SHORT, block: 10_000, message: 10_000 };
    const relay = pool(`${scheme}://localhost:${server.port}${tail}`, { timeouts });
    for (const body of ['short', 'x'.repeat(50_000), 'line\r\n'.repeat(50_000)]) {
      const { message, text } = reusedMail('to@example.com', `${body}\r\n`);
      expect((await send(relay, message)).kind).toBe('sent');
      expect(String(server.contents.at(-1)) === text).toBe(true);
    }
    expect(server.accepted).toBe(3);
    await relay.close();
  });

  it('that the other side does not speak is a fault', async () => {
    const server = await script();
    expect(await fault(`smtps://localhost:${server.port}`)).toMatchObject({ cause: 'tls', misconfigured: false });
  });

  it('is done without where it is only wished for and refused', async () => {
    const server = await script({ tls, ...at('starttls', { reply: '454 4.7.0 not now' }) });
    expect((await send(pool(`smtp://localhost:${server.port}`))).kind).toBe('sent');
  });

  it.each([
    ['454 4.7.0 not now', false],
    ['502 5.5.1 no', true],
  ])('that is required and answered %s is a fault, misconfigured: %s', async (reply, misconfigured) => {
    const server = await script({ tls, ...at('starttls', { reply }) });
    expect(await fault(`smtp://localhost:${server.port}?tls=required`)).toMatchObject({ cause: 'tls', misconfigured });
  });
});
