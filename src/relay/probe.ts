import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { TLSSocket } from 'node:tls';
import type { RelayFault } from '../domain/outcome.js';
import { connect } from './connect.js';
import { TIMEOUTS } from './timeouts.js';
import type { RelaySettings } from './url.js';

/** What a relay is like, as a session without a message shows it. */
export interface Probed {
  readonly kind: 'probed';
  /** From the look-up of the name to the end of the login. */
  readonly tookMs: number;
  readonly tls: TlsFacts | null;
  /** Keywords of EHLO in upper case, without parameters; null where it wasn't answered a second time. */
  readonly extensions: readonly string[] | null;
  /** Whether SIZE is offered, and the largest message in bytes; null without a limit. */
  readonly size: boolean;
  readonly sizeLimit: number | null;
}

export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string;
  /** Whether the certificate is the host's by a known authority. */
  readonly trusted: boolean;
  /** Epoch milliseconds of the certificate's end; null where it doesn't say. */
  readonly validTo: number | null;
}

/** No relay that is worth it takes longer; and somebody is waiting. */
const PATIENCE_MS = 15_000;
const MOST_BYTES = 65_536;

/** Connects, upgrades, logs in, asks for the extensions, and leaves. Nothing is sent; never rejects. */
export async function probeRelay(
  settings: RelaySettings,
  signal: AbortSignal,
): Promise<Probed | { readonly kind: 'fault'; readonly fault: RelayFault }> {
  const timeouts = { ...TIMEOUTS, connect: PATIENCE_MS, greeting: PATIENCE_MS };
  const began = performance.now();
  const connected = await connect(settings, timeouts, signal);
  const tookMs = performance.now() - began;
  if (connected.kind === 'fault') return connected;
  const { socket, offer } = connected;
  const tls = socket instanceof TLSSocket ? factsOf(socket) : null;
  const lines = await ask(socket, `EHLO ${settings.name ?? helloName()}`);
  socket.end('QUIT\r\n');
  socket.destroySoon();
  return {
    kind: 'probed',
    tookMs,
    tls,
    extensions: lines && keywords(lines),
    size: offer.size,
    sizeLimit: offer.sizeLimit,
  };
}

function factsOf(socket: TLSSocket): TlsFacts {
  const validTo = Date.parse(socket.getPeerCertificate().valid_to ?? '');
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    trusted: socket.authorized,
    validTo: Number.isNaN(validTo) ? null : validTo,
  };
}

/** A name with a dot, or an address literal (RFC 5321 4.1.1.1), as smtp-connection says it. */
function helloName(): string {
  const name = hostname();
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(name) ? name : '[127.0.0.1]';
}

/** EHLO may be said again at any time (RFC 5321 4.1.4). The lines of its reply, or null where it is refused or none. */
function ask(socket: Socket, command: string): Promise<readonly string[] | null> {
  return new Promise((resolve) => {
    let got = '';
    const finish = (lines: readonly string[] | null) => {
      clearTimeout(timer);
      resolve(lines);
    };
    const timer = setTimeout(() => finish(null), PATIENCE_MS);
    socket.on('error', () => finish(null));
    socket.on('close', () => finish(null));
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1');
      if (/^\d{3}(?: [^\r\n]*)?\r?\n/m.test(got)) finish(got.startsWith('250') ? got.split(/\r?\n/) : null);
      else if (got.length > MOST_BYTES) finish(null);
    });
    socket.resume();
    socket.write(`${command}\r\n`);
  });
}

/** The first line is the greeting. What is no keyword (RFC 5321 4.1.1.1) is left out, so nothing of a stranger is shown. */
function keywords(lines: readonly string[]): readonly string[] {
  const found = lines.slice(1).map((line) => /^250[- ]([A-Z0-9][A-Z0-9-]*)(?:[ =]|$)/i.exec(line)?.[1]?.toUpperCase());
  return [...new Set(found.filter((keyword) => keyword !== undefined))].slice(0, 50);
}
