import { Socket } from 'node:net';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Offer } from './offer.js';

/*
 * The one place that knows Nodemailer's insides. Every assumption is checked, so that another version of the library
 * fails here and not in the middle of a message.
 */

/**
 * Lets the library hear no more than so many bytes in all; then says so once. It keeps every line that it has not come
 * to yet, takes one of them in a turn of the event loop, and skips empty ones: of a flood of those it would hold
 * millions. For a connection that is not begun yet.
 *
 * @throws Error where the library is not as expected
 */
export function limitWords(connection: SMTPConnection, mostBytes: number, exceeded: () => void): void {
  const hear: unknown = Reflect.get(connection, '_onSocketData');
  if (typeof hear !== 'function') throw new Error('smtp-connection has no _onSocketData');
  let heard = 0;
  Reflect.set(connection, '_onSocketData', (chunk: Buffer) => {
    const before = heard;
    heard += chunk.length;
    if (heard <= mostBytes) hear(chunk);
    else if (before <= mostBytes) exceeded();
  });
}

/** Where the bytes of all plain connections are read into: nobody else reads before whoever hears them has done so. */
const room = Buffer.allocUnsafeSlow(65_536);

/**
 * Has a connection that is not encrypted read into the same room as the others: otherwise Node takes 64 kB of new memory for
 * each read, and a message is one read. So what the socket's `data` brings is valid until its listener returns. For a
 * connection that is not begun yet; one that is upgraded later reads as Node does.
 *
 * @throws Error where the library is not as expected
 */
export function shareRoom(connection: SMTPConnection): void {
  const connectTo: unknown = Reflect.get(connection, '_connectToHost');
  if (typeof connectTo !== 'function') throw new Error('smtp-connection has no _connectToHost');
  // Not the library's socket of the moment: what comes unencrypted must never be taken for what TLS has decrypted.
  let plain: SMTPConnection['_socket'] = false;
  const callback = (read: number) => {
    if (plain) plain.emit('data', room.subarray(0, read));
    return true;
  };
  Reflect.set(connection, '_connectToHost', (options: object, encrypted: boolean) => {
    connectTo.call(connection, encrypted ? options : { ...options, onread: { buffer: room, callback } }, encrypted);
    if (!encrypted) plain = connection._socket;
  });
}

/**
 * Takes the socket of a connection that is set up and idle away from it.
 *
 * @throws Error where the library is not as expected, or the relay has already said more than it was asked
 */
export function takeOver(connection: SMTPConnection): { socket: Socket; offer: Offer } {
  const socket = connection._socket;
  if (!(socket instanceof Socket)) throw new Error('smtp-connection has no socket where one was expected');
  if (Reflect.get(connection, '_remainder') !== '' || lengthOf(connection, '_responseQueue') > 0)
    throw new Error('the relay spoke without being asked');
  socket.pause();
  socket.setTimeout(0);
  for (const [event, field] of LISTENERS) {
    const listener: unknown = Reflect.get(connection, field);
    if (typeof listener !== 'function') throw new Error(`smtp-connection has no ${field}`);
    socket.removeListener(event, listener as () => void);
  }
  if (socket.listenerCount('data') > 0) throw new Error('smtp-connection still listens to its socket');
  return { socket, offer: offerOf(Reflect.get(connection, '_ehloLines')) };
}

const LISTENERS = [
  ['data', '_onSocketData'],
  ['error', '_onSocketError'],
  ['error', '_onConnectionSocketError'],
  ['close', '_onSocketClose'],
  ['end', '_onSocketEnd'],
  ['timeout', '_onSocketTimeout'],
] as const;

function lengthOf(connection: SMTPConnection, field: string): number {
  const list: unknown = Reflect.get(connection, field);
  if (!Array.isArray(list)) throw new Error(`smtp-connection has no ${field}`);
  return list.length;
}

/** What the lines of EHLO offer (RFC 5321 4.1.1.1); after HELO there are none. */
function offerOf(lines: unknown): Offer {
  const offered = new Map<string, string>();
  for (const line of Array.isArray(lines) ? lines : []) {
    const [keyword = '', ...parameters] = String(line).split(/\s+/);
    offered.set(keyword.toUpperCase(), parameters.join(' '));
  }
  const size = offered.get('SIZE');
  // RFC 1870: no number, or 0, is no limit.
  const sizeLimit = size !== undefined && /^\d{1,15}$/.test(size) && Number(size) > 0 ? Number(size) : null;
  return {
    pipelining: offered.has('PIPELINING'),
    size: size !== undefined,
    sizeLimit,
    smtpUtf8: offered.has('SMTPUTF8'),
    eightBit: offered.has('8BITMIME'),
  };
}
