import { Resolver } from 'node:dns/promises';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { placesOf } from '../../src/config/environment.js';
import { COMMANDS, type Option } from '../../src/config/option.js';
import { flagOf, OPTION_NAMES, OPTIONS, optionsOf } from '../../src/config/options.js';
import { type Flags, resolveSettings } from '../../src/config/settings.js';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'fanmail-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const LAUNCH: Flags = { list: 'people.csv', template: 'notice', from: 'a@example.com' };
const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);
const launch = (flags: Flags = {}, env: Record<string, string> = {}) =>
  resolveSettings('launch', { ...LAUNCH, ...flags }, { env, cwd });

function refusal(act: () => unknown): { code: string; message: string; hint: string | undefined } {
  try {
    act();
  } catch (error) {
    return error as { code: string; message: string; hint: string | undefined };
  }
  throw new Error('it was not refused');
}

describe('the settings of a command', () => {
  test('are the documented defaults where nothing is given', () => {
    expect(launch()).toMatchObject({
      smtp: null,
      id: null,
      limit: null,
      chunkSize: null,
      dryRun: false,
      detach: false,
      workers: Math.min(4, availableParallelism()),
      connections: 20,
      attempts: 6,
      retrySchedule: [15_000, 60_000, 300_000, 900_000, 3_600_000],
      giveUp: 432_000_000,
      onUnknown: 'hold',
      keep: 30 * 86_400_000,
      results: 'fanmail-results',
      redis: null,
      logLevel: 'warn',
    });
    expect(resolveSettings('worker', {}, { env: {}, cwd })).toMatchObject({
      processes: availableParallelism(),
      chunks: 2,
      grace: 10_000,
    });
    expect(resolveSettings('catch', {}, { env: {}, cwd })).toMatchObject({ port: 1025, httpPort: 8025 });
  });

  test('come from flags, then the environment, then .env, then the config file, then defaults', () => {
    write('fanmail.json', '{"connections": 3, "attempts": 3, "grace": "3s", "keep": "3d"}');
    write('.env', 'FANMAIL_CONNECTIONS=4\nFANMAIL_ATTEMPTS=4\nFANMAIL_GRACE="4s"\nFANMAIL_CONFIG=fanmail.json\n');
    const settings = launch({ connections: 6 }, { FANMAIL_CONNECTIONS: '5', FANMAIL_ATTEMPTS: '5', FANMAIL_KEEP: '' });
    expect(settings).toMatchObject({
      connections: 6,
      attempts: 5,
      grace: 4_000,
      keep: 3 * 86_400_000,
      giveUp: 432_000_000,
    });
  });

  test('hold only what the command takes', () => {
    expect(Object.keys(resolveSettings('pause', { campaign: 'c1' }, { env: {}, cwd })).sort()).toEqual(
      ['campaign', 'config', 'home', 'json', 'logFile', 'logLevel', 'redis'].sort(),
    );
  });

  test('read toggles from flags, variables and files', () => {
    write('c.json', '{"yes": true}');
    expect(launch({ dryRun: true }).dryRun).toBe(true);
    expect(launch({}, { FANMAIL_YES: '1' }).yes).toBe(true);
    expect(launch({ config: 'c.json' }).yes).toBe(true);
    expect(launch({ config: 'c.json', yes: false }).yes).toBe(false);
  });
});

