import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CaughtEntry, CaughtMessages } from './caught.js';
import { type Monkey, parseChances } from './chaos.js';

/** As many items as MailHog gives at most, and by default. */
const LIMIT = 250;
const DEFAULT_LIMIT = 50;

/** As much as is read of a request. */
const BODY_BYTES = 64 * 1024;
const ROUTES =
  'GET /api/v2/messages?start=&limit=, GET /api/v2/search?kind=to|from|containing&query=, DELETE /api/v1/messages, /api/v2/jim';

/** What the API shows and changes. */
export interface Shown {
  readonly caught: CaughtMessages;
  readonly monkey: Monkey;
}

/**
 * Answers as MailHog's API does: `GET /api/v2/messages?start=&limit=`, `GET /api/v2/search?kind=&query=&start=&limit=`,
 * `GET /api/v1/messages/<id>`, `DELETE /api/v1/messages`, and `/api/v2/jim`: GET, POST, PUT and DELETE. Only requests to
 * a loopback name and from no page of another are answered, so that no web page can read the mail by pointing a name of
 * its own here, or turn the monkey loose.
 */
export async function answer(request: IncomingMessage, response: ServerResponse, shown: Shown): Promise<void> {
  const { host, origin } = request.headers;
  const foreign = origin !== undefined && !isLoopback(origin.replace(/^https?:\/\//, ''));
  if (!isLoopback(host) || foreign) return say(response, 403, { error: 'only for this machine' });
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const { caught } = shown;
  const one = /^\/api\/v1\/messages\/(\d{1,15})$/.exec(pathname);
  switch (`${request.method} ${one ? '/api/v1/messages/<id>' : pathname}`) {
    case 'GET /api/v2/messages':
      return sayPage(response, caught, searchParams);
    case 'GET /api/v2/search':
      return saySearch(response, caught, searchParams);
    case 'GET /api/v1/messages/<id>': {
      const entry = caught.find(Number(one?.[1]));
      return entry ? say(response, 200, await itemOf(entry, caught)) : say(response, 404, { error: 'no such message' });
    }
    case 'DELETE /api/v1/messages':
      caught.clear();
      return say(response, 200, {});
    default:
      if (pathname === '/api/v2/jim') return tell(request, response, shown.monkey);
      return say(response, 404, { error: ROUTES });
  }
}

async function sayPage(response: ServerResponse, caught: CaughtMessages, parameters: URLSearchParams): Promise<void> {
  const { start, limit } = windowOf(parameters);
  const entries = caught.newest(start, limit);
  const total = caught.count;
  const items = await Promise.all(entries.map((entry) => itemOf(entry, caught)));
  say(response, 200, { total, count: items.length, start, items });
}

/** Upper and lower case are the same; `to` and `from` look at the envelope and at the headers of these names. */
async function saySearch(response: ServerResponse, caught: CaughtMessages, parameters: URLSearchParams): Promise<void> {
  const [kind, query] = [parameters.get('kind'), parameters.get('query')?.toLowerCase() ?? ''];
  if ((kind !== 'to' && kind !== 'from' && kind !== 'containing') || query === '') {
    return say(response, 400, { error: 'kind is to, from or containing, and query is not empty' });
  }
  const { start, limit } = windowOf(parameters);
  const items: Item[] = [];
  let total = 0;
  for (const entry of caught.newest(0, caught.count)) {
    const item = await itemOf(entry, caught);
    if (!textsOf(item, kind).some((text) => text.toLowerCase().includes(query))) continue;
    if (total >= start && items.length < limit) items.push(item);
    total++;
  }
  say(response, 200, { total, count: items.length, start, items });
}

function textsOf({ Content, Raw }: Item, kind: 'to' | 'from' | 'containing'): readonly string[] {
  if (kind === 'to') return [...Raw.To, ...(Content.Headers.To ?? [])];
  if (kind === 'from') return [Raw.From, ...(Content.Headers.From ?? [])];
  return [Content.Body, ...Object.values(Content.Headers).flat()];
}

/** Wakes the monkey (POST), tells it otherwise (PUT), asks after it (GET) or puts it to sleep (DELETE). */
async function tell(request: IncomingMessage, response: ServerResponse, monkey: Monkey): Promise<void> {
  const { method } = request;
  if (method === 'POST' && monkey.chances !== null) return say(response, 400, { error: 'it is awake: PUT' });
  if (method !== 'POST' && monkey.chances === null) return say(response, 404, { error: 'it is asleep: POST' });
  if (method === 'GET') return say(response, 200, monkey.chances ?? {});
  if (method === 'DELETE') {
    monkey.sleep();
    return say(response, 200, {});
  }
  if (method !== 'POST' && method !== 'PUT') return say(response, 405, { error: 'GET, POST, PUT or DELETE' });
  const body = await bodyOf(request);
  const chances = body === '' && method === 'POST' ? undefined : parseChances(body);
  if (chances === null) return say(response, 400, { error: 'a JSON object of chances, each from 0 to 1' });
  monkey.wake(chances);
  return say(response, method === 'POST' ? 201 : 200, monkey.chances ?? {});
}

/** Longer than allowed, it is cut off, and so is no JSON any more. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (bytes < BODY_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES).toString();
}

function windowOf(parameters: URLSearchParams): { start: number; limit: number } {
  const limit = Math.min(LIMIT, whole(parameters.get('limit'), DEFAULT_LIMIT));
  return { start: whole(parameters.get('start'), 0), limit };
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

/** A message as MailHog gives it. */
interface Item {
  readonly ID: string;
  readonly From: object;
  readonly To: readonly object[];
  readonly Content: {
    readonly Headers: Readonly<Record<string, readonly string[]>>;
    readonly Body: string;
    readonly Size: number;
    readonly MIME: null;
  };
  readonly Created: string;
  readonly MIME: null;
  readonly Raw: { readonly From: string; readonly To: readonly string[]; readonly Data: string; readonly Helo: string };
}

async function itemOf(entry: CaughtEntry, caught: CaughtMessages): Promise<Item> {
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
function headersOf(head: string): Record<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const line of head.replace(/\r\n(?=[ \t])/g, '').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return Object.fromEntries(headers);
}
