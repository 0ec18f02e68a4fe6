import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { mail, NEVER, pool } from './setting.js';

const CONNECTIONS = 8;
/** Messages of each. */
const EACH = 10;

/** A relay that says everything in three pieces, each some moments after the other, and repeats whom a message is to. */
async function stammering(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay(true));
    let [heard, to, inMessage] = ['', '', false];
    let said = Promise.resolve();
    const say = (text: string) => {
      const cuts = [0, 1 + (text.length % 3), text.length - 2, text.length];
      said = said.then(async () => {
        for (let at = 1; at < cuts.length; at++) {
          socket.write(text.slice(cuts[at - 1], cuts[at]));
          await wait(1 + Math.random() * 3);
        }
      });
    };
    const hear = (line: string) => {
      if (inMessage) {
        if (line !== '.') return;
        inMessage = false;
        say(`250 2.0.0 taken for ${to}\r\n`);
      } else if (line.startsWith('EHLO')) say('250-mail.example\r\n250 PIPELINING\r\n');
      else if (line === 'DATA') {
        inMessage = true;
        say('354 go on\r\n');
      } else {
        to = /^RCPT TO:<(.*)>$/.exec(line)?.[1] ?? to;
        say('250 2.1.0 so be it\r\n');
      }
    };
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const lines = (heard + chunk.toString()).split('\r\n');
      heard = lines.pop() ?? '';
      for (const line of lines) hear(line);
    });
    say('220 mail.example ESMTP\r\n');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

it('what connections are told in pieces is not mixed up, though they read into the same room', async () => {
  const relay = pool(`smtp://127.0.0.1:${await stammering()}?tls=none`, {
    connections: CONNECTIONS,
    timeouts: {},
  });
  const lane = async (_: unknown, lane: number) => {
    for (let n = 0; n < EACH; n++) {
      const taken = await relay.take(1, NEVER);
      if (taken.kind !== 'connections') throw new Error(JSON.stringify(taken));
      const to = `${lane}-${n}@example.com`;
      const outcome = await taken.connections[0]?.send(mail(to));
      expect(outcome).toMatchObject({ kind: 'sent', reply: { code: 250, text: `taken for ${to}` } });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
});
