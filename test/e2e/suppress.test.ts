import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
  relay = await startRelay({ record: join(place.folder, 'record'), permanent: '^gone', delayMs: 5 });
});
afterAll(async () => {
  await relay.stop();
  await place.clear();
});

const file = (name: string, text: string | Buffer) => writeFileSync(join(place.folder, name), text);
const list = (...addresses: string[]) =>
  ['email,first_name', ...addresses.map((address, i) => `${address},Name ${i}`), ''].join('\n');
const numbered = (rows: number, prefix: string) => Array.from({ length: rows }, (_, i) => `${prefix}${i}@example.com`);
const launch = (...args: string[]) => ['launch', ...args, ...FROM, '--smtp', relay.url];
const suppress = (...args: string[]) => place.run(['suppress', ...args]);
const results = (id: string) => readResults(join(place.folder, `fanmail-results/${id}/results.csv`));
const recorded = () => readRecord(join(place.folder, 'record'));

interface Checked {
  readonly suppressed: boolean;
  readonly addresses: readonly {
    readonly suppressed: boolean;
    readonly entries: readonly { readonly topic: string | null; readonly why: string; readonly since: string }[];
  }[];
}

describe('fanmail suppress', () => {
  it('adds, checks and removes, for all or a topic, and says what changed', async () => {
    const added = await suppress('add', 'Ada@Example.com', 'bob@bücher.example', '--json');
    expect([added.code, JSON.parse(added.out)]).toEqual([0, { action: 'add', topic: null, given: 2, changed: 2 }]);
    const again = await suppress('add', 'ada@example.com', '--topic', 'news', '--why', 'unsubscribe');
    expect([again.code, again.out]).toEqual([0, 'Suppressed for the topic news: 1 new, 0 there already.\n']);

    const check = await suppress('check', 'ADA@example.com', '--json');
    const { suppressed, addresses } = JSON.parse(check.out) as Checked;
    expect([check.code, suppressed]).toEqual([3, true]);
    expect(addresses[0]?.entries.map(({ topic, why }) => [topic, why])).toEqual([
      [null, 'manual'],
      ['news', 'unsubscribe'],
    ]);
    expect(addresses[0]?.entries[0]?.since).toBe(new Date().toISOString().slice(0, 10));

    const removed = await suppress('remove', 'ada@example.com');
    expect(removed.out).toContain('ada@example.com is still suppressed for the topic news');
    expect((await suppress('check', 'ada@example.com')).code).toBe(0);
    expect((await suppress('check', 'ada@example.com', '--topic', 'news')).code).toBe(3);
    const both = await suppress('check', 'ada@example.com', 'bob@xn--bcher-kva.example');
    expect([both.code, both.out.split('\n')[0]]).toEqual([
      3,
      expect.stringContaining('ada@example.com: may be sent to'),
    ]);
    await suppress('remove', 'ada@example.com', '--topic', 'news');
    await suppress('remove', 'bob@bücher.example');
    expect((await suppress('check', 'bob@bücher.example')).code).toBe(0);
  });

  it.each([
    ['no address', ['add', 'nobody'], 'OPTION_INVALID', 'nobody'],
    ['one among good ones', ['add', 'good@example.com', 'a@b@c'], 'OPTION_INVALID', 'a@b@c'],
    ['a name around it', ['add', 'Ada <ada@example.com>'], 'OPTION_INVALID', 'angle brackets'],
    ['control characters', ['add', 'a\u001b[31m@example.com'], 'OPTION_INVALID', 'control character'],
    ['a line break', ['remove', 'a@example.com\nb@example.com'], 'OPTION_INVALID', 'line break'],
    ['too long a one', ['check', `${'a'.repeat(70)}@example.com`], 'OPTION_INVALID', '70 octets'],
    ['an empty word', ['check', ''], 'USAGE', 'needs an address'],
    ['an empty word among others', ['check', 'a@example.com', ''], 'OPTION_INVALID', 'There is no address'],
    ['none at all', ['add'], 'USAGE', 'needs an address'],
    ['a topic that is none', ['add', 'a@example.com', '--topic', 'News!'], 'OPTION_INVALID', '--topic'],
    ['a reason that is none', ['add', 'a@example.com', '--why', 'whim'], 'OPTION_INVALID', 'unsubscribe'],
    ['a reason where there is none', ['remove', 'a@example.com', '--why', 'manual'], 'USAGE', '--why'],
    ['an action that is none', ['list'], 'OPTION_INVALID', 'export'],
    ['two files', ['import', 'a.txt', 'b.txt'], 'USAGE', 'one file'],
    ['a file that is not there', ['import', 'missing.txt'], 'LIST_UNREADABLE', 'missing.txt'],
    ['addresses to export', ['export', 'a@example.com'], 'USAGE', '--topic'],
    ['an export to two places', ['export', '--json'], 'USAGE', '--out'],
  ])('refuses %s, with the way out', async (_what, args, code, words) => {
    const { err, code: exit } = await suppress(...args);
    expect([exit, err]).toEqual([2, expect.stringContaining(`(${code})`)]);
    expect(err).toContain(words);
    expect(err).not.toContain('\u001b');
  });

  it('refuses a file for its export that can not be written, and says which', async () => {
    file('a-file.txt', 'x');
    await suppress('add', 'somebody@example.com');
    const { code, err } = await suppress('export', '--out', 'a-file.txt/list.txt');
    expect([code, err]).toEqual([2, expect.stringContaining('(OPTION_INVALID)')]);
    expect(err).toContain('a-file.txt/list.txt');
  });

  it('changed nothing where one word of several was refused', async () => {
    expect((await suppress('check', 'good@example.com')).code).toBe(0);
  });

  it('imports 100,000 addresses, again without a change, and names the line of a bad one', async () => {
    const many = numbered(100_000, 'mass');
    file('many.txt', many.join('\n'));
    const first = await suppress('import', 'many.txt', '--json');
    expect(JSON.parse(first.out)).toEqual({ action: 'import', topic: null, given: 100_000, changed: 100_000 });
    const again = await suppress('import', 'many.txt');
    expect(again.out).toContain('0 new, 100,000 there already');
    expect((await suppress('check', 'mass99999@example.com')).code).toBe(3);
    expect((await suppress('check', 'mass100000@example.com')).code).toBe(0);

    file('bad.csv', `name,email\nA,a1@example.com\nB,nobody\nC,c1@example.com\n`);
    const bad = await suppress('import', 'bad.csv');
    expect([bad.code, bad.err]).toEqual([2, expect.stringContaining('Line 3 of bad.csv is no address')]);
    expect(bad.err).toContain('1 before it');
    expect((await suppress('check', 'a1@example.com')).code).toBe(3);
    expect((await suppress('check', 'c1@example.com')).code).toBe(0);
  }, 60_000);

  it('imports from a pipe, for a topic', async () => {
    const piped = place.start(['suppress', 'import', '-', '--topic', 'piped'], {}, 'pipe');
    piped.child.stdin?.end('pipe1@example.com\r\nPIPE2@example.com\r\n');
    expect(await piped.ended).toMatchObject({
      code: 0,
      out: 'Suppressed for the topic piped: 2 new, 0 there already.\n',
    });
    expect((await suppress('check', 'pipe2@example.com', '--topic', 'piped')).code).toBe(3);
  });

  it('exports what another Redis understands, without a single address, readable by its owner alone', async () => {
    await suppress('add', 'wilhelmina@example.com', '--topic', 'news', '--why', 'unsubscribe');
    await suppress('add', 'wilhelmina@example.com', 'friedrich@example.com');
    const { code, out } = await suppress('export', '--out', 'list.txt', '--json');
    const { lines } = JSON.parse(out) as { lines: number };
    expect(code).toBe(0);
    const text = readFileSync(join(place.folder, 'list.txt'), 'utf8');
    expect(text.split('\n').length).toBe(lines + 2);
    expect(text).not.toMatch(/wilhelmina|friedrich|@/);
    expect(statSync(join(place.folder, 'list.txt')).mode & 0o777).toBe(0o600);
    expect((await suppress('export')).out).toBe(text);
    const part = await suppress('export', '--topic', 'news');
    expect(part.out.trim().split('\n')).toHaveLength(2);

    const elsewhere = { FANMAIL_HOME: join(place.folder, 'elsewhere') };
    const there = (...args: string[]) => place.run(['suppress', ...args], elsewhere);
    try {
      expect((await there('export')).err).toContain('no suppression list');
      const imported = await there('import', 'list.txt', '--json');
      expect(JSON.parse(imported.out)).toEqual({ action: 'import', topic: null, given: lines, changed: lines });
      const check = await there('check', 'wilhelmina@example.com', '--json');
      const entries = (JSON.parse(check.out) as Checked).addresses[0]?.entries.map(
        ({ topic, why }) => `${topic} ${why}`,
      );
      expect(entries?.sort()).toEqual(['news unsubscribe', 'null manual']);
      expect((await there('export')).out.split('\n').sort()).toEqual(text.split('\n').sort());
      expect((await there('import', 'list.txt', '--topic', 'news')).err).toContain('its own topics');

      file('other.txt', text.replace(/^(fanmail-suppression,1,)\w{8}/, '$100000000'));
      const other = await there('import', 'other.txt');
      expect([other.code, other.err]).toEqual([2, expect.stringContaining('(SUPPRESSION_KEY)')]);
      file('cut.txt', `${text.split('\n').slice(0, 50).join('\n')}\n00112233`);
      const cut = await there('import', 'cut.txt');
      expect([cut.code, cut.err]).toEqual([2, expect.stringMatching(/Line 51 of cut\.txt is no line of an export/)]);
    } finally {
      await place.run(['redis', 'stop'], elsewhere);
    }
  }, 60_000);
});

