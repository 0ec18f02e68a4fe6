import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CaughtEntry, CaughtMessages } from './caught.js';

/** As many items as MailHog gives at most, and by default. */
const LIMIT = 250;
const DEFAULT_LIMIT = 50;

/**
 * Answers as MailHog's API does: `GET /api/v2/messages?start=&limit=`, `GET /api/v1/messages/<id>`,
 * `DELETE /api/v1/messages`. Only requests to a loopback name are answered, so that no web page can read the mail by
 * pointing a name of its own here.
 */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  caught: CaughtMessages,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const one = /^\/api\/v1\/messages\/(\d{1,15})$/.exec(url.pathname);
  if (!isLoopback(request.headers.host)) return say(response, 403, { error: 'only for this machine' });
  if (request.method === 'GET' && url.pathname === '/api/v2/messages') {
    const start = whole(url.searchParams.get('start'), 0);
    const entries = caught.newest(start, Math.min(LIMIT, whole(url.searchParams.get('limit'), DEFAULT_LIMIT)));
    const total = caught.count;
    const items = await Promise.all(entries.map((entry) => itemOf(entry, caught)));
    return say(response, 200, { total, count: items.length, start, items });
  }
  if (request.method === 'GET' && one !== null) {
    const entry = caught.find(Number(one[1]));
    return entry ? say(response, 200, await itemOf(entry, caught)) : say(response, 404, { error: 'no such message' });
  }
  if (request.method === 'DELETE' && url.pathname === '/api/v1/messages') {
    caught.clear();
    return say(response, 200, {});
  }
  return say(response, 404, { error: 'GET /api/v2/messages?start=&limit=, DELETE /api/v1/messages' });
}

function isLoopback(host: string | undefined): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(host ?? '');
}

function whole(text: string | null, fallback: number): number {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : fallback;
}

function say(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' });
  response.end(JSON.stringify(body));
}

async function itemOf(entry: CaughtEntry, caught: CaughtMessages): Promise<object> {
  const raw = ((await caught.content(entry)) ?? Buffer.alloc(0)).toString('latin1');
  const gap = raw.indexOf('\r\n\r\n');
  const head = gap < 0 ? raw : raw.slice(0, gap);
  return {
    ID: String(entry.number),
    From: pathOf(entry.from),
    To: entry.to.map(pathOf),
    Content: {
      Headers: headersOf(head),
      Body: gap < 0 ? '' : raw.slice(gap + 4),
      Size: entry.size,
      MIME: null,
    },
    Created: entry.at,
    MIME: null,
    Raw: { From: entry.from, To: entry.to, Data: raw, Helo: entry.helo },
  };
}

function pathOf(address: string): object {
  const at = address.lastIndexOf('@');
  return { Relays: null, Mailbox: address.slice(0, Math.max(0, at)), Domain: address.slice(at + 1), Params: '' };
}

/** By name as written, unfolded; a Map, since a header may be called `__proto__`. */
function headersOf(head: string): object {
  const headers = new Map<string, string[]>();
  for (const line of head.replace(/\r\n(?=[ \t])/g, '').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return Object.fromEntries(headers);
}
