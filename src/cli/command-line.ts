import yargs, { type Argv } from 'yargs';
import { COMMANDS, type Command, type Option } from '../config/option.js';
import { flagOf, OPTIONS, type OptionName, optionsOf } from '../config/options.js';
import { BETWEEN_WORDS } from '../config/parse.js';
import type { Flags } from '../config/settings.js';
import { closest } from '../config/suggest.js';
import { FanmailError } from '../domain/errors.js';
import type { ParsedCommand } from './commands.js';
import { SUMMARIES } from './help.js';
import { commandHelp, positionalForm, programHelp } from './help-text.js';
import type { Terminal } from './terminal.js';
import { version } from './version.js';

/** Parses the command line; null where it asked for help, the version or completion, which was printed. */
export async function parseCommand(argv: readonly string[], terminal: Terminal): Promise<ParsedCommand | null> {
  const first = argv.find((word) => !word.startsWith('-'));
  const named = COMMANDS.find((name) => name === first);
  const help = argv.find((word) => word === '--help' || word === '-h' || word === '--help-all');
  if (help !== undefined) {
    const { width } = terminal.outStyle;
    terminal.out(named ? commandHelp(named, help === '--help-all', width) : programHelp(width));
    return null;
  }
  if (first !== undefined && !named && !isCompletion(argv)) throw unknownCommand(first);

  let parsed: ParsedCommand | null = null;
  const parser = yargs()
    .scriptName('fanmail')
    .locale('en')
    .version(version)
    .help(false)
    .completion('completion', false)
    // Values stay as they are typed: what they mean is for the option table to say.
    .parserConfiguration({ 'parse-numbers': false, 'parse-positional-numbers': false, 'camel-case-expansion': false })
    .exitProcess(false)
    .demandCommand(1, 'Which command?')
    .fail((message, error) => {
      throw error ?? new FanmailError('USAGE', message, { hint: 'fanmail --help shows the commands' });
    });
  for (const command of COMMANDS) {
    parser.command(
      positionalForm(command),
      SUMMARIES[command],
      (inner: Argv) => describeOptions(inner, command, isCompletion(argv)),
      (args) => {
        parsed = { command, flags: flagsOf(args, command, argv) };
      },
    );
  }
  await parser.parseAsync([...argv]);
  return parsed;
}

/** The script that a shell sources, and what that script asks as a word is completed. */
function isCompletion(argv: readonly string[]): boolean {
  return argv[0] === 'completion' || argv[0] === '--get-yargs-completions';
}

/** Unless a word is completed, options are hidden: after each command, yargs lays out a help that nobody sees. */
function describeOptions(parser: Argv, command: Command, shown: boolean): Argv {
  for (const name of optionsOf(command)) {
    const { describe, positional, toggle }: Option = OPTIONS[name];
    if (positional) parser.positional(name, { type: 'string', describe });
    else {
      const kind = { type: toggle ? 'boolean' : 'string', requiresArg: !toggle } as const;
      parser.option(flagOf(name), { describe, hidden: !shown, ...kind });
    }
  }
  return parser;
}

/** The flags of a command by the names of the table. An option that another command takes, or none, is refused. */
function flagsOf(args: Readonly<Record<string, unknown>>, command: Command, argv: readonly string[]): Flags {
  const flags: Partial<Record<OptionName, string | number | boolean>> = {};
  const allowed = new Map(optionsOf(command).map((name) => [OPTIONS[name].positional ? name : flagOf(name), name]));
  for (const [key, value] of Object.entries(args)) {
    if (key === '$0' || key === 'version' || value === undefined) continue;
    if (key === '_') {
      refuseSurplus(value, command);
      continue;
    }
    const name = allowed.get(key);
    if (!name) throw unknownOption(key, command, [...allowed.keys()]);
    if (Array.isArray(value) && (OPTIONS[name] as Option).many) {
      // yargs drops a lone dash there, which stands for standard input.
      const words = [...value.map(String), ...argv.filter((word) => word === '-')];
      if (words.length > 0) flags[name] = words.join(BETWEEN_WORDS);
      continue;
    }
    if (Array.isArray(value))
      throw new FanmailError('USAGE', `--${key} is given more than once`, { hint: 'give it once' });
    if (typeof value === 'string') flags[name] = OPTIONS[name].positional ? dashed(value, argv) : value;
    else if (typeof value === 'number' || typeof value === 'boolean') flags[name] = value;
  }
  return flags;
}

/** yargs makes an empty word of a lone dash, which stands for standard input. */
function dashed(word: string, argv: readonly string[]): string {
  return word === '' && argv.includes('-') ? '-' : word;
}

function refuseSurplus(words: unknown, command: Command): void {
  const surplus = Array.isArray(words) ? words.slice(1) : [];
  if (surplus.length === 0) return;
  throw new FanmailError('USAGE', `fanmail ${command} doesn't take "${surplus.join(' ')}"`, {
    hint: `fanmail ${command} --help shows what it takes; put words with spaces in quotes`,
  });
}

function unknownCommand(word: string): FanmailError {
  const meant = closest(word, COMMANDS);
  const hint = meant ? `did you mean fanmail ${meant}?` : `there are ${COMMANDS.join(', ')}`;
  return new FanmailError('USAGE', `there is no command "${word}"`, { hint });
}

/** What a rehearsal must never be told: it would no longer be one. */
const NOT_IN_A_REHEARSAL = ['smtp', 'redis', 'home', 'notify'];

function unknownOption(key: string, command: Command, allowed: readonly string[]): FanmailError {
  if (command === 'rehearse' && NOT_IN_A_REHEARSAL.includes(key)) {
    return new FanmailError('USAGE', `fanmail rehearse takes no --${key}: nothing of it leaves this machine`, {
      hint: 'its relay and its Redis are its own, and nobody is notified; fanmail launch sends for real',
    });
  }
  const meant = closest(key, allowed);
  return new FanmailError('USAGE', `fanmail ${command} has no option --${key}`, {
    hint: meant ? `did you mean --${meant}?` : `fanmail ${command} --help shows its options`,
  });
}
