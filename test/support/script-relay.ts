import { closeSync, openSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { Session } from './script-session.js';

/** `handshake`: instead of the one of TLS, after STARTTLS. `body`: the first bytes of a message are there. */
export type Stage =
  | ('greeting' | 'ehlo' | 'starttls' | 'handshake' | 'auth')
  | ('mail' | 'rcpt' | 'data' | 'body' | 'message' | 'rset' | 'quit');

/** Something that a client did, before it is answered. */
export interface ScriptEvent {
  readonly stage: Stage;
  /** Counts from 1. */
  readonly connection: number;
  /** The sender at `mail`, the recipient at `rcpt` and after, what followed AUTH at `auth`. */
  readonly address: string;
  /** Messages kept before this, on this connection. */
  readonly messages: number;
  /** The command as it came. */
  readonly line: string;
}

/** What to do instead of the usual. */
export interface Action {
  /** One reply, without its CRLF. */
  readonly reply?: string;
  /** Bytes as they are, each piece in a packet of its own; none: say nothing any more. */
  readonly pieces?: readonly (string | Buffer)[];
  /** After that: this again and again until the client closes; as fast as it reads, or once in so many milliseconds. */
  readonly flood?: { readonly text: string; readonly everyMs?: number };
  /** At `message`: whether it counts as accepted. By default, where the reply is the usual one or begins with 2. */
  readonly keep?: boolean;
  /** Then: break off, close, say nothing any more, or not even read. */
  readonly after?: 'destroy' | 'end' | 'hang' | 'pause';
  readonly delayMs?: number;
}

export interface ScriptRelayOptions {
  /** The file that is appended to, NDJSON, before each reply to a message or a refused recipient goes out. */
  readonly record?: string;
  readonly behave?: (event: ScriptEvent) => Action | undefined;
  /** Lines of EHLO. */
  readonly extensions?: readonly string[];
  readonly replyDelayMs?: number;
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer; readonly implicit?: boolean };
  /** Keeps what was accepted in memory, as it was before dot-stuffing. */
  readonly contents?: boolean;
  readonly port?: number;
}

/** A line of the record. */
export type Recorded =
  | {
      readonly to: string;
      readonly from: string;
      readonly messageId: string;
      readonly accepted: true;
      readonly at: number;
    }
  | {
      readonly to: string;
      readonly from: string;
      readonly accepted: false;
      readonly reply: string;
      readonly at: number;
    };

export interface ScriptRelay {
  readonly port: number;
  readonly accepted: number;
  /** Connections so far, and those open now. */
  readonly connections: number;
  readonly open: number;
  readonly contents: readonly Buffer[];
  stop(): Promise<void>;
}

/**
 * An SMTP server that follows a script and writes down, before it says so, what it accepted: the witness that a sender's
 * own books are held against. Shares no code with the sender.
 */
export async function startScriptRelay(options: ScriptRelayOptions = {}): Promise<ScriptRelay> {
  const file = options.record === undefined ? null : openSync(options.record, 'a');
  const sockets = new Set<Socket>();
  const contents: Buffer[] = [];
  let accepted = 0;
  let connections = 0;
  const host = {
    options,
    write(entry: Recorded) {
      if (entry.accepted) accepted++;
      if (file !== null) writeSync(file, `${JSON.stringify(entry)}\n`);
    },
    content(content: Buffer) {
      contents.push(content);
    },
    secure(socket: Socket) {
      if (!options.tls) throw new Error('no certificate for STARTTLS');
      return track(new TLSSocket(socket, { isServer: true, key: options.tls.key, cert: options.tls.cert }));
    },
  };
  const track = <S extends Socket>(socket: S): S => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket.setNoDelay(true);
  };
  const onSocket = (socket: Socket) => void new Session(track(socket), ++connections, host);
  const server: Server = options.tls?.implicit ? createTlsServer(options.tls, onSocket) : createServer(onSocket);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the script relay has no port');
  return {
    port: address.port,
    get accepted() {
      return accepted;
    },
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    contents,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      if (file !== null) closeSync(file);
    },
  };
}
