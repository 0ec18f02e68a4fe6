import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { RelayIdentity } from '../domain/campaign.js';
import { FanmailError } from '../domain/errors.js';

/** Where and how messages are handed over. Holds the password: never log it, never store it. */
export interface RelaySettings {
  readonly host: string;
  readonly port: number;
  readonly security: RelayIdentity['security'];
  /** False: any certificate will do. By default only TLS that is required is also checked (RFC 7435 for the rest). */
  readonly verify: boolean;
  readonly login: { readonly user: string; readonly password: string } | null;
  /** What EHLO says; null: this machine's name. */
  readonly name: string | null;
  /** False: MAIL, RCPT and DATA go one by one even where the relay offers PIPELINING (RFC 2920). */
  readonly pipelining: boolean;
  /** Of several relays: its part of the messages, beside those of the others. */
  readonly weight: number;
  /** Of several: used only while none of the others can be. */
  readonly spare: boolean;
}

const FORM = 'smtp://user:password@host:port or smtps://user:password@host:port';
const TLS = { required: 'starttls', opportunistic: 'opportunistic', none: 'plain' } as const;
const OPTIONS = {
  tls: Object.keys(TLS),
  verify: ['true', 'false'],
  name: ['a host name'],
  pipelining: ['true', 'false'],
  weight: ['a whole number from 1 to 1000'],
  spare: ['true', 'false'],
} as const;
const EHLO_NAME = /^(?:[a-z0-9](?:[a-z0-9.-]{0,253}[a-z0-9])?|\[[a-z0-9:.]+\])$/i;

/**
 * Reads `smtp://` (port 25, or 587 with a user) and `smtps://` (TLS from the start, port 465; RFC 8314). With a password
 * over `smtp://`, STARTTLS is required unless the URL says otherwise.
 *
 * @throws FanmailError RELAY_URL naming what is wrong and what is allowed; never the URL itself, which may hold a password
 */
export function parseRelayUrl(url: string): RelaySettings {
  const parsed = readUrl(url);
  const implicit = parsed.protocol === 'smtps:';
  const options = readOptions(parsed.searchParams);
  const login = readLogin(parsed);
  if (implicit && options.tls !== undefined)
    throw refusal('the option tls means nothing with smtps://', 'Remove it: smtps:// is TLS from the start.');
  const security = implicit ? 'tls' : TLS[options.tls ?? (login ? 'required' : 'opportunistic')];
  return {
    host: readHost(parsed),
    port: readPort(parsed, implicit ? 465 : login ? 587 : 25),
    security,
    verify: options.verify ?? (security === 'tls' || security === 'starttls'),
    login,
    name: options.name ?? null,
    pipelining: options.pipelining ?? true,
    weight: options.weight ?? 1,
    spare: options.spare ?? false,
  };
}

/** What others may know of a relay; `user` is the first 12 hex digits of the user name's SHA-256. */
export function identityOf(settings: RelaySettings): RelayIdentity {
  const { host, port, security, login } = settings;
  const user = login ? createHash('sha256').update(login.user).digest('hex').slice(0, 12) : null;
  return { host, port, security, user };
}

const SECURITY = { tls: 'TLS', starttls: 'STARTTLS', opportunistic: 'STARTTLS if offered', plain: 'no encryption' };

/** `mail.example.com:587 (STARTTLS)`, for a person. */
export function describeRelay(identity: RelayIdentity): string {
  const host = identity.host.includes(':') ? `[${identity.host}]` : identity.host;
  return `${host}:${identity.port} (${SECURITY[identity.security]})`;
}

/** Whether these settings lead to the relay that a campaign was launched for, as the same user. */
export function matches(settings: RelaySettings, identity: RelayIdentity): boolean {
  const own = identityOf(settings);
  return (
    own.host === identity.host &&
    own.port === identity.port &&
    own.security === identity.security &&
    own.user === identity.user
  );
}

