import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Message, Offered, Relay } from '../../src/pipeline/relay-ports.js';
import type { ScriptEvent } from '../support/script-relay.js';
import { mail, plainUrl, pool, SHORT, script, send, takeOne } from './setting.js';

const [A, B, C] = ['a@example.com', 'b@example.com', 'c@example.com'];

/** Messages one behind the other, as a chunk's lanes send them: each is offered before the one before it is delivered. */
async function inARow(relay: Relay, messages: readonly Message[]): Promise<string[]> {
  const outcomes: Promise<string>[] = [];
  let connection = await takeOne(relay);
  let before: Offered | undefined;
  for (const message of messages) {
    if (!connection.mayKeep()) {
      before?.deliver();
      before = undefined;
      connection = await takeOne(relay);
    }
    const offered = connection.offer(message);
    outcomes.push(
      offered.outcome.then((outcome) => (outcome.kind === 'refused' ? `refused ${outcome.stage}` : outcome.kind)),
    );
    before?.deliver();
    await before?.outcome;
    before = offered;
  }
  before?.deliver();
  return Promise.all(outcomes);
}

/** What a relay hears, from RCPT on, with the recipient's first letter. */
function heard() {
  const stages: string[] = [];
  const note = ({ stage, address }: ScriptEvent) => {
    if (['rcpt', 'data', 'body', 'message'].includes(stage)) stages.push(`${stage} ${address[0]}`);
    return undefined;
  };
  return { stages, note };
}