describe('a bad value', () => {
  test.each([
    [{ connections: '0' }, '--connections can\'t be "0".', 'a whole number from 1 to 1000'],
    [{ connections: '1e2' }, '"1e2"', 'a whole number'],
    [{ connections: [5, 6] }, '"5,6"', 'a whole number'],
    [{ giveUp: '5' }, '--give-up can\'t be "5".', '5d'],
    [{ retrySchedule: '15s,,1m' }, '"15s,,1m"', 'separated by commas'],
    [{ onUnknown: 'drop' }, '--on-unknown can\'t be "drop".', 'hold or resend'],
    [{ id: 'Spring Sale' }, '"Spring Sale"', 'a-z'],
    [{ subject: 'Hi\r\nBcc: x' }, '--subject', 'line breaks'],
    [{ workers: 'many' }, '"many"', 'or auto'],
  ] as [Flags, string, string][])('%o is refused with what is allowed', (flags, message, allowed) => {
    const error = refusal(() => launch(flags));
    expect(error.code).toBe('OPTION_INVALID');
    expect(error.message).toContain(message);
    expect(error.hint).toContain(allowed);
  });

  test('is said to be from the variable, the .env or the file that it is from', () => {
    expect(refusal(() => launch({}, { FANMAIL_ATTEMPTS: 'x' })).message).toBe(
      '--attempts can\'t be "x", from FANMAIL_ATTEMPTS.',
    );
    write('c.json', '{"attempts": "y"}');
    expect(refusal(() => launch({ config: 'c.json' })).message).toContain(`"attempts" in ${join(cwd, 'c.json')}`);
    write('.env', 'FANMAIL_ATTEMPTS=z');
    expect(refusal(() => launch()).message).toContain(`FANMAIL_ATTEMPTS in ${join(cwd, '.env')}`);
  });

  test('that may hold a password is not repeated', () => {
    for (const flags of [{ smtp: 'http://me:hunter2@relay' }, { redis: 'htp://me:hunter2@r' }]) {
      const error = refusal(() => launch(flags));
      expect(error.message).toContain('not shown');
      expect(JSON.stringify(error) + error.message + error.hint).not.toContain('hunter2');
    }
  });

  test('of a required option that is missing names the option and the variable', () => {
    const error = refusal(() => launch({ template: undefined }));
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('--template') });
    expect(error.hint).toContain('FANMAIL_TEMPLATE');
    expect(refusal(() => resolveSettings('pause', {}, { env: {}, cwd })).message).toContain('<campaign>');
  });
});

describe('a config file', () => {
  test.each([
    ['{"conections": 3}', /"conections".*no option/, 'Did you mean connections?'],
    ['{"retrySchedule": "1s"}', /"retrySchedule"/, 'Did you mean retry-schedule?'],
    ['{"config": "b.json"}', /"config"/, undefined],
    ['{"frobnicate": 3}', /"frobnicate"/, undefined],
    ['{"from": {"name": "x"}}', /an object in "from"/, undefined],
    ['[]', /no JSON object/, undefined],
    ['{"smtp": "smtp://me:hunter2@relay"', /is not JSON/, undefined],
  ])('%s is refused', (text, message, hint) => {
    write('c.json', text);
    const error = refusal(() => launch({ config: 'c.json' }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringMatching(message), hint });
    expect(inspect(error)).not.toContain('hunter2');
  });

  test('that is not there is refused, though .env may be missing', () => {
    expect(refusal(() => launch({ config: 'no.json' })).message).toContain(join(cwd, 'no.json'));
  });

  test('takes a schedule as a list, and options of other commands beside', () => {
    write('c.json', '{"retry-schedule": ["1s", "2s"], "processes": 3}');
    expect(launch({ config: 'c.json' }).retrySchedule).toEqual([1_000, 2_000]);
  });
});

test('a mistyped variable in .env is refused with what was meant', () => {
  write('.env', 'FANMAIL_CONECTIONS=3\n');
  expect(refusal(() => launch())).toMatchObject({
    code: 'OPTION_INVALID',
    hint: 'Did you mean FANMAIL_CONNECTIONS?',
  });
});

test.runIf(process.getuid?.() === 0)('a .env of somebody else in a folder of many, such as /tmp, is not used', () => {
  write('.env', 'FANMAIL_REDIS_BIN=/tmp/theirs\nSMTP_URL=smtp://theirs.example\n');
  chownSync(join(cwd, '.env'), 65_534, 65_534);
  for (const read of [() => launch(), () => placesOf({ env: {}, cwd })])
    expect(refusal(read)).toMatchObject({
      code: 'OPTION_INVALID',
      message: `The file ${join(cwd, '.env')} belongs to another user.`,
    });
  // A folder of theirs that root works in, as a container does in what is mounted.
  chownSync(cwd, 65_534, 65_534);
  expect(launch().smtp?.reveal()).toBe('smtp://theirs.example');
});

