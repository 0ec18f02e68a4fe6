import { describe, expect, it } from 'vitest';
import type { ScriptEvent } from '../support/script-relay.js';
import { mail, plainUrl, pool, reusedMail, script, send } from './setting.js';

describe('a message', () => {
  it('arrives as it was, with dots doubled on the way, whatever its size', async () => {
    const server = await script({ contents: true });
    const relay = pool(plainUrl(server));
    const bodies = ['.', '..\r\n.', '.\r\n', 'a\r\n.\r\nb', `${'.dot\r\n'.repeat(30_000)}.`, 'x'.repeat(70_000), ''];
    for (const body of bodies) expect((await send(relay, mail('a@example.com', `${body}\r\n`))).kind).toBe('sent');
    expect(server.contents.map(String)).toEqual(
      bodies.map((body) => mail('a@example.com', `${body}\r\n`).content.toString()),
    );
    expect(server.connections).toBe(1);
  });

  it('arrives as it was although its bytes are used again when it was handed over, once', async () => {
    const server = await script({ contents: true });
    const relay = pool(plainUrl(server));
    for (const body of ['short\r\n', '.dots\r\n', 'x'.repeat(60_000), `${'line\r\n'.repeat(100_000)}`]) {
      const { message, text, times } = reusedMail('a@example.com', `${body}\r\n`);
      expect((await send(relay, message)).kind).toBe('sent');
      expect(times()).toBe(1);
      expect(String(server.contents.at(-1)) === text).toBe(true);
    }
  });

  it('keeps its bytes where it was not handed over', async () => {
    const behave = ({ stage }: ScriptEvent) => (stage === 'rcpt' ? { reply: '550 no' } : undefined);
    const server = await script({ behave });
    const { message, text, times } = reusedMail('a@example.com', 'short\r\n');
    expect((await send(pool(plainUrl(server)), message)).kind).toBe('refused');
    expect([times(), message.content.toString()]).toEqual([0, text]);
  });

  it('gets an end of line where it has none, so that its final dot is one', async () => {
    const server = await script({ contents: true });
    expect((await send(pool(plainUrl(server)), mail('a@example.com', 'no end'))).kind).toBe('sent');
    expect(String(server.contents[0])).toMatch(/no end\r\n$/);
  });

  it('tells its size, and is refused without being offered where it is larger than the relay takes', async () => {
    const lines: string[] = [];
    const behave = ({ stage, line }: ScriptEvent) => void (stage === 'mail' && lines.push(line));
    const server = await script({ extensions: ['SIZE 500'], behave });
    const relay = pool(plainUrl(server));
    const small = mail('a@example.com');
    expect(await send(relay, mail('a@example.com', `${'x'.repeat(600)}\r\n`))).toMatchObject({
      kind: 'refused',
      stage: 'mail',
      reply: { code: 552, enhanced: [3, 4], text: expect.stringContaining('fanmail') },
    });
    expect((await send(relay, small)).kind).toBe('sent');
    expect(lines).toEqual([`MAIL FROM:<from@example.com> SIZE=${small.content.length}`]);
    expect(server.connections).toBe(1);
  });

  it('never carries a command in its addresses', async () => {
    const server = await script();
    const relay = pool(plainUrl(server));
    const outcome = await send(relay, { ...mail(), to: 'a@example.com>\r\nRCPT TO:<b@example.com' });
    expect(outcome).toMatchObject({ kind: 'refused', stage: 'rcpt', reply: { code: 553 } });
    expect((await send(relay)).kind).toBe('sent');
    expect(server.accepted).toBe(1);
  });

  it('to an address outside ASCII goes as such to a relay that takes it, and the next one as usual', async () => {
    for (const [extensions, expected] of [
      [
        ['PIPELINING', 'SIZE 10000', '8BITMIME', 'SMTPUTF8'],
        ` SIZE=${mail('jörg@example.com').content.length} BODY=8BITMIME SMTPUTF8`,
      ],
      [['SMTPUTF8'], ' SMTPUTF8'],
    ] as const) {
      const lines: string[] = [];
      const behave = ({ stage, line }: ScriptEvent) =>
        void (['mail', 'rcpt'].includes(stage) && lines.push(Buffer.from(line, 'latin1').toString('utf8')));
      const server = await script({ extensions, behave });
      const relay = pool(plainUrl(server));
      expect((await send(relay, mail('jörg@example.com'))).kind).toBe('sent');
      expect((await send(relay, mail('ann@example.com'))).kind).toBe('sent');
      expect(lines.slice(0, 2)).toEqual([`MAIL FROM:<from@example.com>${expected}`, 'RCPT TO:<jörg@example.com>']);
      expect(lines[2]).not.toMatch(/BODY|SMTPUTF8/);
      expect(server.accepted).toBe(2);
    }
  });

  it('to an address outside ASCII fails without being offered where the relay has no SMTPUTF8', async () => {
    const server = await script({ extensions: ['PIPELINING', '8BITMIME'] });
    const relay = pool(plainUrl(server));
    expect(await send(relay, mail('jörg@example.com'))).toMatchObject({
      kind: 'refused',
      stage: 'rcpt',
      reply: { code: 553, enhanced: [6, 7], text: expect.stringMatching(/fanmail itself.*SMTPUTF8/) },
    });
    expect((await send(relay)).kind).toBe('sent');
    expect(server.accepted).toBe(1);
    expect(server.connections).toBe(1);
  });

  it('never carries a control character in an address, though the relay takes what is outside ASCII', async () => {
    const server = await script({ extensions: ['SMTPUTF8'] });
    const relay = pool(plainUrl(server));
    for (const to of ['é\r\nRSET@b.c', 'é\0@b.c', 'é\u0085@b.c', 'é\u2028@b.c', '\ud800@b.c'])
      expect(await send(relay, { ...mail(), to })).toMatchObject({ kind: 'refused', reply: { enhanced: [1, 3] } });
    expect(server.accepted).toBe(0);
  });

  it('of a large size is not sent, and not unknown, when it is cut off before its end', async () => {
    const server = await script({
      extensions: ['PIPELINING'],
      behave: ({ stage }) => (stage === 'data' ? { pieces: ['354 go on\r\n'], after: 'destroy' } : undefined),
    });
    const outcome = await send(pool(plainUrl(server)), mail('a@example.com', 'x'.repeat(20_000_000)));
    expect(outcome).toMatchObject({ kind: 'not-sent', stage: 'message' });
    expect(server.accepted).toBe(0);
  }, 10_000);

  it('that the relay stops reading is not sent, after the time for a block', async () => {
    const server = await script({
      extensions: ['PIPELINING'],
      behave: ({ stage }) => (stage === 'data' ? { pieces: ['354 go on\r\n'], after: 'pause' } : undefined),
    });
    const outcome = await send(pool(plainUrl(server)), mail('a@example.com', 'x'.repeat(20_000_000)));
    expect(outcome).toMatchObject({ kind: 'not-sent', stage: 'message', why: expect.stringContaining('in time') });
  }, 10_000);

  it('that the relay answers in the middle is not sent', async () => {
    const server = await script({
      extensions: ['PIPELINING'],
      behave: ({ stage }) =>
        stage === 'data' ? { pieces: ['354 go on\r\n', '552 5.3.4 enough\r\n'], after: 'pause' } : undefined,
    });
    const outcome = await send(pool(plainUrl(server)), mail('a@example.com', 'x'.repeat(20_000_000)));
    expect(outcome).toMatchObject({ kind: 'not-sent', stage: 'message', why: expect.stringContaining('enough') });
  }, 10_000);
});
