import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { createUnsubscribes } from '../../src/pipeline/unsubscribes.js';
import { createSuppression, type SuppressionStore } from '../../src/redis/suppression/store.js';
import { startServer, type WebServer } from '../../src/web/server.js';
import { unsubscribeSite } from '../../src/web/unsubscribe-site.js';
import { type KeptLog, keptLog } from '../pipeline/fixture.js';

export interface Site {
  readonly server: WebServer;
  /** Of the test's own, beside that of the site. */
  readonly list: SuppressionStore;
  readonly log: KeptLog;
  readonly url: string;
}

/** The site of `fanmail serve` in this process, on a socket. */
export async function startSite(connections: () => Redis, sender: string | null = null): Promise<Site> {
  const log = keptLog();
  const unsubscribes = createUnsubscribes(createSuppression(connections()));
  const answer = unsubscribeSite({ unsubscribes, sender, log });
  const server = await startServer({ host: '127.0.0.1', port: 0, answer, log });
  return { server, list: createSuppression(connections()), log, url: `http://127.0.0.1:${server.port}` };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request, over a connection of its own. */
export async function ask(
  url: string,
  { method = 'GET', body, ...headers }: { method?: string; body?: string; [header: string]: string | undefined } = {},
): Promise<Answer> {
  const sent = httpRequest(url, { method, headers: headers as Record<string, string>, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

export const ONE_CLICK = {
  method: 'POST',
  body: 'List-Unsubscribe=One-Click',
  'content-type': 'application/x-www-form-urlencoded',
} as const;

/** A press of a button of the page. */
export function pressed(value: string) {
  return { ...ONE_CLICK, body: `unsubscribe=${value}` };
}

/** A socket that nothing is written to yet, and all that it is told until it is closed. */
export function openSocket({ server }: Site): { readonly socket: Socket; readonly told: Promise<string> } {
  const socket = connect(server.port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  socket.on('error', () => undefined);
  return { socket, told: new Promise((resolve) => socket.once('close', () => resolve(text))) };
}
