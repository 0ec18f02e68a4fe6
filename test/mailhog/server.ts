import { createInterface } from 'node:readline';
import type { Place } from '../support/cli.js';

export interface Item {
  readonly From: { readonly Mailbox: string; readonly Domain: string };
  readonly To: readonly { readonly Mailbox: string; readonly Domain: string }[];
  readonly Raw: { readonly From: string; readonly To: readonly string[]; readonly Data: string };
}
export interface Items {
  readonly total: number;
  readonly count: number;
  readonly start: number;
  readonly items: readonly Item[];
}

/** The monkey's chances; those that are not named are such that nothing happens. */
export interface Chances {
  readonly RejectRecipientChance?: number;
  readonly RejectSenderChance?: number;
  readonly DisconnectChance?: number;
}
const CALM = {
  AcceptChance: 1,
  DisconnectChance: 0,
  LinkSpeedAffect: 0,
  LinkSpeedMin: 1024,
  LinkSpeedMax: 10240,
  RejectSenderChance: 0,
  RejectRecipientChance: 0,
  RejectAuthChance: 0,
};

/** A mail server with MailHog's API. */
export class Hog {
  readonly smtp: string;
  readonly #url: string;

  constructor(smtp: string, url: string) {
    this.smtp = smtp;
    this.#url = url.replace(/\/$/, '');
  }

  messages(start: number, limit: number): Promise<Items> {
    return this.#json(`/api/v2/messages?start=${start}&limit=${limit}`);
  }

  search(kind: string, query: string): Promise<Items> {
    return this.#json(`/api/v2/search?kind=${kind}&query=${encodeURIComponent(query)}&limit=250`);
  }

  /** Everything, in pages; never a page that begins at the end, since MailHog has an item there all the same. */
  async all(limit = 250): Promise<Item[]> {
    const items: Item[] = [];
    for (;;) {
      const page = await this.messages(items.length, limit);
      items.push(...(page.items ?? []));
      if (items.length >= page.total) return items;
    }
  }

  async clear(): Promise<void> {
    expectOk(await fetch(`${this.#url}/api/v1/messages`, { method: 'DELETE' }));
  }

  /** Wakes the monkey with these chances. */
  async rage(chances: Chances): Promise<void> {
    await this.calm();
    const body = JSON.stringify({ ...CALM, ...chances });
    expectOk(await fetch(`${this.#url}/api/v2/jim`, { method: 'POST', body }));
  }

  /** The status of a request about the monkey, and what it answered. */
  async jim(method: string, body?: string): Promise<[status: number, text: string]> {
    const response = await fetch(`${this.#url}/api/v2/jim`, { method, ...(body !== undefined && { body }) });
    return [response.status, await response.text()];
  }

  async calm(): Promise<void> {
    await this.jim('DELETE');
  }

  async #json<T>(path: string): Promise<T> {
    const response = await fetch(this.#url + path);
    expectOk(response);
    return (await response.json()) as T;
  }
}

function expectOk(response: Response): void {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
}

/** The built program's own catcher, on free ports; ends with the place. */
export async function startCatch(place: Place): Promise<Hog> {
  const { child } = place.start(['catch', '--port', '0', '--http-port', '0']);
  if (!child.stderr) throw new Error('the catcher has no standard error');
  const lines = createInterface({ input: child.stderr });
  const said = await new Promise<string[]>((resolve) => {
    const first: string[] = [];
    lines.on('line', (line) => first.push(line) === 2 && resolve(first));
  });
  const smtp = /smtp:\/\/[\w.]+:\d+/.exec(said[0] ?? '')?.[0];
  const http = /http:\/\/[\w.]+:\d+/.exec(said[1] ?? '')?.[0];
  if (!smtp || !http) throw new Error(`the catcher said: ${said.join(' ')}`);
  return new Hog(smtp, http);
}