test.runIf(process.getuid?.() === 0)('a .env of root is used by everybody, and one of another user by nobody', () => {
  chmodSync(cwd, 0o755);
  const env = join(cwd, '.env');
  const asNobody = () => {
    process.seteuid?.(65_534);
    try {
      return launch().smtp?.reveal();
    } finally {
      process.seteuid?.(0);
    }
  };
  write('.env', 'SMTP_URL=smtp://mail.example\n');
  expect(asNobody()).toBe('smtp://mail.example');
  chownSync(env, 65_533, 65_533);
  expect(refusal(asNobody).message).toContain('belongs to another user');
});

test('a secret shows itself only when asked', () => {
  const { smtp } = launch({}, { SMTP_URL: 'smtp://me:hunter2@relay' });
  expect(smtp?.reveal()).toBe('smtp://me:hunter2@relay');
  for (const shown of [
    `${smtp}`,
    JSON.stringify({ smtp }),
    inspect({ smtp }),
    inspect({ smtp }, { showHidden: true }),
  ]) {
    expect(shown).toContain('***');
    expect(shown).not.toContain('hunter2');
  }
});

test.each(['redis://h', 'rediss://u:p@h:1/2', 'unix:///run/r.sock', 'redis+unix://:p@/run/r.sock', '/run/r.sock'])(
  '%s is taken as a Redis',
  (url) => {
    expect(launch({ redis: url }).redis?.reveal()).toBe(url);
  },
);

test('the server binary may be named in the environment and in .env', () => {
  write('.env', 'FANMAIL_REDIS_BIN=/b\n');
  expect(placesOf({ env: {}, cwd }).redisBin).toBe('/b');
  expect(placesOf({ env: { FANMAIL_REDIS_BIN: '/a' }, cwd }).redisBin).toBe('/a');
});

describe('the table of options', () => {
  test('has defaults that are allowed, one name and one variable an option, and a line of description', () => {
    const options: Option[] = OPTION_NAMES.map((name) => OPTIONS[name]);
    for (const { schema, default: value } of options)
      if (value !== null) expect(schema.parse(value).refused).toBeUndefined();
    const variables = options.flatMap(({ env }) => env ?? []);
    expect(new Set(variables).size).toBe(variables.length);
    expect(new Set(OPTION_NAMES.map(flagOf)).size).toBe(OPTION_NAMES.length);
    for (const { describe: text } of options) expect(text).toMatch(/^\S[^\n]{5,}\S$/);
    for (const name of variables) expect(name).toMatch(/^(FANMAIL_[A-Z_]+|SMTP_URL|REDIS_URL)$/);
  });

  test('gives every command the options that all share, and a rehearsal no Redis and no home but its own', () => {
    for (const command of COMMANDS) {
      expect(optionsOf(command)).toEqual(expect.arrayContaining(['config', 'logLevel', 'logFile']));
      const theirs = optionsOf(command).filter((name) => name === 'redis' || name === 'home');
      expect(theirs).toEqual(command === 'rehearse' ? [] : ['redis', 'home']);
    }
    for (const name of ['smtp', 'notify'] as const) expect(optionsOf('rehearse')).not.toContain(name);
  });
});

describe('the DNS server to ask', () => {
  const dns = (text: string) => resolveSettings('check', { ...LAUNCH, dns: text }, { env: {}, cwd }).dns;

  test.each(['192.0.2.53', '192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]:5353', '[2001:db8::53]'])(
    'may be %s, which node:dns takes',
    (text) => {
      expect(dns(text)).toEqual({ server: text });
      expect(() => new Resolver().setServers([text])).not.toThrow();
    },
  );

  test.each(['on', 'ns.example.com', '192.0.2.53:0', '192.0.2.53:65536', '[192.0.2.53]:53', 'fe80::1%eth0'])(
    'is not "%s"',
    (text) => {
      expect(refusal(() => dns(text))).toMatchObject({ code: 'OPTION_INVALID' });
    },
  );

  test('is the system by default, and may be nobody', () => {
    expect(resolveSettings('check', LAUNCH, { env: {}, cwd }).dns).toBe('system');
    expect(dns('off')).toBe('off');
  });
});
