import { type Env, readDotEnv } from './sources.js';

/** Variables that are no options: where things are, and what a terminal shows. */
export interface Places {
  readonly redisBin: string | undefined;
  readonly path: string | undefined;
  readonly xdgCacheHome: string | undefined;
  readonly userHome: string | undefined;
  /** https://no-color.org: set and not empty. */
  readonly noColor: boolean;
}

/** The environment of this process; nothing else reads it. */
export function processEnvironment(): Env {
  return process.env;
}

/** From the environment; the binary from `.env`, too, as everything that begins with FANMAIL_. */
export function placesOf(around: { readonly env: Env; readonly cwd: string }): Places {
  const { env } = around;
  return {
    redisBin: env.FANMAIL_REDIS_BIN || readDotEnv(around.cwd).variables.FANMAIL_REDIS_BIN || undefined,
    path: env.PATH,
    xdgCacheHome: env.XDG_CACHE_HOME,
    userHome: env.HOME,
    noColor: Boolean(env.NO_COLOR),
  };
}
