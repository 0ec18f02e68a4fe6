import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { heldMs, lastCount } from '../../scripts/bench/sink-counter.js';
import { SinkSession } from '../../scripts/bench/sink-session.js';

describe('the counter of a sink', () => {
  it('is the last one that is complete', () => {
    const two = '\rsess=19   quit=19   mesg=1999\rsess=20   quit=20   mesg=2000\r';
    expect(lastCount(two)).toEqual({ sessions: 20, messages: 2000 });
    expect(lastCount(`${two}sess=20   quit=20   mesg=20`)).toEqual({ sessions: 20, messages: 2000 });
  });

  it('is nothing where none is complete', () => {
    expect(lastCount('')).toBeNull();
    expect(lastCount('\rsess=1 quit=0 mesg=1')).toBeNull();
    expect(lastCount('25\nlistening\n')).toBeNull();
  });
});

describe('how long a sink held messages', () => {
  it('is what it said last, whole', () => {
    expect(heldMs('1025\n\rheld=50\rsess=1 quit=0 mesg=1\r\rheld=102\rsess=1 quit=0 mesg=2\r\rheld=15')).toBe(102);
    expect(heldMs('\rsess=19   quit=19   mesg=1999\r')).toBe(0);
  });
});

describe("the benchmark's own sink", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** Says all of `pieces`, each in a packet, and returns what the sink answered and how many messages it took. */
  async function converse(pieces: readonly string[], delayMs = 0): Promise<{ replies: string[]; messages: number }> {
    let messages = 0;
    const server = createServer((socket) => new SinkSession(socket, { delayMs, onMessage: () => messages++ }));
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const client = connect((server.address() as { port: number }).port, '127.0.0.1').setNoDelay(true);
    let said = '';
    client.setEncoding('latin1').on('data', (text: string) => {
      said += text;
    });
    const ended = once(client, 'end');
    for (const piece of pieces) {
      client.write(piece);
      await wait(5);
    }
    await ended;
    client.destroy();
    return { replies: said.split('\r\n').filter(Boolean), messages };
  }

  const envelope = 'MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n';
  const codes = (replies: readonly string[]) => replies.map((line) => line.slice(0, 3)).join(' ');

  it('answers each of pipelined commands, in order', async () => {
    const { replies, messages } = await converse([
      `EHLO x\r\n${envelope}`,
      `Subject: x\r\n\r\nbody\r\n.\r\n${envelope}`,
      '.\r\nQUIT\r\n',
    ]);
    expect(codes(replies.filter((line) => line[3] === ' '))).toBe('220 250 250 250 354 250 250 250 354 250 221');
    expect(messages).toBe(2);
  });

  it('finds the final dot wherever the stream is cut, and nowhere else', async () => {
    const body = 'a\r\n..\r\n.b\r\n. \r\n\r\n.\r\n';
    for (let cut = 1; cut < body.length; cut++) {
      const { messages, replies } = await converse([envelope, body.slice(0, cut), body.slice(cut), 'QUIT\r\n']);
      expect([cut, messages, codes(replies)]).toEqual([cut, 1, '220 250 250 354 250 221']);
    }
    const bytes = await converse([envelope, ...body, 'QUIT\r\n']);
    expect(bytes.messages).toBe(1);
  });

  it('answers nothing that came after a message before the message', async () => {
    const { replies, messages } = await converse([`${envelope}x\r\n.\r\n${envelope}y\r\n.\r\nQUIT\r\n`], 60);
    expect(codes(replies)).toBe('220 250 250 354 250 250 250 354 250 221');
    expect(messages).toBe(2);
  });
});
