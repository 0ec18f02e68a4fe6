import type { Redis } from 'ioredis';
import { FanmailError } from '../domain/errors.js';
import type { Log } from '../pipeline/ports.js';
import { ioredis } from './ioredis.js';
import { addressOf, describeTarget, type RedisTarget } from './target.js';

export interface ConnectOptions {
  /** Shown by CLIENT LIST: letters, digits and dashes. */
  readonly name: string;
  /** Told when the connection is lost and when it is back. */
  readonly log?: Log;
}

const RETRY_CAP_MS = 1_000;

/**
 * A connection that comes back by itself, for ever. Commands wait while it is away, and those whose reply was lost are sent
 * again, so everything sent through it must bear to be repeated. RESP2, which every supported server speaks: a map is a flat array.
 * @throws FanmailError OPTION_INVALID where the target's URL is none.
 */
export function connectRedis(target: RedisTarget, options: ConnectOptions): Redis {
  const redis = new ioredis.Redis({
    ...addressOf(target),
    connectionName: options.name,
    protocol: 2,
    connectTimeout: 5_000,
    enableReadyCheck: true,
    maxRetriesPerRequest: null,
    retryStrategy: retryDelay,
    // A replica that was the master a moment ago refuses writes: look the name up again and repeat them there.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  });
  tellChanges(redis, target, options.log);
  return redis;
}

/** 50 ms, doubled at each try up to 1 s, with jitter so that a fleet doesn't come back in step. */
export function retryDelay(tries: number): number {
  const full = Math.min(RETRY_CAP_MS, 50 * 2 ** Math.min(tries - 1, 10));
  return Math.round(full * (0.5 + Math.random() / 2));
}

/**
 * Like `connectRedis`, but resolves when the server takes commands.
 * @throws FanmailError REDIS_UNREACHABLE where that isn't so within `firstConnectMs`, at once where the login is refused.
 */
export async function openRedis(
  target: RedisTarget,
  options: ConnectOptions & { readonly firstConnectMs: number },
): Promise<Redis> {
  const redis = connectRedis(target, options);
  let last: Error | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(unreachable(target, options.firstConnectMs, last)), options.firstConnectMs);
      const settle = (then: () => void) => {
        clearTimeout(timer);
        redis.off('ready', onReady);
        redis.off('error', onError);
        then();
      };
      const onReady = () => settle(resolve);
      const onError = (error: Error) => {
        last = error;
        if (isLoginRefused(error)) settle(() => reject(loginRefused(target, error)));
      };
      redis.on('ready', onReady);
      redis.on('error', onError);
    });
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

function tellChanges(redis: Redis, target: RedisTarget, log: Log | undefined): void {
  let wasReady = false;
  let lost = false;
  let last = '';
  // Without a listener ioredis prints to the console.
  redis.on('error', (error: Error) => {
    last = reasonOf(error);
  });
  redis.on('reconnecting', () => {
    if (wasReady && !lost) log?.warn({ redis: describeTarget(target), why: last }, 'lost the connection to Redis');
    lost = wasReady;
  });
  redis.on('ready', () => {
    if (lost) log?.info({ redis: describeTarget(target) }, 'Redis is back');
    wasReady = true;
    lost = false;
    last = '';
  });
}

/** The codes of Redis replies: wrong login, none given, and a password for a server before 6 that is wrong or not needed. */
function isLoginRefused(error: Error): boolean {
  return /^(WRONGPASS|NOAUTH|ERR invalid password|ERR (?:AUTH|Client sent AUTH))/i.test(error.message);
}

function loginRefused(target: RedisTarget, cause: Error): FanmailError {
  return new FanmailError(
    'REDIS_UNREACHABLE',
    `Redis at ${describeTarget(target)} refused the login: ${cause.message}`,
    {
      hint: 'Check user and password in REDIS_URL; write special characters as %40, %3A, %2F.',
      cause,
    },
  );
}

function unreachable(target: RedisTarget, ms: number, cause: Error | undefined): FanmailError {
  const why = cause ? reasonOf(cause) : 'no answer';
  return new FanmailError(
    'REDIS_UNREACHABLE',
    `Redis at ${describeTarget(target)} can't be reached (${why}, ${ms / 1000} s).`,
    {
      hint: 'Check that it runs and that REDIS_URL names it, or unset REDIS_URL to use the embedded one.',
      ...(cause ? { cause } : {}),
    },
  );
}

/** An AggregateError, of a name with several addresses, has an empty message. */
function reasonOf(error: Error): string {
  return error.message || ('code' in error ? String(error.code) : error.name);
}
