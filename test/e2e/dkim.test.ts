import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { blocks, page } from '../docs/markdown.js';
import { newPlace, type Place, until } from '../support/cli.js';
import { BOTH, ED25519, newKey, RSA, verdicts } from '../support/dkim.js';
import { type ScriptRelay, startScriptRelay } from '../support/script-relay.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PASSES = ['s1 rsa-sha256 pass', 's2 ed25519-sha256 pass'];
const FILES = 'example.com:s1=./s1.pem example.com:s2=./s2.pem';
const SUBJECT = `Grüße an {{first_name}}, ${'und alle anderen, '.repeat(8)}`;
const PEOPLE = 25;

let place: Place;
let relay: ScriptRelay;

beforeAll(() => {
  place = newPlace();
  const rows = Array.from({ length: PEOPLE }, (_, n) => `user${n}@example.net,"Jörg  ${n} ",Łódź,Gold`);
  writeFileSync(join(place.folder, 'people.csv'), ['email,first_name,city,plan', ...rows, ''].join('\n'));
  writeFileSync(join(place.folder, 's1.pem'), RSA.pem, { mode: 0o600 });
  writeFileSync(join(place.folder, 's2.pem'), ED25519.pem, { mode: 0o600 });
});
afterAll(() => place.clear());
beforeEach(async () => {
  relay = await startScriptRelay({ contents: true });
});
afterEach(() => relay.stop());

const sender = ['--template', 'newsletter', '--from', 'Größe News <news@example.com>', '--subject', SUBJECT];
const launch = (...more: string[]) => [
  ...['launch', 'people.csv', ...sender, '--reply-to', 'office@example.com'],
  ...['--smtp', `smtp://127.0.0.1:${relay.port}`, ...more],
];

/** Any stretch of the keys' digits, as they stand in their files. */
function holdsKey(text: string): boolean {
  const digits = [RSA, ED25519].flatMap(({ pem }) => pem.split('\n').slice(1, -2));
  return digits.some((line) => text.includes(line.slice(10, 40)));
}

