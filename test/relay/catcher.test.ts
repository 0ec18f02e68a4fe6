import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CatcherOptions, startCatcher } from '../../src/relay/catcher.js';
import { faultIn, mail, NEVER, pool, send, take } from './setting.js';

interface Item {
  readonly ID: string;
  readonly From: object;
  readonly To: object[];
  readonly Content: { readonly Headers: Record<string, string[]>; readonly Body: string; readonly Size: number };
  readonly Raw: { readonly From: string; readonly To: string[]; readonly Data: string; readonly Helo: string };
}
interface Page {
  readonly total: number;
  readonly count: number;
  readonly start: number;
  readonly items: readonly Item[];
}

async function catching(options: Partial<CatcherOptions> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'fanmail-catch-'));
  const catcher = await startCatcher({ port: 0, httpPort: 0, dir, ...options });
  onTestFinished(async () => {
    await catcher.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const api = `http://127.0.0.1:${catcher.httpPort}/api`;
  const list = async (query = ''): Promise<Page> => (await (await fetch(`${api}/v2/messages${query}`)).json()) as Page;
  return { catcher, dir, api, list, url: `smtp://127.0.0.1:${catcher.smtpPort}?name=me.test` };
}

describe('the mail catcher', () => {
  it('keeps the exact bytes of a message, and its envelope beside them', async () => {
    const { dir, url, catcher } = await catching();
    const relay = pool(url);
    const message = mail('to@example.com', '.a dot\r\n..two\r\n\r\n.\r\nend\r\n');
    expect(await send(relay, message)).toMatchObject({ kind: 'sent', reply: { text: 'caught as 1' } });
    expect(readFileSync(join(dir, '000001.eml'))).toEqual(message.content);
    expect(catcher.count()).toBe(1);
    await relay.close();
    await catcher.stop();
    expect(JSON.parse(readFileSync(join(dir, 'index.ndjson'), 'utf8'))).toMatchObject({
      number: 1,
      from: 'from@example.com',
      to: ['to@example.com'],
      helo: 'me.test',
      size: message.content.length,
    });
  });

  it('answers as MailHog does, newest first, in pages', async () => {
    const { url, list, api } = await catching();
    const relay = pool(url);
    for (let i = 1; i <= 5; i++) await send(relay, mail(`to${i}@example.com`, `number ${i}\r\n`));
    const page = await list('?start=1&limit=2');
    expect(page).toMatchObject({ total: 5, count: 2, start: 1 });
    expect(page.items.map((item) => item.To)).toEqual([
      [{ Relays: null, Mailbox: 'to4', Domain: 'example.com', Params: '' }],
      [{ Relays: null, Mailbox: 'to3', Domain: 'example.com', Params: '' }],
    ]);
    expect(page.items[0]).toMatchObject({
      ID: '4',
      From: { Mailbox: 'from', Domain: 'example.com' },
      Content: { Headers: { 'Message-ID': ['<to4@example.com>'] }, Body: 'number 4\r\n' },
      Raw: { From: 'from@example.com', To: ['to4@example.com'], Helo: 'me.test' },
    });
    expect(page.items[0]?.Raw.Data).toBe(mail('to4@example.com', 'number 4\r\n').content.toString());
    expect((await list('?start=9')).items).toEqual([]);
    expect(await (await fetch(`${api}/v1/messages/2`)).json()).toMatchObject({ ID: '2' });
    expect((await fetch(`${api}/v1/messages/6`)).status).toBe(404);
    expect((await fetch(`${api}/v2/nothing`)).status).toBe(404);
  });

  it('gives at most 250 at once', async () => {
    const { url, list, catcher } = await catching();
    const relay = pool(url, { connections: 5 });
    while (catcher.count() < 260)
      await Promise.all((await take(relay, 5)).map((connection) => connection.send(mail())));
    const page = await list('?limit=1000');
    expect(page.count).toBe(250);
    expect(page.items).toHaveLength(250);
    expect(page.items[0]?.ID).toBe(String(page.total));
  });

  it('forgets all when told so, and keeps no more than it should', async () => {
    const { url, list, api, dir, catcher } = await catching({ keep: 20 });
    const relay = pool(url);
    for (let i = 0; i < 40; i++) await send(relay);
    expect(catcher.count()).toBeGreaterThanOrEqual(20);
    expect(catcher.count()).toBeLessThanOrEqual(32);
    expect(readdirSync(dir).filter((name) => name.endsWith('.eml'))).toHaveLength(catcher.count());
    expect((await list('?limit=1')).items[0]?.ID).toBe('40');
    expect((await fetch(`${api}/v1/messages`, { method: 'DELETE' })).status).toBe(200);
    expect(await list()).toEqual({ total: 0, count: 0, start: 0, items: [] });
    expect(readdirSync(dir)).toEqual(['index.ndjson']);
    await send(relay);
    expect((await list()).items[0]?.ID).toBe('41');
  });

  it('goes on numbering in a folder that holds some already', async () => {
    const { url, dir, catcher } = await catching();
    const before = pool(url);
    await send(before);
    await before.close();
    await catcher.stop();
    const again = await startCatcher({ port: 0, httpPort: 0, dir });
    expect(again.count()).toBe(1);
    const relay = pool(`smtp://127.0.0.1:${again.smtpPort}`);
    expect(await send(relay)).toMatchObject({ reply: { text: 'caught as 2' } });
    await again.stop();
  });

  it('lets anybody log in', async () => {
    const { catcher } = await catching();
    expect((await send(pool(`smtp://u:p@127.0.0.1:${catcher.smtpPort}?tls=none`))).kind).toBe('sent');
  });

  it('answers no web page that calls it by a name of its own', async () => {
    const { catcher } = await catching();
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'evil.example' };
      request({ port: catcher.httpPort, host: '127.0.0.1', path: '/api/v2/messages', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('answers no web page of another site, which could turn its monkey loose', async () => {
    const { api } = await catching();
    const post = (origin: string) => fetch(`${api}/v2/jim`, { method: 'POST', body: '{}', headers: { origin } });
    expect((await post('https://evil.example')).status).toBe(403);
    expect((await post('null')).status).toBe(403);
    expect((await post('http://localhost:8025')).status).toBe(201);
  });

  it('does to a message what its monkey is told, and nothing else before and after', async () => {
    const { url, api, catcher } = await catching();
    const jim = (method: string, chances?: object) =>
      fetch(`${api}/v2/jim`, { method, ...(chances && { body: JSON.stringify(chances) }) });
    expect((await send(pool(url))).kind).toBe('sent');
    expect((await jim('POST', { AcceptChance: 1, RejectSenderChance: 1 })).status).toBe(201);
    expect(await send(pool(url))).toMatchObject({
      kind: 'refused',
      stage: 'mail',
      reply: { code: 550, text: 'Invalid sender from@example.com' },
    });
    expect((await jim('PUT', { AcceptChance: 1, RejectRecipientChance: 1 })).status).toBe(200);
    expect(await send(pool(url))).toMatchObject({
      kind: 'refused',
      stage: 'rcpt',
      reply: { code: 550, text: 'Invalid recipient to@example.com' },
    });
    await jim('PUT', { AcceptChance: 0 });
    expect(faultIn(await pool(url).take(1, NEVER)).misconfigured).toBe(false);
    await jim('PUT', { AcceptChance: 1, RejectAuthChance: 1 });
    const login = `smtp://u:p@127.0.0.1:${catcher.smtpPort}?tls=none`;
    expect(faultIn(await pool(login).take(1, NEVER)).cause).toBe('login');
    expect((await jim('DELETE')).status).toBe(200);
    expect((await send(pool(login))).kind).toBe('sent');
    expect(catcher.count()).toBe(2);
  });

  it('takes MailHog’s own chances where its monkey is woken without any, and refuses what is no chance', async () => {
    const { api } = await catching();
    const jim = (method: string, body?: string) => fetch(`${api}/v2/jim`, { method, ...(body && { body }) });
    expect((await jim('POST')).status).toBe(201);
    expect(await (await jim('GET')).json()).toMatchObject({ AcceptChance: 0.99, RejectRecipientChance: 0.05 });
    for (const body of ['', '[]', 'null', '{"AcceptChance":2}', '{"AcceptChance":"1"}', `"${'x'.repeat(100_000)}"`]) {
      expect([body.slice(0, 20), (await jim('PUT', body)).status]).toEqual([body.slice(0, 20), 400]);
    }
    expect((await jim('PATCH')).status).toBe(405);
    expect(await (await jim('GET')).json()).toMatchObject({ AcceptChance: 0.99 });
  });

  it('searches the envelope, too, and gives what it finds in pages', async () => {
    const { url, api } = await catching();
    const relay = pool(url);
    for (const to of ['a@x.test', 'b@y.test', 'c@x.test', 'd@x.test']) await send(relay, mail(to));
    const search = async (query: string) => (await (await fetch(`${api}/v2/search?${query}`)).json()) as Page;
    const page = await search('kind=to&query=@X.test&start=1&limit=1');
    expect([page.total, page.count, page.start]).toEqual([3, 1, 1]);
    expect(page.items.map((item) => item.Raw.To)).toEqual([['c@x.test']]);
  });

  it('says what a search has to name', async () => {
    const { api } = await catching();
    for (const query of ['kind=subject&query=x', 'kind=to&query=', 'query=x', 'kind=to']) {
      expect([query, (await fetch(`${api}/v2/search?${query}`)).status]).toEqual([query, 400]);
    }
  });

  it('says so when its port is taken, and leaves nothing running', async () => {
    const { catcher, dir } = await catching();
    await expect(startCatcher({ port: catcher.smtpPort, httpPort: 0, dir: join(dir, 'other') })).rejects.toThrow(
      'EADDRINUSE',
    );
    await expect(startCatcher({ port: 0, httpPort: catcher.httpPort, dir: join(dir, 'other') })).rejects.toThrow(
      'EADDRINUSE',
    );
  });
});
