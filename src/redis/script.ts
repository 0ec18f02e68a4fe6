import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/** A Lua script that runs atomically in Redis. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** Reads a script of a folder below src/redis, with the functions that all of that folder share in front. */
export function loadScript(name: string, folder = 'ledger'): Script {
  const read = (file: string) => readFileSync(new URL(`./${folder}/${file}.lua`, import.meta.url), 'utf8');
  const source = `${read('shared')}\n${read(name)}`;
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/** What a script returned: a status word, then values. */
export interface Reply {
  readonly status: string;
  readonly values: readonly (Buffer | number | null)[];
}

/**
 * Runs a script by its hash, and by its text where this Redis has not seen it (a new or restarted one).
 * Every script may be repeated after a lost reply.
 */
export async function runScript(
  redis: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<Reply> {
  return parse(await evaluate(redis, script, keys, args));
}

async function evaluate(
  redis: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  try {
    return await redis.callBuffer('EVALSHA', script.sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return redis.callBuffer('EVAL', script.source, keys.length, ...keys, ...args);
  }
}

function parse(reply: unknown): Reply {
  if (!Array.isArray(reply)) throw new TypeError('a script returned no list');
  const [status, ...values] = reply.map(scalar);
  if (!Buffer.isBuffer(status)) throw new TypeError('a script returned no status');
  return { status: status.toString('latin1'), values };
}

function scalar(value: unknown): Buffer | number | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value) || typeof value === 'number') return value;
  if (typeof value === 'string') return Buffer.from(value);
  throw new TypeError(`a script returned a ${typeof value}`);
}
