import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/cli.js';
import { CLOCK_MISSING } from '../support/clock.js';
import { type HeldGround, heldGround } from './held.js';

/** A Tuesday in winter: 09:00 and 17:00 in Paris. */
const NINE = Date.UTC(2026, 11, 1, 8);
const FIVE = Date.UTC(2026, 11, 1, 16);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const OFFICE = ['--between', 'mon-fri 09:00-17:00', '--zone', 'Europe/Paris'];

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('a campaign whose time the test holds', () => {
  let ground: HeldGround;
  beforeAll(async () => {
    ground = await heldGround(NINE - 14 * HOUR, { permanent: '^failing-(0|50)@' });
  });
  afterAll(() => ground.clear());
  afterEach(() => ground.killWorkers());

  it('goes out at its time and not before, whoever is killed while it waits', async () => {
    await ground.launch('early', 200, ['--at', '2026-12-01 09:00 Europe/Paris']);
    await ground.work();
    expect(await ground.waits('early', 'time')).toMatchObject({ until: new Date(NINE).toISOString() });
    await ground.killWorkers();
    ground.clock.run(NINE - 60_000);
    await ground.work();
    expect(await ground.waits('early', 'time')).toMatchObject({ until: new Date(NINE).toISOString() });
    expect(ground.copies('early')).toEqual([]);
    await ground.killWorkers();
    ground.clock.run(NINE);
    await ground.work();
    expect((await ground.ended('early')).counters).toMatchObject({ sent: 200 });
    expect(ground.copies('early')).toEqual(Array(200).fill(1));
  }, 120_000);

  it('is left in the evening and goes on in the morning, in spite of a kill: each gets one message', async () => {
    ground.clock.run(FIVE - 60_000);
    await ground.launch('office', 300, [...OFFICE, '--rate', '60/s']);
    await ground.work();
    await until(async () => (ground.copies('office').length >= 40 ? true : null), '40 messages');
    ground.clock.run(FIVE);
    const waits = await ground.waits('office', 'hours');
    expect(waits.until).toBe(new Date(NINE + DAY).toISOString());
    expect(waits.text).toContain('mon-fri 09:00-17:00 Europe/Paris');
    const atNight = async () => {
      const { counters } = await ground.progress('office');
      return counters.inflight === 0 ? counters.sent : null;
    };
    const sent = await until(atNight, 'what was on the wire');
    await ground.killWorkers();
    ground.clock.run(FIVE + 6 * HOUR);
    await ground.work();
    await ground.waits('office', 'hours');
    expect(ground.copies('office')).toHaveLength(sent ?? 0);
    await ground.killWorkers();
    ground.clock.run(NINE + DAY);
    await ground.work();
    expect((await ground.ended('office')).counters).toMatchObject({ sent: 300 });
    expect(ground.copies('office')).toEqual(Array(300).fill(1));
  }, 180_000);

  it('sends its canary alone, from several processes, and the rest after the hold, in spite of a kill', async () => {
    await ground.launch('careful', 400, ['--canary', '5%', '--hold', '30m']);
    await ground.work();
    const hold = await ground.waits('careful', 'hold');
    expect(hold.text).toContain('20 sent, 0 failed');
    expect(ground.copies('careful')).toEqual(Array(20).fill(1));
    await ground.killWorkers();
    ground.clock.run(Date.parse(hold.until ?? '') - 30_000);
    await ground.work();
    expect(await ground.waits('careful', 'hold')).toMatchObject({ until: hold.until });
    expect(ground.copies('careful')).toHaveLength(20);
    await ground.killWorkers();
    ground.clock.run(Date.parse(hold.until ?? ''));
    await ground.work();
    expect((await ground.ended('careful')).counters).toMatchObject({ sent: 400 });
    expect(ground.copies('careful')).toEqual(Array(400).fill(1));
  }, 120_000);

  it('ends by its canary where too many of it fail, and a retry sends to the others', async () => {
    await ground.launch('failing', 100, ['--canary', '2%', '--hold', '1h', '--abort-above', '50%']);
    await ground.work();
    const hold = await ground.waits('failing', 'hold');
    await ground.killWorkers();
    ground.clock.run(Date.parse(hold.until ?? ''));
    await ground.work();
    const { phase, counters } = await ground.ended('failing');
    expect([phase, counters.failed, counters.skipped]).toEqual(['cancelled', 2, 98]);
    const report = await ground.place.run(['report', 'failing']);
    expect(report.out).toMatch(/cancelled +by canary: 2 of 2 of the canary failed, more than 50%/);
    const retried = await ground.place.run([
      'retry',
      'failing',
      '--skipped',
      '--yes',
      '--detach',
      '--where',
      'state=skipped',
    ]);
    expect(retried.code).toBe(0);
    const sent = async () => ((await ground.progress('failing')).counters.sent === 98 ? true : null);
    await until(sent, 'the others');
  }, 120_000);

  it('ends at once where it is cancelled before its time, and a killed worker keeps nobody from that', async () => {
    await ground.launch('never', 50, ['--at', '2026-12-24 09:00 Europe/Paris']);
    await ground.work();
    await ground.waits('never', 'time');
    await ground.killWorkers();
    expect((await ground.place.run(['cancel', 'never'])).code).toBe(0);
    await ground.work();
    expect((await ground.ended('never')).counters).toMatchObject({ skipped: 50 });
    expect(ground.copies('never')).toEqual([]);
  }, 60_000);

  it('waits no longer once it is released', async () => {
    ground.clock.run(FIVE + 7 * DAY);
    await ground.launch('now', 50, OFFICE);
    await ground.work();
    await ground.waits('now', 'hours');
    const resumed = await ground.place.run(['resume', 'now']);
    expect(resumed.err).toContain('It waits for its hours');
    expect(resumed.err).toContain('fanmail resume now --now');
    expect((await ground.place.run(['resume', 'now', '--now'])).err).not.toContain('waits');
    expect((await ground.ended('now')).counters).toMatchObject({ sent: 50 });
  }, 60_000);
});
