import type { NodemailerError } from 'nodemailer';
import type { RelayFault } from '../domain/outcome.js';
import { plain } from './reply.js';
import type { RelaySettings } from './url.js';

/** How far the set-up had come. */
export type SetUp = 'opening' | 'tls' | 'login';

/** Maps whatever ended the set-up of a connection to a fault: by codes, never by the text of an error. */
export function faultOf(error: NodemailerError, setUp: SetUp, settings: RelaySettings): RelayFault {
  const cause = causeOf(error, setUp);
  const code = error.responseCode;
  // RFC 5321 4.2.1: 5yz; 999 is no refusal but nonsense.
  const refused = code !== undefined && code >= 500 && code < 600;
  const said = error.response ? plain(error.response) : plain(error.message);
  const why = withoutCredentials(`${WORDS[cause]}: ${said}`, settings);
  return { cause, why, misconfigured: refused && (cause === 'login' || cause === 'tls') };
}

/** AUTH is not offered, so that a login can't be tried. */
export const NO_LOGIN: RelayFault = {
  cause: 'login',
  why: 'the relay offers no login (AUTH) on this connection, and the URL has a user name',
  misconfigured: true,
};

const WORDS = {
  unreachable: 'no connection to the relay',
  greeting: 'the relay does not open a session',
  tls: 'no encrypted connection to the relay',
  login: 'the login was refused',
} as const;

function causeOf(error: NodemailerError, setUp: SetUp): RelayFault['cause'] {
  // A relay that closes may do so at any step; 421 says nothing about the credentials.
  if (error.responseCode === 421) return 'greeting';
  if (error.code === 'EAUTH') return 'login';
  if (error.code === 'ETLS' || error.command === 'STARTTLS' || setUp === 'tls') return 'tls';
  if (error.code === 'ESOCKET' && ofTls(error.originalCode)) return 'tls';
  // RFC 3207: where EHLO is refused, a STARTTLS that is required can't be had.
  if (error.command === 'EHLO' && error.code === 'ECONNECTION' && error.responseCode !== undefined) return 'tls';
  if (error.responseCode !== undefined) return 'greeting';
  // Connected, and then silence.
  if (error.timeoutType === 'GREETING_TIMEOUT' || error.timeoutType === 'SOCKET_TIMEOUT') return 'greeting';
  return 'unreachable';
}

/** OpenSSL's and Node's names (`CERT_HAS_EXPIRED`, `ERR_SSL_…`) have an underscore; those of the system have none. */
function ofTls(code: string | undefined): boolean {
  return code !== undefined && (code === 'EPROTO' || code.includes('_'));
}

/** A relay may repeat what it was told; nothing of the credentials is passed on. */
function withoutCredentials(text: string, settings: RelaySettings): string {
  if (settings.login === null) return text;
  const { user, password } = settings.login;
  const secrets = [password, user];
  for (const secret of [password, user, `\0${user}\0${password}`]) secrets.push(Buffer.from(secret).toString('base64'));
  let clean = text;
  for (const secret of secrets.sort((a, b) => b.length - a.length)) clean = clean.replaceAll(secret, '…');
  return clean;
}
