import { type Schema, yesOrNo } from './parse.js';

export const COMMANDS = [
  'launch',
  'worker',
  'progress',
  'attach',
  'pause',
  'resume',
  'cancel',
  'retry',
  'list',
  'report',
  'export',
  'verify',
  'catch',
  'redis',
  'check',
  'preview',
  'doctor',
  'rehearse',
  'suppress',
  'serve',
] as const;
export type Command = (typeof COMMANDS)[number];

export interface Option {
  /** One line for --help and the README. */
  readonly describe: string;
  readonly commands: readonly Command[];
  /** The variable that sets it; null for what belongs to one call. */
  readonly env: string | null;
  readonly schema: Schema<unknown>;
  /** The default as a user would write it; null: none. */
  readonly default: string | null;
  /** Commands that don't run without it. */
  readonly requiredBy: readonly Command[];
  /** A word without dashes on the command line. */
  readonly positional: boolean;
  /** Any number of such words. */
  readonly many: boolean;
  /** A flag that takes no value. */
  readonly toggle: boolean;
  /** Never shown. */
  readonly secret: boolean;
  /** What it is to a command to which it is something else: then neither variable nor config file speak of that. */
  readonly otherwise: Readonly<Partial<Record<Command, string>>>;
}

const PLAIN = {
  ...{ env: null, default: null, requiredBy: [], positional: false, many: false, toggle: false, secret: false },
  otherwise: {},
} as const;

type Own = Partial<Option> & Pick<Option, 'describe' | 'commands' | 'schema'>;
export const option = <const T extends Own>(own: T): Omit<typeof PLAIN, keyof T> & T => ({ ...PLAIN, ...own });

/** A toggle is off by default. */
export const toggle = <const C extends readonly Command[]>(commands: C, describe: string, env: string | null = null) =>
  option({ describe, commands, env, schema: yesOrNo(), default: 'false', toggle: true });
