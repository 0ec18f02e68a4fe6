import { resolve } from 'node:path';
import { FanmailError } from '../domain/errors.js';
import type { Command, Option } from './option.js';
import { flagOf, OPTIONS, type OptionName, optionsOf } from './options.js';
import type { Schema } from './parse.js';
import { type Env, type Found, type Raw, readConfigFile, readDotEnv, type Source, textOf } from './sources.js';

type Table = typeof OPTIONS;
type Given<K extends OptionName> = Table[K]['schema'] extends Schema<infer T> ? T : never;
type Value<K extends OptionName, C extends Command> = Table[K]['default'] extends string
  ? Given<K>
  : C extends Table[K]['requiredBy'][number]
    ? Given<K>
    : Given<K> | null;

/** The options of a command, parsed: durations in milliseconds, null for what wasn't given and has no default. */
export type Settings<C extends Command> = {
  readonly [K in OptionName as C extends Table[K]['commands'][number] ? K : never]: Value<K, C>;
};

export interface Surroundings {
  readonly env: Env;
  readonly cwd: string;
}

/** What the command line gave: by the names of the table, so after `--retry-schedule` became `retrySchedule`. */
export type Flags = { readonly [K in OptionName]?: Raw };

/**
 * Defaults and validates all options of a command together: flags before variables of the environment, before `.env` in
 * `cwd`, before the file of `--config`, before defaults.
 * @throws FanmailError OPTION_INVALID, naming option, value, source and what is allowed; USAGE where one is missing.
 */
export function resolveSettings<C extends Command>(command: C, flags: Flags, around: Surroundings): Settings<C> {
  const dotEnv = readDotEnv(around.cwd);
  const fromVariables = (name: OptionName): Found | undefined => {
    const variable = OPTIONS[name].env;
    return (
      found(flags[name], { kind: 'flag', name: flagName(name) }) ??
      (variable === null
        ? undefined
        : (found(around.env[variable], { kind: 'environment', name: variable }) ??
          found(dotEnv.variables[variable], { kind: '.env', name: `${variable} in ${dotEnv.path}` })))
    );
  };
  const configPath = fromVariables('config')?.text;
  const path = configPath === undefined ? undefined : resolve(around.cwd, configPath);
  const file = path === undefined ? undefined : readConfigFile(path);
  const settings = Object.fromEntries(
    optionsOf(command).map((name) => {
      const option: Option = OPTIONS[name];
      const given =
        (option.otherwise[command] === undefined
          ? (fromVariables(name) ?? found(file?.get(name), { kind: 'config', name: `"${flagOf(name)}" in ${path}` }))
          : found(flags[name], { kind: 'flag', name: flagName(name) })) ??
        found(option.default, { kind: 'default', name: 'the default' });
      if (!given && option.requiredBy.includes(command)) throw missing(command, name);
      return [name, given ? parseOne(name, given) : null];
    }),
  );
  return settings as Settings<C>;
}

function parseOne(name: OptionName, { text, source }: Found): unknown {
  const option: Option = OPTIONS[name];
  const { value: parsed, refused } = option.schema.parse(text);
  if (refused === undefined) return parsed;
  if (refused instanceof FanmailError) throw refused;
  const value = option.secret ? 'what was given (not shown)' : `"${text}"`;
  const where = source.kind === 'flag' ? '' : `, from ${source.name}`;
  throw new FanmailError('OPTION_INVALID', `${flagName(name)} can't be ${value}${where}.`, {
    hint: `Allowed: ${refused}.`,
  });
}

function found(raw: Raw, source: Source): Found | undefined {
  const text = textOf(raw);
  return text === undefined ? undefined : { text, source };
}

function missing(command: Command, name: OptionName): FanmailError {
  const option: Option = OPTIONS[name];
  const ways = option.env === null ? '' : `, or set ${option.env}`;
  return new FanmailError('USAGE', `fanmail ${command} needs ${flagName(name)}: ${option.describe}.`, {
    hint: `Add ${option.positional ? flagName(name) : `${flagName(name)} …`}${ways}. See fanmail ${command} --help.`,
  });
}

function flagName(name: OptionName): string {
  return OPTIONS[name].positional ? `<${flagOf(name)}>` : `--${flagOf(name)}`;
}