describe.each([
  ['pipelined', ''],
  ['one by one', '&pipelining=false'],
])('messages in a row, %s', (_title, option) => {
  it('all arrive, on one connection', async () => {
    const server = await script({ contents: true });
    const relay = pool(plainUrl(server, option));
    const large = mail(B, `${'x'.repeat(70)}\r\n`.repeat(3_000));
    expect(await inARow(relay, [mail(A), large, mail(C), mail(A)])).toEqual(Array(4).fill('sent'));
    expect(server.contents.map(String)).toEqual([mail(A), large, mail(C), mail(A)].map((m) => String(m.content)));
    expect(server.connections).toBe(1);
    expect((await send(relay)).kind).toBe('sent');
    expect(server.connections).toBe(1);
  });

  it.each(['mail', 'rcpt', 'data'] as const)('go on after one that is refused at %s', async (at) => {
    let count = 0;
    const server = await script({
      behave: ({ stage }) => (stage === at && ++count === 2 ? { reply: '550 5.1.1 no' } : undefined),
    });
    const outcomes = await inARow(pool(plainUrl(server, option)), [mail(A), mail(B), mail(C)]);
    expect(outcomes).toEqual(['sent', `refused ${at}`, 'sent']);
    expect([server.accepted, server.connections]).toEqual([2, 1]);
  });

  it('go on after one whose content is refused, and after one that the relay is never offered', async () => {
    const server = await script({
      behave: ({ stage, address }) => (stage === 'message' && address === A ? { reply: '554 5.7.1 no' } : undefined),
    });
    const never = mail('ü@example.com');
    const outcomes = await inARow(pool(plainUrl(server, option)), [mail(A), mail(B), never, mail(C)]);
    expect(outcomes).toEqual(['refused message', 'sent', 'refused rcpt', 'sent']);
    expect(server.connections).toBe(1);
  });

  it.each([
    ['is cut at its reply', { pieces: [], after: 'destroy' as const }, 'unknown'],
    ['is answered 421', { reply: '421 4.3.2 closing' }, 'refused message'],
  ])('one that %s leaves the next one untouched', async (_what, action, outcome) => {
    const server = await script({ behave: ({ stage }) => (stage === 'message' ? action : undefined) });
    expect(await inARow(pool(plainUrl(server, option)), [mail(A), mail(B)])).toEqual([outcome, 'not-sent']);
  });

  it('send no content before it may go, however long that takes', async () => {
    const { stages, note } = heard();
    const server = await script({ behave: note });
    const connection = await takeOne(pool(plainUrl(server, option)));
    const first = connection.offer(mail(A));
    await vi.waitUntil(() => stages.includes('data a'));
    // Longer than the relay may take for any answer.
    await new Promise((resolve) => setTimeout(resolve, 2 * (SHORT.data ?? 0)));
    expect(stages.at(-1)).toBe('data a');
    const second = connection.offer(mail(B));
    first.deliver();
    expect((await first.outcome).kind).toBe('sent');
    await vi.waitUntil(() => stages.includes('data b'));
    expect(server.accepted).toBe(1);
    second.withdraw();
    await vi.waitUntil(() => server.open === 0);
    expect(server.accepted).toBe(1);
  });

  it.each([
    ['421', { reply: '421 4.7.0 too fast' }, 'refused'],
    ['a cut', { pieces: [], after: 'destroy' as const }, 'not-sent'],
  ])(
    'whose connection ends by %s before its intent is recorded has no other one opened until then',
    async (_by, action, kind) => {
      const server = await script({
        behave: ({ stage, address }) => (stage === 'rcpt' && address === A ? action : undefined),
      });
      const relay = pool(plainUrl(server, option));
      let connections = 0;
      for (const end of ['deliver', 'withdraw'] as const) {
        const connection = await takeOne(relay);
        const offered = connection.offer(mail(A));
        expect((await offered.outcome).kind).toBe(kind);
        expect(connection.mayKeep()).toBe(false);
        const other = takeOne(relay);
        connections = server.connections;
        // Longer than it takes to open one.
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(server.connections).toBe(connections);
        offered[end]();
        expect((await (await other).send(mail(B))).kind).toBe('sent');
        expect(server.connections).toBe(connections + 1);
      }
    },
  );

  it('refused before its intent is recorded keeps the connection from others until then', async () => {
    const { stages, note } = heard();
    const server = await script({
      behave: (event) => {
        note(event);
        return event.stage === 'rcpt' && event.address === A ? { reply: '550 5.1.1 no' } : undefined;
      },
    });
    const relay = pool(plainUrl(server, option));
    for (const end of ['deliver', 'withdraw'] as const) {
      const offered = (await takeOne(relay)).offer(mail(A));
      expect((await offered.outcome).kind).toBe('refused');
      let taken = false;
      const other = takeOne(relay).then((connection) => {
        taken = true;
        return connection;
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(taken).toBe(false);
      offered[end]();
      expect((await (await other).send(mail(B))).kind).toBe('sent');
    }
    expect([server.connections, stages.includes('message a')]).toEqual([1, false]);
  });

  it('called off before it was announced costs nothing, and the connection goes back', async () => {
    const server = await script();
    const relay = pool(plainUrl(server, option));
    const connection = await takeOne(relay);
    const [first, second] = [connection.offer(mail(A)), connection.offer(mail(B))];
    second.withdraw();
    first.deliver();
    expect((await first.outcome).kind).toBe('sent');
    expect((await send(relay)).kind).toBe('sent');
    expect([server.accepted, server.connections]).toEqual([2, 1]);
  });
});

/** A relay by packets: what comes in one together with a final dot, behind it, is seen, and dropped. */
async function byPackets(extension: string, answersMessages: boolean) {
  const packets: string[] = [];
  const server = createServer((socket) => {
    socket.write('220 mail.example\r\n');
    socket
      .on('error', () => undefined)
      .on('data', (packet) => {
        const text = packet.toString();
        packets.push(text);
        const commands = text.match(/^(MAIL|RCPT|DATA)/gm) ?? [];
        if (text.startsWith('EHLO')) socket.write(`250-mail.example\r\n250 ${extension}\r\n`);
        else if (text.includes('\r\n.\r\n')) answersMessages && socket.write('250 ok\r\n');
        else socket.write(commands.map((command) => (command === 'DATA' ? '354 go on\r\n' : '250 ok\r\n')).join(''));
      });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void server.close());
  return { packets, url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}?tls=none` };
}

describe('the envelope of the next message', () => {
  it.each([
    ['PIPELINING', /^\.\r\nMAIL FROM:<.*>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n$/m],
    ['8BITMIME', /\r\n\.\r\n$/],
  ])('goes out behind the final dot where PIPELINING is offered, and not with %s', async (extension, ending) => {
    const { packets, url } = await byPackets(extension, false);
    const connection = await takeOne(pool(url));
    const [first] = [connection.offer(mail(A)), connection.offer(mail(B))];
    first.deliver();
    expect((await first.outcome).kind).toBe('unknown');
    expect(packets.at(-1)).toMatch(ending);
  });

  it('is not sent ahead again to a relay that drops what comes behind a final dot', async () => {
    const { url } = await byPackets('PIPELINING', true);
    const relay = pool(url, { timeouts: { ...SHORT, ahead: 100, mail: 60_000 } });
    expect(await inARow(relay, [mail(A), mail(B)])).toEqual(['sent', 'not-sent']);
    expect(await inARow(relay, [mail(A), mail(B), mail(C)])).toEqual(['sent', 'sent', 'sent']);
  }, 10_000);
});
