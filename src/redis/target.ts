import type { RedisOptions } from 'ioredis';
import { FanmailError } from '../domain/errors.js';

/** Which Redis to talk to. A URL may hold a password: print `describeTarget` only. */
export type RedisTarget =
  | { readonly kind: 'socket'; readonly path: string }
  /** redis://, rediss://, unix://, redis+unix:// or an absolute path, each with `user:password@` where it needs one. */
  | { readonly kind: 'url'; readonly url: string };

/** The part of ioredis's options that says where and who. */
export type Address = Pick<RedisOptions, 'host' | 'port' | 'path' | 'username' | 'password' | 'db' | 'tls'>;

const ALLOWED =
  'redis://[user:password@]host[:port][/db], rediss:// for TLS, unix://[user:password@]/path[?db=n], or an absolute path';

/**
 * Parses a target.
 * @throws FanmailError OPTION_INVALID, naming the URL without what may be a password.
 */
export function addressOf(target: RedisTarget): Address {
  if (target.kind === 'socket') return { path: target.path };
  const { url } = target;
  if (url.startsWith('/')) return { path: url };
  const unix = /^(?:redis\+)?unix:\/\/(?:([^@/]*)@)?(\/[^?#]+)(?:\?([^#]*))?$/i.exec(url);
  if (unix) {
    const [, login = '', path = '', query = ''] = unix;
    refuseLateAt(query, url);
    const [username = '', ...rest] = login.split(':');
    return {
      path: decoded(path, url),
      ...credentials(username, rest.join(':'), url),
      ...database(undefined, new URLSearchParams(query), url),
    };
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const tls = parsed?.protocol === 'rediss:';
  if (!parsed || !(tls || parsed.protocol === 'redis:') || !parsed.hostname) throw invalid(url, 'is not a Redis URL');
  refuseLateAt(`${parsed.pathname}${parsed.search}${parsed.hash}`, url);
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    host,
    port: parsed.port ? Number(parsed.port) : 6379,
    ...credentials(parsed.username, parsed.password, url),
    ...database(parsed.pathname.replace(/^\//, '') || undefined, parsed.searchParams, url),
    ...(tls ? { tls: { servername: host } } : {}),
  };
}

/** The target for a person or a log: host or socket and database, never user or password. */
export function describeTarget(target: RedisTarget): string {
  const address = addressOf(target);
  const db = address.db ? `/${address.db}` : '';
  if (address.path) return `unix:${address.path}${db && `?db=${address.db}`}`;
  const host = address.host?.includes(':') ? `[${address.host}]` : address.host;
  return `${address.tls ? 'rediss' : 'redis'}://${host}:${address.port}${db}`;
}

function credentials(username: string, password: string, url: string): Address {
  return {
    ...(username ? { username: decoded(username, url) } : {}),
    ...(password ? { password: decoded(password, url) } : {}),
  };
}

function database(fromPath: string | undefined, query: URLSearchParams, url: string): Address {
  for (const name of query.keys()) {
    if (name !== 'db') throw invalid(url, `has the parameter "${name}", and only "db" is known`);
  }
  const text = fromPath ?? query.get('db');
  if (text === null) return {};
  if (!/^\d{1,5}$/.test(text)) throw invalid(url, `names the database "${text}", which is not a number`);
  return { db: Number(text) };
}

/** What stands before such an @ is no database or parameter but the rest of a password, and not to be named. */
function refuseLateAt(rest: string, url: string): void {
  if (rest.includes('@'))
    throw invalid(url, 'has an @ after its host; in user and password, write / ? # as %2F %3F %23');
}

function decoded(text: string, url: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(url, 'has a % that begins no escape (write %25)');
  }
}

function invalid(url: string, why: string): FanmailError {
  return new FanmailError('OPTION_INVALID', `The Redis URL "${withoutLogin(url)}" ${why}.`, {
    hint: `Allowed: ${ALLOWED}.`,
  });
}

/** What doesn't parse may still hold a password: everything up to the last @ goes, and all where there is no scheme. */
function withoutLogin(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0] ?? '';
  const at = url.lastIndexOf('@');
  return at < 0 ? url : `${scheme}***@${url.slice(at + 1)}`;
}
