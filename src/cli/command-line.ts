import yargs, { type Argv } from 'yargs';
import { COMMANDS, type Command, type Option } from '../config/option.js';
import { flagOf, OPTIONS, type OptionName, optionsOf } from '../config/options.js';
import type { Flags } from '../config/settings.js';
import { closest } from '../config/suggest.js';
import { FanmailError } from '../domain/errors.js';
import type { ParsedCommand } from './commands.js';
import { EXAMPLES, SUMMARIES } from './help.js';
import type { Terminal } from './terminal.js';
import { version } from './version.js';

/** Parses the command line; null where it asked for help or the version, which was printed. */
export async function parseCommand(argv: readonly string[], terminal: Terminal): Promise<ParsedCommand | null> {
  let parsed: ParsedCommand | null = null;
  const parser = yargs()
    .scriptName('fanmail')
    .usage('$0 <command> [options]\n\nBulk email from the command line: nothing lost, nothing doubled.')
    .locale('en')
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(terminal.style.width, 110))
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
      (inner: Argv) => describeOptions(inner, command),
      (args) => {
        parsed = { command, flags: flagsOf(args, command, argv) };
      },
    );
  }
  const first = argv.find((word) => !word.startsWith('-'));
  if (first !== undefined && !COMMANDS.some((name) => name === first)) throw unknownCommand(first);
  await parser.parseAsync([...argv]);
  return parsed;
}

function positionalForm(command: Command): string {
  const words = optionsOf(command).filter((name) => OPTIONS[name].positional);
  const forms = words.map((name) => (isRequired(name, command) ? `<${name}>` : `[${name}]`));
  return [command, ...forms].join(' ');
}

function describeOptions(parser: Argv, command: Command): Argv {
  for (const name of optionsOf(command)) {
    const option: Option = OPTIONS[name];
    const { describe } = option;
    if (option.positional) parser.positional(name, { type: 'string', describe });
    else
      parser.option(flagOf(name), { describe: describeFlag(option), ...kindOf(option), requiresArg: !option.toggle });
  }
  for (const [line, what] of EXAMPLES[command]) parser.example(line, what);
  return parser;
}

function kindOf(option: Option): { type: 'boolean' } | { type: 'string' } {
  return option.toggle ? { type: 'boolean' } : { type: 'string' };
}

function describeFlag({ describe, default: value, env, toggle }: Option): string {
  const notes = [...(value === null || toggle ? [] : [`default ${value}`]), ...(env === null ? [] : [env])];
  return notes.length > 0 ? `${describe} [${notes.join(', ')}]` : describe;
}

/** The flags of a command by the names of the table. An option that another command takes, or none, is refused. */
function flagsOf(args: Readonly<Record<string, unknown>>, command: Command, argv: readonly string[]): Flags {
  const flags: Partial<Record<OptionName, string | number | boolean>> = {};
  const allowed = new Map(optionsOf(command).map((name) => [OPTIONS[name].positional ? name : flagOf(name), name]));
  for (const [key, value] of Object.entries(args)) {
    if (key === '$0' || key === 'help' || key === 'h' || key === 'version' || value === undefined) continue;
    if (key === '_') {
      refuseSurplus(value, command);
      continue;
    }
    const name = allowed.get(key);
    if (!name) throw unknownOption(key, command, [...allowed.keys()]);
    if (Array.isArray(value))
      throw new FanmailError('USAGE', `--${key} is given more than once`, { hint: 'give it once' });
    // yargs makes an empty word of a lone dash, which stands for standard input.
    if (value === '' && OPTIONS[name].positional && argv.includes('-')) flags[name] = '-';
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') flags[name] = value;
  }
  return flags;
}

function refuseSurplus(words: unknown, command: Command): void {
  const surplus = Array.isArray(words) ? words.slice(1) : [];
  if (surplus.length === 0) return;
  throw new FanmailError('USAGE', `fanmail ${command} doesn't take "${surplus.join(' ')}"`, {
    hint: `fanmail ${command} --help shows what it takes; put words with spaces in quotes`,
  });
}

function isRequired(name: OptionName, command: Command): boolean {
  return (OPTIONS[name].requiredBy as readonly Command[]).includes(command);
}

function unknownCommand(word: string): FanmailError {
  const meant = closest(word, COMMANDS);
  const hint = meant ? `did you mean fanmail ${meant}?` : `there are ${COMMANDS.join(', ')}`;
  return new FanmailError('USAGE', `there is no command "${word}"`, { hint });
}

function unknownOption(key: string, command: Command, allowed: readonly string[]): FanmailError {
  const meant = closest(key, allowed);
  return new FanmailError('USAGE', `fanmail ${command} has no option --${key}`, {
    hint: meant ? `did you mean --${meant}?` : `fanmail ${command} --help shows its options`,
  });
}
