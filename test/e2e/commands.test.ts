import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../src/domain/summary.js';
import { readRecord, readResults } from '../support/audit.js';
import { newPlace, type Place, startRelay, until } from '../support/cli.js';

const FROM = ['--template', 'notice', '--from', 'Me <me@example.com>'];

let place: Place;
let relay: Awaited<ReturnType<typeof startRelay>>;

beforeAll(async () => {
  place = newPlace();
  relay = await startRelay({ record: join(place.folder, 'record'), permanent: '^gone', delayMs: 20 });
  writeFileSync(join(place.folder, 'ten.csv'), list(10));
  writeFileSync(join(place.folder, 'long.csv'), list(3_000, 'long'));
});
afterAll(async () => {
  await relay.stop();
  await place.clear();
});

function list(rows: number, prefix = 'user'): string {
  const lines = Array.from({ length: rows }, (_, i) => `${prefix}${i}@example.com,Name ${i}`);
  return ['email,first_name', ...lines, ''].join('\n');
}

const launch = (...args: string[]) => ['launch', ...args, ...FROM, '--smtp', relay.url];

describe('launch', () => {
  it('sends to everyone, prints the summary as JSON alone and exits 0 when all is sent', async () => {
    const { code, out, err } = await place.run([...launch('ten.csv', '--id', 'ten'), '--json']);
    expect(code).toBe(0);
    const summary = JSON.parse(out) as Summary;
    expect(summary.states.sent).toBe(10);
    expect(err).toContain('Staged 10 of 10 rows');
    const rows = readResults(join(place.folder, 'fanmail-results/ten/results.csv'));
    expect(rows.map((row) => row.state)).toEqual(Array(10).fill('sent'));
    const record = readRecord(join(place.folder, 'record'));
    for (const row of rows) expect(record.get(row.email)?.messageIds).toContain(row.message_id);
  });

  it('refuses an id that exists, with what to type instead', async () => {
    const { code, err } = await place.run(launch('ten.csv', '--id', 'ten'));
    expect(code).toBe(2);
    expect(err).toContain('fanmail attach ten');
  });

  it('exits 3 when somebody is refused, and shows the code and the relay’s words', async () => {
    writeFileSync(join(place.folder, 'gone.csv'), list(2, 'gone'));
    const { code, out } = await place.run(launch('gone.csv'));
    expect(code).toBe(3);
    expect(out).toContain('550 5.1.1');
    expect(out).toContain('no such user here');
  });

  it('writes what can’t be sent to rejects.csv with its line and reason, and sends the rest', async () => {
    writeFileSync(
      join(place.folder, 'mixed.csv'),
      'email,first_name\na@example.com,A\nno address,B\nA@Example.com,C\n',
    );
    const { code, err } = await place.run(launch('mixed.csv', '--id', 'mixed'));
    expect(code).toBe(0);
    expect(err).toContain('rejected, duplicate: 1');
    const rejects = readFileSync(join(place.folder, 'fanmail-results/mixed/rejects.csv'), 'utf8').split('\n');
    expect(rejects[1]).toMatch(/^3,no address,/);
    expect(rejects[2]).toMatch(/^4,A@Example\.com,duplicate,/);
  });

  it('refuses before anything is sent: no relay, an unknown variable, a row without a field, nobody to send to', async () => {
    const noRelay = await place.run(['launch', 'ten.csv', ...FROM]);
    expect([noRelay.code, noRelay.err]).toEqual([2, expect.stringContaining('smtp://localhost:1025')]);

    writeFileSync(join(place.folder, 'bare.csv'), 'email\nx@example.com\n');
    const unknown = await place.run(launch('bare.csv'));
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('{{first_name}}')]);

    const rows = ['{"email":"y1@example.com","first_name":"A"}', '{"email":"y2@example.com"}'];
    writeFileSync(join(place.folder, 'lacks.ndjson'), rows.join('\n'));
    const lacks = await place.run(launch('lacks.ndjson', '--id', 'lacks'));
    expect([lacks.code, lacks.err]).toEqual([2, expect.stringMatching(/line 2 .*"first_name"/)]);
    const { campaigns } = await place.json<{ campaigns: { id: string }[] }>(['list']);
    expect(campaigns.map((campaign) => campaign.id)).not.toContain('lacks');

    writeFileSync(join(place.folder, 'nobody.csv'), 'email,first_name\nnobody,A\n');
    const nobody = await place.run(launch('nobody.csv'));
    expect([nobody.code, nobody.err]).toEqual([2, expect.stringContaining('no-at: 1')]);

    const record = readRecord(join(place.folder, 'record'));
    for (const address of ['x@example.com', 'y1@example.com']) expect(record.has(address)).toBe(false);
  });

  it('leaves out whom --exclude names, stops at --limit, and reads standard input and other columns', async () => {
    writeFileSync(join(place.folder, 'never.txt'), 'USER1@example.com\n');
    const { out } = await place.run([...launch('ten.csv', '--exclude', 'never.txt', '--limit', '3', '--json')]);
    const summary = JSON.parse(out) as Summary;
    expect([summary.total, summary.list.rejects]).toEqual([3, { suppressed: 1 }]);

    const piped = place.start(launch('-', '--email-column', 'Kontakt', '--id', 'piped'), {}, 'pipe');
    piped.child.stdin?.end('Kontakt;first_name\npiped@example.com;P\n');
    expect((await piped.ended).code).toBe(0);
    expect(readRecord(join(place.folder, 'record')).get('piped@example.com')?.accepted).toBe(1);
  });

  it('does everything but stage on --dry-run, and shows one message', async () => {
    const { code, out, err } = await place.run([...launch('ten.csv', '--id', 'dry'), '--dry-run']);
    expect(code).toBe(0);
    expect(out).toMatch(/^From: Me <me@example\.com>\r?\nTo: user0@example\.com/);
    expect(err).toContain('Nothing was staged or sent');
    const { campaigns } = await place.json<{ campaigns: { id: string }[] }>(['list']);
    expect(campaigns.map((campaign) => campaign.id)).not.toContain('dry');
  });

  it('drains on Ctrl-C, says how to go on, exits 130; attach takes it to its end', async () => {
    const running = place.start(launch('long.csv', '--id', 'long', '--workers', '1', '--connections', '5', '--json'));
    await until(async () => {
      const { code, out } = await place.run(['progress', 'long', '--json']);
      return code === 0 && JSON.parse(out).counters.sent > 100 ? true : null;
    }, '100 messages sent');
    running.child.kill('SIGINT');
    const left = await running.ended;
    expect(left.code).toBe(130);
    expect(left.err).toContain('fanmail attach long');
    expect(JSON.parse(left.out)).toMatchObject({ id: 'long', phase: 'sending' });
    const { counters, phase } = await place.json<{ counters: Record<string, number>; phase: string }>([
      'progress',
      'long',
    ]);
    expect([phase, counters.inflight, counters.unknown]).toEqual(['sending', 0, 0]);
    expect(counters.pending).toBeGreaterThan(0);

    const on = await place.run(['attach', 'long', '--smtp', relay.url, '--json']);
    expect(on.code).toBe(0);
    expect((JSON.parse(on.out) as Summary).states.sent).toBe(3_000);
    const record = readRecord(join(place.folder, 'record'));
    expect([...record].filter(([to, seen]) => to.startsWith('long') && seen.accepted !== 1)).toEqual([]);
  });

  it('can be cancelled: what has not begun is skipped, attach exits 4', async () => {
    const detached = await place.run(launch('long.csv', '--id', 'off', '--detach'));
    expect([detached.code, detached.err]).toEqual([0, expect.stringContaining('fanmail worker')]);
    expect((await place.run(['cancel', 'off'])).code).toBe(0);
    const { code, out } = await place.run(['attach', 'off', '--smtp', relay.url, '--json']);
    expect([code, (JSON.parse(out) as Summary).states.skipped]).toEqual([4, 3_000]);
  });
});

