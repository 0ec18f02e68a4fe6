import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { domainToASCII } from 'node:url';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { CaughtMessages } from './caught.js';
import { Monkey } from './chaos.js';
import { answer } from './mailhog.js';

export interface CatcherOptions {
  /** For SMTP; 0: any free one. */
  readonly port: number;
  /** For the API; 0: any free one. */
  readonly httpPort: number;
  /** The address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** The folder for the messages; made where it is missing. */
  readonly dir: string;
  /** Messages kept at most, about; the oldest go first. Default 100,000. */
  readonly keep?: number;
}

export interface Catcher {
  readonly smtpPort: number;
  readonly httpPort: number;
  /** Messages kept now. */
  count(): number;
  stop(): Promise<void>;
}

/**
 * A mail server that delivers nothing: keeps what it gets in a folder and shows it over HTTP as MailHog does. Any login
 * is good. Told so over HTTP, it refuses and cuts connections as MailHog's chaos monkey does. Rejects where a port can't be had; then nothing is left running.
 */
export async function startCatcher(options: CatcherOptions): Promise<Catcher> {
  const host = options.host ?? '127.0.0.1';
  const caught = new CaughtMessages(options.dir, options.keep ?? 100_000);
  const monkey = new Monkey();
  const smtp = smtpServer(caught, monkey);
  const http = createServer((request, response) => {
    answer(request, response, { caught, monkey }).catch((error: unknown) => response.destroy(error as Error));
  });
  try {
    await listening(smtp.server, () => smtp.listen(options.port, host));
    await listening(http, () => http.listen(options.httpPort, host));
  } catch (error) {
    smtp.server.close();
    caught.close();
    throw error;
  }
  let stopped: Promise<void> | null = null;
  return {
    smtpPort: (smtp.server.address() as AddressInfo).port,
    httpPort: (http.address() as AddressInfo).port,
    count: () => caught.count,
    stop() {
      stopped ??= stop(smtp, http).then(() => caught.close());
      return stopped;
    },
  };
}

function smtpServer(caught: CaughtMessages, monkey: Monkey): SMTPServer {
  const server = new SMTPServer({
    name: 'fanmail.localhost',
    banner: 'fanmail catch',
    size: 50 * 1024 * 1024,
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    socketTimeout: 10 * 60_000,
    closeTimeout: 500,
    onAuth: (auth, _session, callback) => {
      if (monkey.strikes('RejectAuthChance')) return callback(refusal(500, 'Unrecognised command'));
      callback(null, { user: auth.username ?? 'anybody' });
    },
    onMailFrom: ({ address }, _session, callback) => {
      callback(monkey.strikes('RejectSenderChance') ? refusal(550, `Invalid sender ${address}`) : null);
    },
    onRcptTo: ({ address }, _session, callback) => {
      callback(monkey.strikes('RejectRecipientChance') ? refusal(550, `Invalid recipient ${address}`) : null);
    },
    onData: (stream, session, callback) => {
      receive(stream)
        .then((content) => {
          if (stream.sizeExceeded) return callback(refusal(552, '5.3.4 the message is larger than 50 MB'));
          const { number } = caught.add(content, envelopeOf(session));
          callback(null, `caught as ${number}`);
        })
        .catch(callback);
    },
  });
  server.server.prependListener('connection', (socket) => tease(socket, monkey));
  // A client that goes away in the middle; nothing to do.
  server.on('error', () => undefined);
  return server;
}

function receive(stream: SMTPServerDataStream): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    // Over the limit the rest is read, as it must be, and not kept.
    stream.on('data', (chunk: Buffer) => stream.sizeExceeded || chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks)));
    stream.on('error', reject);
  });
}

function refusal(responseCode: number, words: string): Error {
  return Object.assign(new Error(words), { responseCode });
}

/** Turns a connection away, or cuts it when something was read: before, while or after it is answered. */
function tease(socket: Socket, monkey: Monkey): void {
  if (monkey.chances === null) return;
  if (!monkey.accepts()) {
    socket.destroy();
    return;
  }
  socket.on('data', () => {
    if (monkey.strikes('DisconnectChance')) setImmediate(() => socket.destroySoon());
  });
}

function envelopeOf(session: SMTPServerSession) {
  const { mailFrom, rcptTo } = session.envelope;
  return {
    from: mailFrom ? mailFrom.address : '',
    // As it was on the wire: smtp-server shows an ASCII domain in Unicode.
    to: rcptTo.map((recipient) => asciiDomain(recipient.address)),
    helo: session.hostNameAppearsAs,
  };
}

function asciiDomain(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  return address.slice(0, at) + (domainToASCII(address.slice(at)) || address.slice(at));
}

function listening(server: { once(event: string, listener: (error: Error) => void): unknown }, listen: () => unknown) {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => resolve());
    listen();
  });
}

async function stop(smtp: SMTPServer, http: Server): Promise<void> {
  const ended = Promise.all([
    new Promise<void>((resolve) => smtp.close(() => resolve())),
    new Promise<void>((resolve) => http.close(() => resolve())),
  ]);
  http.closeAllConnections();
  await ended;
}
