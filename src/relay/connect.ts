import type { Socket } from 'node:net';
import type { NodemailerError } from 'nodemailer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { RelayFault } from '../domain/outcome.js';
import { faultOf, NO_LOGIN } from './fault.js';
import type { Offer } from './offer.js';
import { limitWords, shareRoom, takeOver } from './takeover.js';
import type { Timeouts } from './timeouts.js';
import type { RelaySettings } from './url.js';

/** Far more than a greeting, EHLO twice and a login take. Nodemailer limits a single reply, not their number. */
const SET_UP_BYTES = 65_536;

export type Connected =
  | { readonly kind: 'connected'; readonly socket: Socket; readonly offer: Offer }
  | { readonly kind: 'fault'; readonly fault: RelayFault };

/**
 * Connects, greets, upgrades and logs in. The socket comes paused and without listeners: whoever takes it listens first,
 * then resumes; what its `data` brings is to be used, or copied, before the listener returns. Never rejects; an abort ends it with a fault.
 */
export function connect(settings: RelaySettings, timeouts: Timeouts, signal: AbortSignal): Promise<Connected> {
  return new Promise((resolve) => {
    const connection = new SMTPConnection(optionsOf(settings, timeouts));
    let loggingIn = false;
    const end = (outcome: Connected) => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
      // First this one: close() says `end`, which would be heard as another.
      resolve(outcome);
      if (outcome.kind === 'fault') connection.close();
    };
    const fail = (error: NodemailerError) => {
      const setUp = loggingIn ? 'login' : connection.upgrading ? 'tls' : 'opening';
      end({ kind: 'fault', fault: faultOf(error, setUp, settings) });
    };
    const deadline = setTimeout(() => {
      fail(new Error('the relay did not come to an end in time'));
    }, timeouts.setUp).unref();
    const onAbort = () => fail(new Error('the connection was no longer wanted'));
    const finish = () => {
      try {
        const { socket, offer } = takeOver(connection);
        end({ kind: 'connected', socket, offer: { ...offer, pipelining: offer.pipelining && settings.pipelining } });
      } catch (error) {
        fail(error as NodemailerError);
      }
    };
    limitWords(connection, SET_UP_BYTES, () => fail(new Error('the relay said more than it may')));
    shareRoom(connection);
    // Listened to for good: close() may still say something.
    connection.on('error', fail);
    connection.on('end', () => fail(new Error('the connection was closed')));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    connection.connect((error) => {
      if (error) return fail(error);
      if (settings.login === null) return finish();
      if (!connection.allowsAuth) return end({ kind: 'fault', fault: NO_LOGIN });
      loggingIn = true;
      const { user, password } = settings.login;
      connection.login({ user, pass: password }, (refused) => (refused ? fail(refused) : finish()));
    });
  });
}

function optionsOf(settings: RelaySettings, timeouts: Timeouts) {
  const { host, port, security, verify, name } = settings;
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'plain',
    opportunisticTLS: security === 'opportunistic',
    allowInternalNetworkInterfaces: true,
    connectionTimeout: timeouts.connect,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.greeting,
    socketCloseTimeout: 0,
    maxResponseSize: SET_UP_BYTES,
    logger: false,
    tls: { rejectUnauthorized: verify },
    ...(name === null ? {} : { name }),
  };
}