describe('what a user sees', () => {
  it('gives report its summary and results again, into any folder', async () => {
    const { code, out } = await place.run(['report', 'ten', '--format', 'json', '--out', 'copy']);
    expect([code, (JSON.parse(out) as Summary).states.sent]).toEqual([0, 10]);
    const first = readFileSync(join(place.folder, 'fanmail-results/ten/results.csv'), 'utf8');
    expect(readFileSync(join(place.folder, 'copy/ten/results.csv'), 'utf8')).toBe(first);
  });

  it('suggests what a mistyped command or option was meant to be', async () => {
    const command = await place.run(['lanuch']);
    expect([command.code, command.err]).toEqual([2, expect.stringContaining('fanmail launch')]);
    const option = await place.run(['progress', '--jsno']);
    expect([option.code, option.err]).toEqual([2, expect.stringContaining('--json')]);
  });

  it('never shows a password: not in errors, not in Redis, not in files', async () => {
    const url = relay.url.replace('smtp://', 'smtp://somebody:topsecret@');
    const args = ['launch', 'ten.csv', ...FROM, '--smtp', `${url}?tls=none`, '--id', 'secret', '--detach'];
    const { out, err, code } = await place.run(args);
    expect(code).toBe(0);
    expect(out + err).not.toContain('topsecret');
    const wrong = await place.run(['launch', 'ten.csv', ...FROM, '--smtp', `${url}?tls=sometimes`]);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('tls')]);
    expect(wrong.err).not.toContain('topsecret');
    const file = join(place.folder, 'home/redis/appendonlydir');
    expect(existsSync(file)).toBe(true);
    for (const name of readdirSync(file)) expect(readFileSync(join(file, name), 'latin1')).not.toContain('topsecret');
    expect((await place.run(['cancel', 'secret'])).code).toBe(0);
  });
});