function filesUnder(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('the page on DKIM', () => {
  it('makes keys and records with which a message is verified', async () => {
    const commands = blocks(page('docs/how-to/dkim.md')).filter(({ text }) => text.includes('openssl'));
    const folder = join(place.folder, 'page');
    mkdirSync(folder);
    const script = commands.map(({ text }) => text).join('');
    const printed = execFileSync('bash', ['-ec', script], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
    const records = printed.trimEnd().split('\n');
    const dns = Object.fromEntries(records.map((line) => line.split(/: (.*)/) as [string, string]));
    const preview = ['preview', 'people.csv', ...sender, '--out', 'page.eml'];
    const keys = 'example.com:s1=./page/s1.pem,example.com:s2=./page/s2.pem';
    expect((await place.run([...preview, '--dkim', keys])).code).toBe(0);
    expect(await verdicts(readFileSync(join(place.folder, 'page.eml')), dns)).toEqual(PASSES);
  });
});

describe('a campaign with DKIM keys', () => {
  it('is signed by each of them in every message, the notice too, and keeps them out of Redis, logs and files', async () => {
    const run = await place.run(launch('--dkim', FILES, '--id', 'signed', '--notify', 'me@example.org'));
    expect([run.code, run.err]).toEqual([0, expect.anything()]);
    await until(async () => (relay.contents.length === PEOPLE + 1 ? true : null), 'the notice');
    for (const content of relay.contents) expect(await verdicts(content)).toEqual(PASSES);
    const subjects = await Promise.all(relay.contents.map(async (content) => (await simpleParser(content)).subject));
    expect(subjects.filter((subject) => subject?.startsWith('Grüße an Jörg'))).toHaveLength(PEOPLE);

    expect(holdsKey(RSA.pem)).toBe(true);
    const kept = filesUnder(place.folder).filter((path) => !/s[12]\.pem$/.test(path));
    expect(kept.filter((path) => /appendonlydir/.test(path))).not.toEqual([]);
    expect(kept.filter((path) => holdsKey(readFileSync(path, 'latin1')))).toEqual([]);
    expect(holdsKey(run.out + run.err)).toBe(false);
  });

  it('takes its keys from .env, and shows its signatures in a preview and a dry run, and to the operator alone', async () => {
    const lines = (pem: string) => pem.replaceAll('\n', '\\n');
    const text = `example.com:s1=${lines(RSA.pem)} example.com:s2=${lines(ED25519.pem)}`;
    writeFileSync(join(place.folder, '.env'), `FANMAIL_DKIM="${text}"\n`);
    try {
      const preview = ['preview', 'people.csv', ...sender];
      expect((await place.run([...preview, '--out', 'one.eml'])).code).toBe(0);
      expect(await verdicts(readFileSync(join(place.folder, 'one.eml')))).toEqual(PASSES);
      expect((await place.run(preview)).out).toMatch(/^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/relaxed;/m);
      const { sample } = await place.json<{ sample: string }>(launch('--dry-run'));
      expect(await verdicts(Buffer.from(sample))).toEqual(PASSES);
      expect((await place.run(launch('--test-to', 'me@example.org'))).code).toBe(0);
      expect(relay.contents).toHaveLength(3);
      for (const content of relay.contents) expect(await verdicts(content)).toEqual(PASSES);
    } finally {
      rmSync(join(place.folder, '.env'));
    }
  });

  it('waits for a worker that has them, and is never sent unsigned by one that has not, or has others', async () => {
    expect((await place.run(launch('--dkim', FILES, '--id', 'waiting', '--detach'))).code).toBe(0);
    const smtp = { SMTP_URL: `smtp://127.0.0.1:${relay.port}` };
    const other = `example.com:s1=${newKey('rsa', 1024).pem}`;
    for (const [env, words] of [
      [{}, 'no DKIM key here for s1._domainkey.example.com'],
      [{ FANMAIL_DKIM: other }, 'another DKIM key here than the campaign’s for s1._domainkey.example.com'],
    ] as const) {
      const without = place.start(['worker', '--processes', '1'], { ...smtp, ...env });
      const seen = await until(async () => {
        const progress = await place.json<{
          waitsFor: { kind: string }[];
          workers: { trouble: string | null }[];
        }>(['progress', 'waiting']);
        return progress.workers.some(({ trouble }) => trouble?.includes(words)) && progress.waitsFor.length > 0
          ? progress
          : null;
      }, 'the trouble to be shown');
      expect(seen.waitsFor[0]?.kind).toBe('credentials');
      without.child.kill('SIGTERM');
      expect((await without.ended).code).toBe(0);
    }
    expect(relay.contents).toEqual([]);

    const worker = place.start(['worker', '--processes', '1'], { ...smtp, FANMAIL_DKIM: BOTH });
    expect((await place.run(['attach', 'waiting', '--workers', '1'], { FANMAIL_DKIM: BOTH, ...smtp })).code).toBe(0);
    worker.child.kill('SIGTERM');
    await worker.ended;
    expect(relay.contents).toHaveLength(PEOPLE);
    for (const content of relay.contents) expect(await verdicts(content)).toEqual(PASSES);
  });

  it('is refused where a key can’t be used, by every command that takes keys, before anything is staged', async () => {
    writeFileSync(join(place.folder, 'bad.pem'), RSA.pem.slice(0, 800));
    const bad = ['--dkim', 'example.com:s1=bad.pem'];
    const calls = [
      launch(...bad, '--id', 'bad'),
      launch(...bad, '--dry-run'),
      ['worker', ...bad],
      ['attach', ...bad],
      ['retry', 'signed', ...bad],
      ['preview', 'people.csv', ...sender, ...bad],
      ['rehearse', 'people.csv', ...sender, ...bad],
    ];
    for (const { code, err } of await Promise.all(calls.map((args) => place.run(args)))) {
      expect(code).toBe(2);
      expect(err).toContain('example.com:s1: it is no whole private key in PEM');
      expect(holdsKey(err)).toBe(false);
    }
    const inline = await place.run(launch('--id', 'bad'), { FANMAIL_DKIM: RSA.pem });
    expect([inline.code, inline.err]).toEqual([
      2,
      expect.stringContaining('what was given (not shown), from FANMAIL_DKIM'),
    ]);
    expect(holdsKey(inline.err)).toBe(false);
    const { campaigns } = await place.json<{ campaigns: { id: string }[] }>(['list']);
    expect(campaigns.map(({ id }) => id)).not.toContain('bad');
    expect(relay.contents).toEqual([]);
  });

  it('is checked: a key that can’t be used, a short one, and one of another domain than the sender’s', async () => {
    const codesOf = async (dkim: string) => {
      const { out } = await place.run(['check', 'people.csv', ...sender, '--json'], { FANMAIL_DKIM: dkim });
      const { findings } = JSON.parse(out) as { findings: { code: string; message: string }[] };
      return findings.filter(({ code }) => code.startsWith('DKIM')).map(({ code }) => code);
    };
    expect(await codesOf(FILES)).toEqual([]);
    expect(await codesOf('mail.example.com:s2=./s2.pem')).toEqual([]);
    expect(await codesOf('example.com:s1=none.pem')).toEqual(['DKIM_KEY']);
    writeFileSync(join(place.folder, 'short.pem'), newKey('rsa', 1024).pem);
    expect(await codesOf('example.net:s1=short.pem')).toEqual(['DKIM_KEY_SHORT', 'DKIM_OTHER_DOMAIN']);
  });
});
