import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Summary } from '../../src/domain/summary.js';
import { readRecord, readResults, type Seen } from '../support/audit.js';
import { newPlace, type Place, type Running, startRelay, until } from '../support/cli.js';

// A program that starts takes a second or more where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ROWS = 300;
const OPERATOR = 'operator@example.net';
/** At first refused, twice each; for good; lost in the answer, with and without having been kept. */
const BUSY = Array.from({ length: ROWS / 5 }, (_, i) => `user${i * 5}@example.com`);
const GONE = 'user7@example.com';
const LOST = 'user11@example.com';
const KEPT = 'user12@example.com';

let place: Place;
let relay: Awaited<ReturnType<typeof startRelay>>;
let worker: Running;
let notices = 0;

beforeAll(async () => {
  place = newPlace({ FANMAIL_WORKERS: '1', FANMAIL_CONNECTIONS: '5' });
  relay = await startRelay({
    record: join(place.folder, 'record'),
    permanent: [GONE],
    transient: { pattern: '^user\\d*[05]@', times: 2 },
    faults: [
      { stage: 'message', pattern: `^${LOST}`, first: 1, action: { keep: false, pieces: [], after: 'destroy' } },
      { stage: 'message', pattern: `^${KEPT}`, first: 1, action: { keep: true, pieces: [], after: 'destroy' } },
    ],
  });
  const rows = Array.from({ length: ROWS }, (_, i) => `user${i}@example.com,Name ${i}`);
  writeFileSync(join(place.folder, 'people.csv'), ['email,first_name', ...rows, ''].join('\n'));
  worker = startWorker();
});
afterAll(async () => {
  await relay.stop();
  await place.clear();
});

// An attached command ends its workers with the campaign, and a notice may still be due.
const startWorker = () => place.start(['worker', '--processes', '1'], { SMTP_URL: relay.url });
const relayed = () => ['--smtp', relay.url];
const retry = (...more: string[]) => place.run(['retry', 'spring', ...relayed(), ...more]);
const summaryOf = (round: number) =>
  place.read<Summary>(`fanmail-results/spring/summary${round > 1 ? `.round-${round}` : ''}.json`);
const resultsOf = (round: number) =>
  readResults(join(place.folder, `fanmail-results/spring/results${round > 1 ? `.round-${round}` : ''}.csv`));

/** What the relay took of everybody; the operator's notices are asked for apart. */
async function copies(): Promise<Map<string, Seen>> {
  notices++;
  const record = await until(async () => {
    const seen = readRecord(join(place.folder, 'record'));
    return (seen.get(OPERATOR)?.accepted ?? 0) >= notices ? seen : null;
  }, `notice ${notices}`);
  expect(record.get(OPERATOR)?.accepted).toBe(notices);
  record.delete(OPERATOR);
  return record;
}

/** Summary, results, ledger and the relay's own record of a round say the same. */
async function audit(round: number, states: Partial<Summary['states']>, twice: readonly string[] = []) {
  const summary = summaryOf(round);
  expect(summary).toMatchObject({ round, total: ROWS, states });
  const rows = resultsOf(round);
  const record = await copies();
  expect(rows).toHaveLength(ROWS);
  for (const { email, state } of rows) {
    const accepted = record.get(email)?.accepted ?? 0;
    if (state === 'sent') expect([email, accepted]).toEqual([email, twice.includes(email) ? 2 : 1]);
    else if (state === 'failed') expect([email, accepted]).toEqual([email, 0]);
    else expect([state, accepted <= 1]).toEqual(['unknown', true]);
  }
  for (const [state, figure] of Object.entries(summary.states))
    expect([state, rows.filter((row) => row.state === state).length]).toEqual([state, figure]);
  const { code, out } = await place.run(['verify', 'spring']);
  expect([code, out]).toEqual([0, expect.stringContaining('spring holds.')]);
  return summary;
}

