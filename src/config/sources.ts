import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { FanmailError } from '../domain/errors.js';
import { flagOf, OPTION_NAMES, OPTIONS, type OptionName } from './options.js';
import { closest } from './suggest.js';

export type Env = Readonly<Record<string, string | undefined>>;

/** What a flag or a config file may hold for an option. */
export type Raw = string | number | boolean | readonly (string | number)[] | null | undefined;

/** Where a setting came from, to be named in a message. */
export interface Source {
  readonly kind: 'flag' | 'environment' | '.env' | 'config' | 'default';
  /** `--connections`, `FANMAIL_CONNECTIONS in /here/.env`, `"connections" in /here/fanmail.json`. */
  readonly name: string;
}

export interface Found {
  readonly text: string;
  readonly source: Source;
}

const VARIABLES = new Set(OPTION_NAMES.flatMap((name) => OPTIONS[name].env ?? []));
/** Variables of ours that are no option of a command. */
const OTHER_VARIABLES = ['FANMAIL_REDIS_BIN'];

/** One text for what different sources write differently; undefined for nothing, or an empty variable. */
export function textOf(raw: Raw): string | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined;
  return typeof raw === 'object' ? raw.join(',') : String(raw);
}

/**
 * Reads `.env` of a folder, if it is there.
 * @throws FanmailError OPTION_INVALID for a FANMAIL_… variable that isn't one, surely a mistyped one, and for a file of
 * another user: in a shared folder it could name a relay, a Redis, or a program to run.
 */
export function readDotEnv(cwd: string): { readonly path: string; readonly variables: Env } {
  const path = resolve(cwd, '.env');
  const text = readIfThere(path, refuseForeign);
  if (text === undefined) return { path, variables: {} };
  const variables: Env = parseEnv(text.replace(/^\uFEFF/, ''));
  for (const name of Object.keys(variables)) {
    if (!name.startsWith('FANMAIL_') || VARIABLES.has(name) || OTHER_VARIABLES.includes(name)) continue;
    throw unknown(`${name} in ${path} is no variable of fanmail`, closest(name, [...VARIABLES, ...OTHER_VARIABLES]));
  }
  return { path, variables };
}

/**
 * Reads a config file: a JSON object with options as on the command line, `{"connections": 20, "retry-schedule": "15s,1m"}`.
 * @throws FanmailError OPTION_INVALID where it can't be read, isn't that, or names an option that there is not.
 */
export function readConfigFile(path: string): ReadonlyMap<OptionName, Raw> {
  const text = readIfThere(path);
  if (text === undefined) throw invalidFile(path, 'does not exist');
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    // The words of the parser quote the text, which may hold a password.
    throw invalidFile(path, 'is not JSON', cause instanceof SyntaxError ? undefined : cause);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw invalidFile(path, 'is no JSON object');
  const allowed = new Map(OPTION_NAMES.filter((name) => name !== 'config').map((name) => [flagOf(name), name]));
  const settings = new Map<OptionName, Raw>();
  for (const [key, value] of Object.entries(content)) {
    const name = allowed.get(key);
    if (!name) throw unknown(`"${key}" in ${path} is no option of fanmail`, closest(key, allowed.keys()));
    if (!isRaw(value)) throw invalidFile(path, `has an object in "${key}" where a text, number or true/false is meant`);
    settings.set(name, value);
  }
  return settings;
}

function isRaw(value: unknown): value is Raw {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string' || typeof item === 'number');
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** Its owner has to be this user or root. Root may also use that of the folder's owner, as in a container's mount. */
function refuseForeign(path: string, file: number): void {
  const user = process.geteuid?.();
  const { uid } = fstatSync(file);
  if (user === undefined || uid === user || uid === 0) return;
  if (user === 0 && statSync(dirname(path)).uid === uid) return;
  throw new FanmailError('OPTION_INVALID', `The file ${path} belongs to another user.`, {
    hint: 'Work in a folder of your own; or look what is in it, and make it yours (chown).',
  });
}

function readIfThere(path: string, check?: (path: string, file: number) => void): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    check?.(path, file);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof FanmailError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw invalidFile(path, `can't be read (${code})`, cause);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function invalidFile(path: string, why: string, cause?: unknown): FanmailError {
  return new FanmailError('OPTION_INVALID', `The file ${path} ${why}.`, cause === undefined ? {} : { cause });
}

function unknown(what: string, meant: string | undefined): FanmailError {
  return new FanmailError('OPTION_INVALID', `${what}.`, meant ? { hint: `Did you mean ${meant}?` } : {});
}
