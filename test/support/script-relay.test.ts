import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import type { Recorded } from './script-relay.js';

/** Says `lines` one after the other, each after the reply to the one before, and gives the replies. */
async function talk(port: number, lines: readonly string[]): Promise<string[]> {
  const socket = createConnection(port, '127.0.0.1');
  const replies: string[] = [];
  const input = createInterface(socket)[Symbol.asyncIterator]();
  for (const line of ['', ...lines]) {
    if (line !== '') socket.write(`${line}\r\n`);
    replies.push(String((await input.next()).value));
  }
  socket.destroy();
  return replies;
}

it('the script relay, as a process, refuses by its scenario and writes down what it accepts', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fanmail-script-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const record = join(dir, 'record.ndjson');
  const scenario = { record, permanent: '^gone', transient: { pattern: '^later', times: 1 } };
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'test/support/script-relay-main.ts', JSON.stringify(scenario)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill());
  const [line] = await once(createInterface(child.stdout), 'line');
  const { port } = JSON.parse(line) as { port: number };

  const to = (name: string) => [`MAIL FROM:<f@a.test>`, `RCPT TO:<${name}@a.test>`, 'RSET'];
  const sent = ['MAIL FROM:<f@a.test>', 'RCPT TO:<later@a.test>', 'DATA', 'Message-ID: <1@a>\r\n\r\nhi\r\n..\r\n.'];
  const replies = await talk(port, [...to('gone'), ...to('later'), ...sent]);
  expect(replies.map((reply) => reply.slice(0, 3))).toEqual('220 250 550 250 250 451 250 250 250 354 250'.split(' '));

  const entries = readFileSync(record, 'utf8')
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Recorded);
  expect(entries).toEqual([
    {
      to: 'gone@a.test',
      from: 'f@a.test',
      accepted: false,
      reply: '550 5.1.1 no such user here',
      at: expect.any(Number),
    },
    {
      to: 'later@a.test',
      from: 'f@a.test',
      accepted: false,
      reply: '451 4.3.0 try again later',
      at: expect.any(Number),
    },
    { to: 'later@a.test', from: 'f@a.test', messageId: '<1@a>', accepted: true, at: expect.any(Number) },
  ]);

  const exited = once(child, 'exit');
  child.stdin.end();
  expect(await exited).toEqual([0, null]);
}, 20_000);
