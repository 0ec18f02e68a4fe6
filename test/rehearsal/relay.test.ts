import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message, Relay } from '../../src/pipeline/relay-ports.js';
import { type RecordLine, readRecord } from '../../src/rehearsal/record.js';
import { type RehearsalRelay, startRehearsalRelay } from '../../src/rehearsal/relay.js';
import { parseScenario } from '../../src/rehearsal/scenario.js';
import { createRelay } from '../../src/relay/pool.js';
import { parseRelayUrl } from '../../src/relay/url.js';

const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let folder: string;
let record: string;
let relay: RehearsalRelay | null = null;
let sender: Relay | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmail-relay-'));
  record = join(folder, 'relay.ndjson');
});
afterEach(async () => {
  await sender?.close();
  await relay?.stop();
  [sender, relay] = [null, null];
  rmSync(folder, { recursive: true });
});

/** The sender's own pool, which knows nothing of this relay. */
async function begin(rules: readonly object[], query = ''): Promise<void> {
  const scenario = parseScenario(JSON.stringify({ rules }), 'test');
  relay = await startRehearsalRelay({ scenario, seed: 1, record });
  const settings = parseRelayUrl(`smtp://127.0.0.1:${relay.port}?tls=none${query}`);
  sender = createRelay(settings, { connections: 1, log: QUIET });
}

function messageTo(to: string, content = 'hello\r\n'): Message {
  const header = `From: a@example.com\r\nMessage-ID: <${to}>\r\n\r\n`;
  return { from: 'a@example.com', to, content: Buffer.from(header + content) } as Message;
}

async function send(to: string, content?: string) {
  const taken = await sender?.take(1, AbortSignal.timeout(5_000));
  if (taken?.kind !== 'connections') throw new Error(`no connection: ${taken?.kind}`);
  const [connection] = taken.connections;
  if (!connection) throw new Error('no connection');
  return connection.send(messageTo(to, content));
}

async function lines(): Promise<RecordLine[]> {
  const all: RecordLine[] = [];
  for await (const line of readRecord(record)) all.push(line);
  return all;
}

const A = 'a@example.com';

