import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRelay, until } from '../support/cli.js';
import { CLOCK_MISSING } from '../support/clock.js';
import { type HeldGround, heldGround } from './held.js';

const NOW = Date.UTC(2026, 11, 1, 8);
const HOUR = 3_600_000;

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

// Time, hours and hold are in when.test.ts; the turn at busy workers is in test/cli/view/waits-for.test.ts.
describe.skipIf(CLOCK_MISSING)('progress says what a campaign waits for', () => {
  let ground: HeldGround;
  beforeAll(async () => {
    const limit = { pattern: '@gmail\\.com$', perSecond: 0.001, reply: '450 4.7.28 unusual rate' };
    ground = await heldGround(NOW, { limit, transient: { pattern: '^later-', times: 1 } });
  });
  afterAll(() => ground.clear());

  /** Time passes for everybody. */
  const later = (ms: number) => ground.clock.run(ground.clock.now() + ms);

  it('its list to be staged, and the launch that staged it and was killed', async () => {
    const { place, relay } = ground;
    const from = ['--from', 'me@example.com', '--smtp', relay.url, '--yes', '--id', 'endless'];
    const launch = place.start(['launch', '-', '--template', 'notice', ...from], {}, 'pipe');
    // It is killed while it reads.
    launch.child.stdin?.on('error', () => undefined);
    // More than is read to learn the columns, and no end.
    launch.child.stdin?.write(
      `email,first_name\n${Array.from({ length: 300_000 }, (_, n) => `a${n}@x.test,A\n`).join('')}`,
    );
    const staging = async () => {
      const { code, out } = await place.run(['progress', 'endless', '--json']);
      return code === 0 ? JSON.parse(out).waitsFor : null;
    };
    expect(await until(staging, 'the staging')).toMatchObject([
      { kind: 'staging', text: expect.stringContaining('its list') },
    ]);
    launch.child.kill('SIGKILL');
    await launch.ended;
    later(1.5 * HOUR);
    expect(await ground.waits('endless', 'staging')).toMatchObject({
      text: expect.stringContaining('heard last 1 h ago'),
    });
  }, 60_000);

  it('its operator, by name; a worker; and nobody when it is done', async () => {
    await ground.launch('told', 20, []);
    expect(await ground.waits('told', 'workers')).toMatchObject({ text: expect.stringContaining('fanmail worker') });
    expect((await ground.place.run(['pause', 'told'])).code).toBe(0);
    await ground.work();
    later(HOUR);
    const paused = await ground.waits('told', 'paused');
    expect(paused.text).toMatch(/^fanmail resume told: paused by \S+ 1 h ago \(asked for\)$/);
    expect(ground.copies('told')).toEqual([]);
    await ground.place.run(['resume', 'told']);
    expect((await ground.ended('told')).waitsFor).toEqual([]);
  }, 60_000);

  it('the relay, since when and until when', async () => {
    const gone = await startRelay({ record: join(ground.place.folder, 'gone') });
    await gone.stop();
    await ground.launch('down', 20, ['--smtp', gone.url]);
    const relay = await ground.waits('down', 'relay');
    expect(relay.text).toMatch(/^the relay, unreachable since .*; it is tried again/);
    expect(Date.parse(relay.until ?? '')).toBeLessThan(ground.clock.now() + 61_000);
  }, 60_000);

  it('a worker that has the login of its relay', async () => {
    const login = ground.relay.url.replace('smtp://', 'smtp://ada:secret@');
    await ground.launch('locked', 20, ['--smtp', `${login}?tls=none`]);
    expect((await ground.waits('locked', 'credentials')).text).toMatch(
      /of 2 that are connected, [12] ha(?:s|ve) trouble$/,
    );
    const { out } = await ground.place.run(['progress', 'locked']);
    expect(out).toContain('no credentials here');
    expect(out).not.toContain('secret');
  }, 60_000);

  it('a domain that a relay throttles, with its rate and until when', async () => {
    await ground.launch('slowly', 30, ['--retry-schedule', '1s'], 'gmail.com');
    const throttled = await ground.waits('slowly', 'throttled');
    expect(throttled.text).toMatch(
      /^gmail\.com, which 127\.0\.0\.1:\d+ throttles: [\d.]+\/s, the next one .*; as any other in \d+ min/,
    );
    expect(Date.parse(throttled.until ?? '')).toBeLessThan(ground.clock.now() + 11_000);
  }, 60_000);

  it('the next try, when all that are left were refused for now', async () => {
    await ground.launch('later', 20, ['--retry-schedule', '1h']);
    const retry = await ground.waits('later', 'retry');
    // An hour, spread by a fifth.
    expect(Date.parse(retry.until ?? '') - ground.clock.now()).toBeGreaterThan(0.79 * HOUR);
    expect(retry.text).toMatch(/^the next try in (?:\d\d min|1 h) .*: all that are left were refused for now$/);
    await ground.killWorkers();
    later(1.3 * HOUR);
    await ground.work();
    expect((await ground.ended('later')).counters).toMatchObject({ sent: 20 });
  }, 60_000);

  it('its own pace, and its results', async () => {
    // Before the launch: a worker that is killed with the slot for the first message takes it along, for an hour.
    await ground.killWorkers();
    await ground.launch('measured', 2, ['--rate', '1/h']);
    writeFileSync(join(ground.place.folder, 'no-folder'), '');
    await ground.work(['--results', 'no-folder']);
    const sent = async () => ((await ground.progress('measured')).counters.sent === 1 ? true : null);
    await until(sent, 'the first message');
    later(60_000);
    const pace = await ground.waits('measured', 'pace');
    expect(pace.text).toBe('its pace: the campaign may have a message every 1 h 00 min');
    later(1.1 * HOUR);
    expect((await ground.waits('measured', 'results')).text).toBe('its results to be written');
    expect((await ground.progress('measured')).phase).toBe('aggregating');
    await ground.killWorkers();
    await ground.work();
    expect((await ground.ended('measured')).counters).toMatchObject({ sent: 2 });
  }, 90_000);

  it('its canary, some of which wait', async () => {
    await ground.launch('first', 100, ['--canary', '3%', '--rate', '1/h']);
    const sent = async () => ((await ground.progress('first')).counters.sent === 1 ? true : null);
    await until(sent, 'the first message');
    later(60_000);
    expect((await ground.waits('first', 'canary')).text).toBe('the 3.0% of its recipients that go first');
  }, 60_000);
});