describe('a campaign through a relay that refuses some at first', () => {
  it('ends its first round with them failed', async () => {
    const from = ['--template', 'notice', '--from', 'News <news@example.com>', '--notify', OPERATOR];
    // Who is dead is kept on the list, to be refused again.
    const how = ['--id', 'spring', '--on-dead', 'keep', '--attempts', '1', '--chunk-size', '50'];
    expect((await place.run(['launch', 'people.csv', ...from, ...how, ...relayed()])).code).toBe(3);
    const summary = await audit(1, { sent: ROWS - 63, failed: 61, unknown: 2 });
    expect(summary.rounds).toBeUndefined();
  });

  it('opens a second round for those who fit a condition, and says how all rounds ended', async () => {
    const { code, out, err } = await retry('--where', 'code=4xx and domain=example.com');
    expect([code, err]).toEqual([3, expect.stringContaining('Round 2 of spring is open: 60 recipients')]);
    expect(out).toContain('Rounds\n');
    expect(out.replaceAll(/\s+/g, ' ')).toContain(
      '60 tried again (failed; code=4xx and domain=example.com), 60 failed',
    );
    const { rounds, sentPerSecond } = await audit(2, { sent: ROWS - 63, failed: 61, unknown: 2 });
    expect(sentPerSecond).toBe(0);
    expect(rounds).toMatchObject([
      { round: 1, recipients: ROWS, asked: null, ended: { sent: ROWS - 63, failed: 61, unknown: 2 } },
      {
        ...{ round: 2, recipients: 60, ended: { sent: 0, failed: 60, unknown: 0 } },
        asked: { where: 'code=4xx and domain=example.com', unknown: false, skipped: false },
      },
    ]);
  });

  it('sends to them in a third one, and to nobody else', async () => {
    const { code, err } = await retry();
    expect([code, err]).toEqual([3, expect.stringContaining('2 unknown ones are left as they are; --unknown')]);
    const { rounds } = await audit(3, { sent: ROWS - 3, failed: 1, unknown: 2 });
    expect(rounds).toMatchObject([{}, {}, { recipients: 61, ended: { sent: 60, failed: 1, unknown: 0 } }]);
    const busy = resultsOf(3).filter(({ email }) => BUSY.includes(email));
    expect(new Set(busy.map(({ state, attempts }) => `${state} ${attempts}`))).toEqual(new Set(['sent 1']));
  });

  it.runIf(process.platform === 'linux')('asks on a terminal, and changes nothing on anything but yes', async () => {
    const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const line = [process.execPath, program, 'retry', 'spring', '--unknown', ...relayed()];
    // util-linux's script gives the program a terminal.
    const child = spawn('script', ['-qec', line.join(' '), '/dev/null'], {
      cwd: place.folder,
      env: { ...process.env, FANMAIL_HOME: join(place.folder, 'home') },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    await until(async () => (shown.includes('[y/N]') ? true : null), 'the question');
    expect(shown).toContain('Of 2 nobody knows whether they got the message: they may get a second copy.');
    expect(shown).toContain(
      'Send 3 messages again (1 failed, 2 unknown) from News <news@example.com> through 127.0.0.1',
    );
    child.stdin.write('n\n');
    const [code] = await once(child, 'exit');
    expect([code, shown]).toEqual([2, expect.stringContaining('no round was opened: nothing was changed')]);
    expect(await place.json(['progress', 'spring'])).toMatchObject({ round: 3, phase: 'completed' });
  });

  it('tries unknown ones where that is asked for, warns of second copies, and detached goes on by workers', async () => {
    worker.child.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    const { code, out, err } = await retry('--unknown', '--where', 'state=unknown', '--detach', '--json');
    expect([code, JSON.parse(out)]).toEqual([
      0,
      {
        ...{ campaign: 'spring', phase: 'queued', round: 4, retried: 2 },
        unknown: true,
        skipped: false,
        where: 'state=unknown',
      },
    ]);
    expect(err).toContain('Of 2 nobody knows whether they got the message: they may get a second copy.');
    expect((await retry()).err).toContain('(CAMPAIGN_NOT_OPEN)');
    const attached = await place.run(['attach', 'spring', ...relayed(), '--json']);
    expect([attached.code, JSON.parse(attached.out)]).toEqual([3, expect.objectContaining({ round: 4 })]);
    worker = startWorker();
    await audit(4, { sent: ROWS - 1, failed: 1, unknown: 0 }, [KEPT]);
  });

  it('keeps the files of all rounds', () => {
    const names = ['results.csv', 'summary.html', 'summary.json', 'summary.txt'];
    const later = [2, 3, 4].flatMap((round) => names.map((name) => name.replace('.', `.round-${round}.`)));
    expect(readdirSync(join(place.folder, 'fanmail-results/spring')).sort()).toEqual([...names, ...later].sort());
  });

  it('says where nobody is to be tried again, and changes nothing', async () => {
    const { code, out } = await retry('--where', 'code=4xx', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([0, { phase: 'completed', round: 4, retried: 0, where: 'code=4xx' }]);
    const said = await retry('--where', 'code=4xx');
    expect([said.code, said.out, said.err]).toEqual([
      0,
      '',
      'Nobody of spring is to be tried again of those who fit; nothing was changed.\n',
    ]);
  });

  it('refuses a condition that can not be read, with its place', async () => {
    const { code, err } = await retry('--where', 'state=faild or code=4xx');
    expect([code, err]).toEqual([
      2,
      [
        'fanmail: the condition can\'t be read: "faild" can\'t be what state is compared with',
        '  state=faild or code=4xx',
        '        ^^^^^',
        '  did you mean failed? allowed: state takes one of pending, inflight, deferred, sent, failed, suppressed, skipped, unknown',
        '  (CONDITION_INVALID)',
        '',
      ].join('\n'),
    ]);
  });
});