describe('the relay of a rehearsal', () => {
  it('takes what no rule is about, and has written it down before it says so', async () => {
    await begin([]);
    const outcome = await send(A);
    const written = readFileSync(record, 'utf8');
    expect(outcome.kind).toBe('sent');
    expect(written.split('\n')).toHaveLength(2);
    expect(await lines()).toEqual([
      {
        ...{ to: A, did: 'accepted', stage: 'message', reply: '250 2.0.0 accepted', messageId: `<${A}>`, fault: null },
        ...{ delayMs: 0, at: expect.any(Number) },
      },
    ]);
    expect(statSync(record).mode & 0o077).toBe(0);
    expect(relay?.taken()).toBe(1);
  });

  it.each(['', '&pipelining=false'])('greylists once, on a connection that goes on%s', async (query) => {
    await begin([{ fault: 'greylist' }], query);
    expect(await send(A)).toMatchObject({ kind: 'refused', stage: 'rcpt', reply: { code: 450, enhanced: [7, 1] } });
    expect((await send(A)).kind).toBe('sent');
    expect((await lines()).map(({ did, fault }) => [did, fault])).toEqual([
      ['refused', 'greylist'],
      ['accepted', null],
    ]);
  });

  it.each([
    ['recipient', 'rcpt'],
    ['data', 'data'],
    ['message', 'message'],
  ])('throttles at %s and ends the session, and takes the message on the next', async (at, stage) => {
    await begin([{ fault: 'throttle', at }]);
    expect(await send(A)).toMatchObject({ kind: 'refused', stage, reply: { code: 421, enhanced: [7, 28] } });
    expect((await send(A)).kind).toBe('sent');
  });

  it.each(['recipient', 'data'])(
    'drops at %s and says first what it answered to the message before, whose sender is not left in doubt',
    async (at) => {
      await begin([{ fault: 'drop', at, domains: ['b.example'] }]);
      const taken = await sender?.take(1, AbortSignal.timeout(5_000));
      const [connection] = taken?.kind === 'connections' ? taken.connections : [];
      if (!connection) throw new Error('no connection');
      const [first, second] = [connection.offer(messageTo(A)), connection.offer(messageTo('x@b.example'))];
      first.deliver();
      expect((await first.outcome).kind).toBe('sent');
      expect((await second.outcome).kind).toBe('not-sent');
      expect((await lines()).map(({ to, did }) => [to, did])).toEqual([
        [A, 'accepted'],
        ['x@b.example', 'dropped'],
      ]);
    },
  );

  it('drops before the message, which then was not sent', async () => {
    await begin(
      [
        { fault: 'drop', at: 'recipient' },
        { fault: 'drop', at: 'data' },
      ],
      '&pipelining=false',
    );
    expect(await send(A)).toMatchObject({ kind: 'not-sent' });
    expect(await send(A)).toMatchObject({ kind: 'not-sent' });
    expect((await send(A)).kind).toBe('sent');
    expect((await lines()).map(({ did, stage, messageId }) => [did, stage, messageId])).toEqual([
      ['dropped', 'recipient', null],
      ['dropped', 'data', null],
      ['accepted', 'message', `<${A}>`],
    ]);
  });

  it.each([
    [100, `<${A}>`, 1],
    [0, null, 0],
  ])(
    'drops after the final dot, with %d percent kept, and nobody can tell but by its record',
    async (keptPercent, id, taken) => {
      await begin([{ fault: 'drop', keptPercent }]);
      expect((await send(A)).kind).toBe('unknown');
      expect(await lines()).toMatchObject([{ did: 'dropped', stage: 'message', reply: null, messageId: id }]);
      expect(relay?.taken()).toBe(taken);
    },
  );

  it('answers as late as it says, and has the message in its record meanwhile', async () => {
    await begin([{ fault: 'slow', delayMs: 400 }]);
    const began = performance.now();
    const sending = send(A);
    let early: RecordLine[] = [];
    while (early.length === 0) early = await lines();
    expect(early).toMatchObject([{ did: 'accepted', fault: 'slow', delayMs: 400 }]);
    expect(performance.now() - began).toBeLessThan(400);
    expect((await sending).kind).toBe('sent');
    expect(performance.now() - began).toBeGreaterThanOrEqual(395);
  });

  it('takes an address with quoted brackets whole, and parameters behind it', async () => {
    await begin([]);
    const said = connect({ host: '127.0.0.1', port: relay?.port ?? 0 });
    said.write('EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<"a>b <c"@d> NOTIFY=NEVER\r\nDATA\r\n.\r\nQUIT\r\n');
    await new Promise((closed) => said.on('data', () => undefined).on('close', closed));
    expect((await lines())[0]).toMatchObject({ to: '"a>b <c"@d', messageId: '' });
  });

  it('takes large messages and addresses outside ASCII', async () => {
    await begin([]);
    const outcome = await send('grüße@bücher.example', 'x'.repeat(70).concat('\r\n').repeat(5_000));
    expect(outcome.kind).toBe('sent');
    expect((await lines())[0]?.to).toBe('grüße@bücher.example');
  });

  it('listens on this machine alone', async () => {
    await begin([]);
    const elsewhere = connect({ host: '127.0.0.2', port: relay?.port ?? 0 });
    const failed = await new Promise((resolve) => {
      elsewhere.on('connect', () => resolve(null)).on('error', (error) => resolve(error.message));
    });
    elsewhere.destroy();
    expect(failed).toMatch(/ECONNREFUSED/);
  });

  it('keeps an older record as it is', async () => {
    await begin([]);
    const again = startRehearsalRelay({ scenario: parseScenario('{}', 'test'), seed: 1, record });
    await expect(again).rejects.toThrow(/EEXIST/);
  });

  it('refuses a client that talks nonsense, and goes on for others', async () => {
    await begin([]);
    const said = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({ host: '127.0.0.1', port: relay?.port ?? 0 }, () =>
        socket.write(
          `DATA\r\nRCPT TO:<x>\r\nHELP\r\nMAIL FROM:<a>\r\nMAIL FROM:<a>\r\nRCPT TO:\r\n${'x'.repeat(9_000)}\r\n`,
        ),
      );
      socket.on('data', (piece) => {
        text += piece.toString();
      });
      socket.on('close', () => resolve(text));
    });
    expect(said.match(/^\d{3}/gm)).toEqual(['220', '554', '503', '502', '250', '503', '501', '500']);
    expect((await send(A)).kind).toBe('sent');
  });
});
