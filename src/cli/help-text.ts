import { COMMANDS, type Command, type Option } from '../config/option.js';
import { flagOf, OPTIONS, type OptionName, optionsOf } from '../config/options.js';
import { wrap } from '../report/format.js';
import { COMMON, EXAMPLES, GENERAL, SUMMARIES } from './help.js';

/** What `fanmail --help` prints, no line longer than `width`. */
export function programHelp(width: number): string {
  const rows = COMMANDS.map((command) => [positionalForm(command), SUMMARIES[command]] as const);
  return [
    'fanmail <command> [options]',
    ...wrap('Bulk email from the command line: nothing lost, nothing doubled.', width),
    ...table([...rows, ['completion', 'Print a completion script for bash or zsh']], width),
    '',
    ...wrap('fanmail <command> --help says more of each; --version says which this is.', width),
  ].join('\n');
}

/** What `--help` of a command prints: what is used most, so that it fits a screen. `all`: every option, whole. */
export function commandHelp(command: Command, all: boolean, width: number): string {
  const shown = optionsOf(command).filter((name) => !OPTIONS[name].positional && (all || isCommon(name, command)));
  const rows = shown.map(
    (name) => [flagForm(name), all ? whole(OPTIONS[name], command) : first(OPTIONS[name], command)] as const,
  );
  const words = optionsOf(command).filter((name) => OPTIONS[name].positional);
  const examples = EXAMPLES[command]
    .slice(0, all ? undefined : 2)
    .flatMap(([line, what]) => [`  ${line}`, `      ${what}`]);
  return [
    `fanmail ${positionalForm(command)} [options]`,
    '',
    ...wrap(SUMMARIES[command], width),
    '',
    ...table([...words.map((name) => [`<${name}>`, first(OPTIONS[name], command)] as const), ...rows], width),
    '',
    ...examples.flatMap((line) => (line.length <= width ? [line] : wrap(line, width))),
    ...(all ? [] : ['', ...wrap(`Every option, its variable and default: fanmail ${command} --help-all`, width)]),
  ].join('\n');
}

/** `launch <list>`: a command and its words. */
export function positionalForm(command: Command): string {
  const words = optionsOf(command).filter((name) => OPTIONS[name].positional);
  return [command, ...words.map((name) => wordForm(name, command))].join(' ');
}

function wordForm(name: OptionName, command: Command): string {
  if (isRequired(name, command)) return `<${name}>`;
  return (OPTIONS[name] as Option).many ? `[${name}..]` : `[${name}]`;
}

export function isRequired(name: OptionName, command: Command): boolean {
  return (OPTIONS[name].requiredBy as readonly Command[]).includes(command);
}

function isCommon(name: OptionName, command: Command): boolean {
  const common: readonly OptionName[] | undefined = COMMON[command];
  return common ? common.includes(name) : !(GENERAL as readonly OptionName[]).includes(name);
}

function flagForm(name: OptionName): string {
  return `--${flagOf(name)}${OPTIONS[name].toggle ? '' : ' …'}`;
}

/** The first half of a description says what the option is; the rest can wait. */
function first({ describe, otherwise }: Option, command: Command): string {
  const text = otherwise[command] ?? describe;
  return text.split(';')[0] ?? text;
}

function whole({ describe, otherwise, default: value, env, toggle }: Option, command: Command): string {
  const own = otherwise[command];
  if (own !== undefined) return own;
  const notes = [...(value === null || toggle ? [] : [`default ${value}`]), ...(env === null ? [] : [env])];
  return notes.length > 0 ? `${describe} [${notes.join(', ')}]` : describe;
}

/** Two columns; what doesn't fit the second goes on below itself. */
function table(rows: readonly (readonly [name: string, text: string])[], width: number): string[] {
  const left = Math.min(24, Math.max(...rows.map(([name]) => name.length))) + 4;
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, width - left);
    const label = `  ${name}`.padEnd(left);
    const head = label.length > left ? [label.trimEnd()] : [];
    return [...head, ...lines.map((line, i) => (i === 0 && head.length === 0 ? label : ' '.repeat(left)) + line)];
  });
}