describe('launch', () => {
  it('rejects who is suppressed at staging, for all or its topic, with line and reason', async () => {
    await suppress('add', 'Never@example.com');
    await suppress('add', 'notnews@example.com', '--topic', 'news', '--why', 'unsubscribe');
    const people = list(
      'one@example.com',
      'never@Example.com',
      'notnews@example.com',
      'NEVER@example.com',
      'two@example.com',
    );
    file('some.csv', people);
    const dry = await place.run([...launch('some.csv', '--topic', 'news'), '--dry-run', '--json']);
    expect(JSON.parse(dry.out)).toMatchObject({ total: 2, rejects: { suppressed: 2, duplicate: 1 } });

    const plain = await place.run([...launch('some.csv', '--id', 'plain'), '--json']);
    expect([plain.code, (JSON.parse(plain.out) as Summary).list.rejects]).toEqual([0, { suppressed: 1, duplicate: 1 }]);
    const news = await place.run([...launch('some.csv', '--id', 'news', '--topic', 'news'), '--json']);
    expect((JSON.parse(news.out) as Summary).list.rejects).toEqual({ suppressed: 2, duplicate: 1 });
    expect(results('news').map(({ email }) => email)).toEqual(['one@example.com', 'two@example.com']);
    const rejects = readFileSync(join(place.folder, 'fanmail-results/news/rejects.csv'), 'utf8').split('\n');
    expect(rejects.slice(1, 4)).toEqual([
      '3,never@example.com,suppressed,The address is on the suppression list.',
      '4,notnews@example.com,suppressed,The address is on the suppression list.',
      '5,NEVER@example.com,duplicate,The same address stood earlier.',
    ]);
    expect(recorded().has('never@example.com')).toBe(false);

    file('all.csv', list('never@example.com'));
    const all = await place.run(launch('all.csv', '--id', 'all'));
    expect([all.code, all.err]).toEqual([2, expect.stringContaining('suppressed: 1')]);
  });

  it('makes a dry run without a Redis, too: none is begun for it, and one that is away is said', async () => {
    file('dry.csv', list('never@example.com'));
    const dry = [...launch('dry.csv'), '--dry-run', '--json'];
    const fresh = join(place.folder, 'fresh');
    const none = await place.run(dry, { FANMAIL_HOME: fresh });
    expect([none.code, JSON.parse(none.out).total, existsSync(fresh)]).toEqual([0, 1, false]);
    const away = await place.run(dry, { REDIS_URL: `unix://${fresh}/redis.sock` });
    expect([away.code, JSON.parse(away.out).total]).toEqual([0, 1]);
    expect(away.err).toContain('The suppression list was not asked: Redis at unix:');
  });

  it('suppresses an address that the relay says there is not, and leaves it out from then on', async () => {
    file('gone.csv', list('gone1@example.com', 'there@example.com', 'gone2@example.com'));
    const first = await place.run([...launch('gone.csv', '--id', 'gone-1'), '--json']);
    expect([first.code, (JSON.parse(first.out) as Summary).states.failed]).toEqual([3, 2]);
    const second = await place.run([...launch('gone.csv', '--id', 'gone-2'), '--json']);
    expect([second.code, (JSON.parse(second.out) as Summary).list.rejects]).toEqual([0, { suppressed: 2 }]);
    expect((await suppress('check', 'gone1@example.com', '--json')).out).toContain('"why":"bounce"');

    file('gone3.csv', list('gone3@example.com'));
    await place.run([...launch('gone3.csv', '--id', 'gone-3', '--on-dead', 'keep'), '--json']);
    expect((await suppress('check', 'gone3@example.com')).code).toBe(0);
  });

  it('ends well where everybody was suppressed after the seal', async () => {
    file('late.csv', list(...numbered(3, 'late')));
    expect((await place.run(launch('late.csv', '--id', 'late', '--detach'))).code).toBe(0);
    await suppress('add', ...numbered(3, 'late'));
    const { code, out } = await place.run(['attach', 'late', '--smtp', relay.url]);
    expect(code).toBe(0);
    expect(out).toMatch(/suppressed {2,}3 {2,}100\.0%/);
    expect(results('late').map(({ state, ...row }) => [state, (row as unknown as { reason: string }).reason])).toEqual(
      Array(3).fill(['suppressed', 'suppressed']),
    );
    expect((await place.run(['verify', 'late'])).code).toBe(0);
    expect((await place.run(['report', 'late', '--format', 'html'])).out).toContain('suppressed');
    expect([...recorded().keys()].filter((address) => address.startsWith('late'))).toEqual([]);
  });

  it('sends nothing to somebody who is added while the campaign runs', async () => {
    file('long.csv', list(...numbered(4_000, 'long')));
    const campaign = place.start(
      launch('long.csv', '--id', 'long', '--workers', '1', '--connections', '2', '--chunk-size', '4000', '--json'),
    );
    await until(async () => {
      const { code, out } = await place.run(['progress', 'long', '--json']);
      return code === 0 && JSON.parse(out).counters.sent > 50 ? true : null;
    }, '50 messages sent');
    // The last of the list: there is time enough for the worker to look.
    const never = numbered(4_000, 'long').slice(3_500);
    file('never.txt', never.join('\n'));
    expect((await suppress('import', 'never.txt')).code).toBe(0);
    const { code, out } = await campaign.ended;
    const { states } = JSON.parse(out) as Summary;
    expect([code, states.sent, states.suppressed]).toEqual([0, 3_500, 500]);
    const seen = recorded();
    expect(never.filter((address) => seen.has(address))).toEqual([]);
    expect(
      results('long')
        .filter(({ state }) => state === 'suppressed')
        .map(({ email }) => email),
    ).toEqual(never);
    expect((await place.run(['verify', 'long'])).code).toBe(0);
  }, 90_000);
});
