import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/command-line.js';
import { openTerminal } from '../../src/cli/terminal.js';
import { COMMANDS, type Option } from '../../src/config/option.js';
import { flagOf, OPTION_NAMES, OPTIONS } from '../../src/config/options.js';
import { resolveSettings } from '../../src/config/settings.js';
import { readConfigFile } from '../../src/config/sources.js';
import { PHASES } from '../../src/domain/campaign.js';
import { EXIT } from '../../src/domain/errors.js';
import { STATE_NAMES, STATES } from '../../src/domain/state.js';
import { RESULTS_HEADER } from '../../src/report/results-csv.js';
import { resultNames } from '../../src/report/summary-text.js';
import { blocks, code, codes, page, section, table } from './markdown.js';
import { callsIn } from './shell.js';

const README = page('README.md');

/** As the table names them: `all`, or all but a few. */
function commandsOf({ commands }: Option): string {
  const without = COMMANDS.filter((command) => !commands.includes(command));
  if (without.length > 2) return commands.join(', ');
  return without.length === 0 ? 'all' : `all but ${without.join(', ')}`;
}

function rowOf(option: Option, flag: string) {
  return {
    flag: option.positional ? `<${flag}>` : `--${flag}`,
    commands: commandsOf(option),
    variable: option.env ?? '',
    default: option.toggle ? 'off' : (option.default ?? ''),
  };
}

describe('the README', () => {
  it('has every option with its commands, variable and default, and no other', () => {
    const shown = table(section(README, '## Options')).map(([flag, commands, variable, value]) => ({
      flag: code(flag),
      commands,
      variable: variable?.replaceAll('`', ''),
      default: value?.replaceAll('`', ''),
    }));
    expect(shown).toEqual(OPTION_NAMES.map((name) => rowOf(OPTIONS[name], flagOf(name))));
  });

  it('has every value of the options that take one of a few', () => {
    for (const row of table(section(README, '## Options'))) {
      const name = OPTION_NAMES.find((one) => [`--${flagOf(one)}`, `<${flagOf(one)}>`].includes(code(row[0])));
      const allowed = name && OPTIONS[name].schema.parse('\0').refused;
      if (typeof allowed !== 'string' || !/^[a-z]+( or [a-z]+)+$/.test(allowed) || allowed === 'true or false')
        continue;
      expect(
        codes(row[4] ?? '').filter((word) => /^[a-z]+$/.test(word)),
        row[0],
      ).toEqual(allowed.split(' or '));
    }
  });

  it('has every command, with what it takes', () => {
    const shown = table(section(README, '## Commands')).map(([command]) => code(command).split(' ')[1]);
    expect(shown).toEqual([...COMMANDS]);
  });

  it('has every variable that is no option', () => {
    const shown = codes(section(README, '## Environment'));
    for (const name of ['FANMAIL_REDIS_BIN', 'NO_COLOR', 'PATH', 'XDG_CACHE_HOME', 'HOME'])
      expect(shown).toContain(name);
  });

  it('names no variable of fanmail that there is not', () => {
    const known = [...OPTION_NAMES.flatMap((name) => OPTIONS[name].env ?? []), 'FANMAIL_REDIS_BIN'];
    const named = new Set(README.match(/\bFANMAIL_[A-Z_]*[A-Z]/g));
    expect([...named].filter((name) => !known.includes(name))).toEqual([]);
  });

  it('has every exit code by its name, and no other', () => {
    const shown = table(section(README, '## Exit codes')).map(([number, name]) => [code(name), Number(number)]);
    expect(Object.fromEntries(shown)).toEqual(EXIT);
  });

  it('has every state of a recipient, and which are final', () => {
    const shown = table(section(README, '## States')).map(([state, , final]) => [code(state), final === 'yes']);
    expect(shown).toEqual(STATE_NAMES.map((name) => [name, STATES[name].final]));
  });

  it('has every phase of a campaign', () => {
    const words = codes(section(README, '## States'));
    for (const phase of [...PHASES, 'paused', 'cancelling']) expect(words).toContain(phase);
  });

  it('has the columns of results.csv in their order', () => {
    const columns = RESULTS_HEADER.trim().split(',');
    const shown = table(section(README, '## Your first campaign'));
    expect(shown.map(([column]) => code(column))).toEqual(columns);
    expect(blocks(README).some(({ language, text }) => language === 'csv' && text.startsWith(RESULTS_HEADER))).toBe(
      true,
    );
  });

  it('has every file of the results', () => {
    const shown = table(section(README, '## Files')).map(([file]) => code(file));
    const names = [...Object.values(resultNames(1)), 'rejects.csv'];
    expect(shown.filter((file) => file.startsWith('fanmail-results/')).sort()).toEqual(
      names.map((name) => `fanmail-results/<id>/${name}`).sort(),
    );
  });

  it('shows a config file that is read as one', () => {
    const [shown = ''] = /\{"connections".*?\}/.exec(README) ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'fanmail-docs-'));
    try {
      writeFileSync(join(folder, 'fanmail.json'), shown);
      expect([...readConfigFile(join(folder, 'fanmail.json')).keys()]).toEqual(['connections', 'retrySchedule']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a call of fanmail in a code block of the README', () => {
  const terminal = openTerminal(false);
  const calls = blocks(README)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => callsIn(text))
    .filter(({ args }) => !args.includes('--help'));
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fanmail-docs-'));
    const dotEnv = blocks(README).find(({ language }) => language === 'ini');
    writeFileSync(join(folder, '.env'), dotEnv?.text ?? '');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is found, of nearly every command', () => {
    const used = new Set(calls.map(({ args }) => args[0]));
    const expected = ['launch', 'worker', 'progress', 'resume', 'list', 'report', 'catch', 'redis'];
    expect(expected.filter((command) => !used.has(command))).toEqual([]);
  });

  it.each(calls)('is understood, each setting allowed: $line', async ({ args, env }) => {
    const parsed = await parseCommand(args, terminal);
    expect(parsed).not.toBeNull();
    if (parsed) expect(resolveSettings(parsed.command, parsed.flags, { env, cwd: folder })).toBeTypeOf('object');
  });
});
