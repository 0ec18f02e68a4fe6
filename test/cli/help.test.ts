import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/command-line.js';
import { commandHelp, programHelp } from '../../src/cli/help-text.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { COMMANDS, type Option } from '../../src/config/option.js';
import { flagOf, OPTIONS, optionsOf } from '../../src/config/options.js';

/** A terminal of 80 columns and as many lines as they come with. */
const SCREEN = { lines: 25, width: 80 };

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}

describe('--help', () => {
  it.each(COMMANDS)('of %s fits a screen', (command) => {
    const text = commandHelp(command, false, SCREEN.width);
    expect(text.split('\n').length).toBeLessThanOrEqual(SCREEN.lines);
    expect(widest(text)).toBeLessThanOrEqual(SCREEN.width);
  });

  it('of the program fits a screen and names every command', () => {
    const text = programHelp(SCREEN.width);
    expect(text.split('\n').length).toBeLessThanOrEqual(SCREEN.lines);
    for (const command of COMMANDS) expect(text).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  });

  it.each([...COMMANDS])('of %s is no wider than a narrow terminal', (command) => {
    expect(widest(commandHelp(command, false, 60))).toBeLessThanOrEqual(60);
    expect(widest(programHelp(60))).toBeLessThanOrEqual(60);
  });

  it.each(COMMANDS)('-all of %s shows every option with its variable and default', (command) => {
    const text = commandHelp(command, true, 200);
    for (const name of optionsOf(command)) {
      const { positional, env, default: value, toggle, otherwise }: Option = OPTIONS[name];
      if (positional) continue;
      const line = text.split('\n').find((candidate) => candidate.startsWith(`  --${flagOf(name)}`));
      expect(line, name).toBeDefined();
      const own = otherwise[command];
      if (own !== undefined) expect(line).toContain(own);
      if (own !== undefined) continue;
      if (env) expect(line).toContain(env);
      if (value && !toggle) expect(line).toContain(`default ${value}`);
    }
  });

  it('is printed on standard output, and nothing is run', async () => {
    const printed: string[] = [];
    const style = { width: 80, color: false, bars: false };
    const terminal: Terminal = {
      ...{ out: (text) => void printed.push(text), say: () => undefined, live: () => undefined },
      ...{ interactive: false, style, outStyle: style, ask: async () => null },
    };
    for (const argv of [['launch', '--help'], ['-h'], ['worker', '--help-all']]) {
      expect(await parseCommand(argv, terminal)).toBeNull();
    }
    expect(printed.map((text) => text.split('\n')[0])).toEqual([
      'fanmail launch <list> [options]',
      'fanmail <command> [options]',
      'fanmail worker [options]',
    ]);
  });
});
