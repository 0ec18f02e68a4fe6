import type { IncomingMessage, ServerResponse } from 'node:http';
import { TEST_TOKEN } from '../domain/unsubscribe.js';
import type { Log } from '../pipeline/ports.js';
import type { OpenedToken, Unsubscribes } from '../pipeline/suppression-ports.js';
import { readFields } from './request-body.js';
import { FORM, type Page, POLICY, unsubscribePages } from './unsubscribe-pages.js';

export interface SiteOptions {
  readonly unsubscribes: Unsubscribes;
  /** Whose mail it is, for the pages; null: they don't say. */
  readonly sender: string | null;
  readonly log: Log;
}

const RETRY_AFTER_S = 60;
/** Where Redis is gone, every request fails. */
const SAY_EVERY_MS = 10_000;

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex, nofollow',
  'x-content-type-options': 'nosniff',
} as const;

/**
 * Answers links to unsubscribe. The last part of the path is the token, whatever a proxy puts before it. A GET or HEAD
 * changes nothing, since scanners of mail follow links; a POST unsubscribes, with the body of RFC 8058 or from the page.
 * Nothing that is answered, or logged, tells who somebody is.
 */
export function unsubscribeSite({ unsubscribes, sender, log }: SiteOptions) {
  const pages = unsubscribePages(sender);
  let said = Number.NEGATIVE_INFINITY;

  function sayFailed(error: unknown): void {
    if (performance.now() - said < SAY_EVERY_MS) return;
    said = performance.now();
    log.warn({ err: error }, 'requests can not be answered');
  }

  async function answer(request: IncomingMessage): Promise<Page> {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return pages.wrongMethod;
    const token = tokenIn(request.url ?? '');
    if (token === TEST_TOKEN) return pages.test;
    const found = await unsubscribes.open(token);
    if (!found) return pages.unknown;
    return method === 'POST' ? unsubscribe(found, request) : pages.ask(found);
  }

  async function unsubscribe(found: OpenedToken, request: IncomingMessage): Promise<Page> {
    const fields = await readFields(request);
    if (fields === 'too-large') return pages.tooLarge;
    const scope = scopeOf(fields);
    if (scope === null) return pages.unasked;
    const topic = scope === 'topic' ? found.topic : null;
    await unsubscribes.add(found, topic);
    log.info({ topic, scope }, 'unsubscribed');
    return pages.done({ topic });
  }

  async function health(response: ServerResponse): Promise<void> {
    const well = await unsubscribes.isWell();
    response.writeHead(well ? 200 : 503, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
    response.end(well ? 'ok\n' : 'Redis does not answer\n');
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === '/healthz' && request.method !== 'POST') return health(response);
    const page = await answer(request).catch((error: unknown) => {
      // A client that is gone reads no answer.
      if (!request.destroyed || request.complete) sayFailed(error);
      return pages.later;
    });
    write(page, request, response);
  };
}

function write({ status, html }: Page, request: IncomingMessage, response: ServerResponse): void {
  if (status === 405) response.setHeader('allow', 'GET, HEAD, POST');
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER_S);
  // What is left of a body is not waited for.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { ...HEADERS, 'content-length': Buffer.byteLength(html) });
  response.end(html);
}

/** What stands behind the last slash, before a query that a mail program may have added. */
function tokenIn(url: string): string {
  const [path = ''] = url.split(/[?#]/, 1);
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What a POST asks for: to be taken off what the link is about, or off all. Null: nothing that we know. */
function scopeOf(fields: URLSearchParams | null): 'topic' | 'all' | null {
  if (fields?.get('List-Unsubscribe') === 'One-Click') return 'topic';
  const pressed = fields?.get(FORM.field);
  return pressed === FORM.topic || pressed === FORM.all ? pressed : null;
}
