import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FanmailError } from '../domain/errors.js';
import type { Log } from '../pipeline/ports.js';

export interface ServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly log: Log;
}

export interface WebServer {
  readonly port: number;
  /** Takes no new connection, lets what was begun be answered for `graceMs`, and then ends what is left. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Limits for whoever is slow, or many: the headers of a request, all of it, the size of the headers, connections. A link
 * and its answer are small, and a proxy in front has its own.
 */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  /** Longer than a proxy keeps a connection that it may still use: nginx 60 s. */
  keepAliveTimeout: 65_000,
  maxHeaderSize: 8 * 1024,
} as const;
const MOST_CONNECTIONS = 4_096;

/** @throws FanmailError OPTION_INVALID where nothing can be listened to there. */
export async function startServer({ host, port, answer, log }: ServerOptions): Promise<WebServer> {
  const open = new Set<ServerResponse>();
  const server = createServer(LIMITS, (request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'a request could not be answered');
      response.destroy();
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `--listen can't be ${host}:${port}: ${cause.code ?? cause.message}`;
      reject(
        new FanmailError('OPTION_INVALID', message, {
          cause,
          hint: 'Allowed: an address of this machine, and a port that is free.',
        }),
      );
    });
    server.listen({ host, port }, resolve);
  });
  // A connection that can't be accepted, where the system has no more of them: others still can.
  server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'));
  let stopping: Promise<void> | null = null;
  return {
    port: (server.address() as AddressInfo).port,
    stop(graceMs) {
      stopping ??= new Promise<void>((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
        for (const response of open) if (!response.headersSent) response.setHeader('connection', 'close');
      });
      return stopping;
    },
  };
}