function readUrl(url: string): URL {
  let parsed: URL;
  try {
    parsed = new URL(url.trim());
  } catch {
    // Digits before an @ are the beginning of a password.
    const port = /:(\d{5,})(?:[/?#][^@]*)?$/.exec(url.trim())?.[1];
    if (port !== undefined && Number(port) > 65_535) throw refusal(`its port ${port} is above 65535`);
    throw refusal('it is no URL', `Write ${FORM}; in user and password, write @ : / ? # % as %40 %3A %2F %3F %23 %25.`);
  }
  if (parsed.protocol !== 'smtp:' && parsed.protocol !== 'smtps:')
    throw refusal(`its scheme is ${parsed.protocol}//, not smtp:// or smtps://`);
  // So what stands there is no path or option but the rest of a password, and not to be named.
  if (`${parsed.pathname}${parsed.search}${parsed.hash}`.includes('@'))
    throw refusal('an @ stands after the host', 'In user and password, write / ? # as %2F %3F %23.');
  if (parsed.hash !== '') throw refusal('it has a part after #', 'In a password, write # as %23.');
  if (parsed.pathname !== '' && parsed.pathname !== '/')
    throw refusal('it has a path after the host', 'In a password, write / as %2F.');
  return parsed;
}

function readHost(parsed: URL): string {
  const host = decode(parsed.hostname, 'host')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  if (host === '') throw refusal('it names no host');
  if (isIP(host) === 0 && !/^[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?$/.test(host))
    throw refusal(
      `${JSON.stringify(host)} is no host name`,
      'Write a name in ASCII (xn--… for others) or an IP address.',
    );
  return host;
}

function readPort(parsed: URL, fallback: number): number {
  if (parsed.port === '') return fallback;
  if (parsed.port === '0') throw refusal('port 0 is none', 'Write a port from 1 to 65535.');
  return Number(parsed.port);
}

function readLogin(parsed: URL): RelaySettings['login'] {
  const user = decode(parsed.username, 'user name');
  const password = decode(parsed.password, 'password');
  if (user === '' && password === '') return null;
  if (user === '') throw refusal('it has a password and no user name');
  if (password === '') throw refusal('it has a user name and no password');
  return { user, password };
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal(`its ${what} has a % that begins no code`, 'Write a % itself as %25.');
  }
}

interface Options {
  tls?: keyof typeof TLS;
  verify?: boolean;
  name?: string;
  pipelining?: boolean;
  weight?: number;
  spare?: boolean;
}

function readOptions(query: URLSearchParams): Options {
  const options: Options = {};
  const seen = new Set<string>();
  for (const [key, value] of query) {
    if (seen.has(key)) throw refusal(`the option ${key} stands there twice`);
    seen.add(key);
    if (key === 'tls' && Object.hasOwn(TLS, value)) options.tls = value as keyof typeof TLS;
    else if ((key === 'verify' || key === 'pipelining' || key === 'spare') && /^(?:true|false)$/.test(value))
      options[key] = value === 'true';
    else if (key === 'name' && EHLO_NAME.test(value)) options.name = value;
    else if (key === 'weight' && /^(?:[1-9]\d{0,2}|1000)$/.test(value)) options.weight = Number(value);
    else throw badOption(key, value);
  }
  return options;
}

function badOption(key: string, value: string): FanmailError {
  if (Object.hasOwn(OPTIONS, key)) {
    const allowed = OPTIONS[key as keyof typeof OPTIONS].join(', ');
    return refusal(`${key}=${JSON.stringify(value)} is not possible`, `Allowed for ${key}: ${allowed}.`);
  }
  return refusal(`it has an unknown option ${JSON.stringify(key)}`, `Options: ${Object.keys(OPTIONS).join(', ')}.`);
}

export function refusal(what: string, hint = `Write ${FORM}.`): FanmailError {
  return new FanmailError('RELAY_URL', `The relay's URL can't be used: ${what}.`, { hint });
}
