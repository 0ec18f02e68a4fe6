import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Message, Relay } from '../src/pipeline/relay-ports.js';
import { createRelay } from '../src/relay/pool.js';
import { parseRelayUrl } from '../src/relay/url.js';
import { freePort } from './free-port.js';

/**
 * Messages a second through the pool, and through Nodemailer's smtp-connection, against the script relay in a process of
 * its own, or against Postfix's smtp-sink where $SMTP_SINK is its path.
 * `tsx scripts/bench-relay.ts [messages] [connections] [bytes]`
 */
const [messages = 40_000, connections = 20, bytes = 3400] = process.argv.slice(2).map(Number);
const log = { debug() {}, info() {}, warn() {}, error() {} };

function message(): Message {
  const head = 'From: a@example.com\r\nTo: b@example.com\r\nMessage-ID: <bench@example.com>\r\n\r\n';
  const body = `${'x'.repeat(70)}\r\n`.repeat(Math.ceil(bytes / 72)).slice(0, Math.max(0, bytes - head.length - 2));
  return {
    from: 'a@example.com',
    to: 'b@example.com',
    content: Buffer.from(`${head}${body}\r\n`),
    messageId: '<bench@example.com>',
  };
}

async function throughPool(port: number, count: number): Promise<void> {
  const relay = createRelay(parseRelayUrl(`smtp://127.0.0.1:${port}?tls=none`), {
    connections,
    messagesPerConnection: count,
    log,
  });
  const mail = message();
  const left = { count };
  await Promise.all(Array.from({ length: 4 }, () => sendSome(relay, mail, left, connections / 4)));
  await relay.close();
}

async function sendSome(relay: Relay, mail: Message, left: { count: number }, max: number): Promise<void> {
  const never = new AbortController().signal;
  const pending: Promise<unknown>[] = [];
  while (left.count > 0) {
    const taken = await relay.take(max, never);
    if (taken.kind !== 'connections') throw new Error(JSON.stringify(taken));
    for (const connection of taken.connections) {
      if (left.count-- > 0) pending.push(connection.send(mail).then(mustBeSent));
      else connection.release();
    }
    if (pending.length > 1000) await Promise.all(pending.splice(0, 900));
  }
  await Promise.all(pending);
}

function mustBeSent(outcome: { kind: string }): void {
  if (outcome.kind !== 'sent') throw new Error(JSON.stringify(outcome));
}

async function throughNodemailer(port: number, count: number): Promise<void> {
  const mail = message();
  let left = count;
  const one = async () => {
    const connection = new SMTPConnection({ host: '127.0.0.1', port, ignoreTLS: true });
    await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())));
    while (left-- > 0)
      await new Promise<void>((resolve, reject) =>
        connection.send({ from: mail.from, to: mail.to }, mail.content, (error) => (error ? reject(error) : resolve())),
      );
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, one));
}

async function startSink(): Promise<{ child: ChildProcess; port: number }> {
  const sink = process.env.SMTP_SINK;
  if (sink !== undefined) {
    const port = await freePort();
    const child = spawn(sink, [`127.0.0.1:${port}`, '1000'], { stdio: 'inherit' });
    await untilOpen(port);
    return { child, port };
  }
  const scenario = JSON.stringify({ record: '/dev/null' });
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/support/script-relay-main.ts', scenario], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, port: (JSON.parse(line) as { port: number }).port };
}

async function untilOpen(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const socket = createConnection(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on port ${port}`);
}

async function measure(name: string, run: (count: number) => Promise<void>): Promise<number> {
  await run(Math.ceil(messages / 10));
  const cpu = process.cpuUsage();
  const from = performance.now();
  await run(messages);
  const seconds = (performance.now() - from) / 1000;
  const used = process.cpuUsage(cpu);
  const rate = messages / seconds;
  const each = (used.user + used.system) / messages;
  process.stdout.write(
    `${name.padEnd(40)} ${rate.toFixed(0).padStart(7)} messages/s ${each.toFixed(1).padStart(7)} µs CPU each\n`,
  );
  return rate;
}

const { child, port } = await startSink();
try {
  const ours = await measure('pool', (count) => throughPool(port, count));
  const theirs = await measure('nodemailer/lib/smtp-connection, send', (count) => throughNodemailer(port, count));
  process.stdout.write(`ratio ${(ours / theirs).toFixed(2)}\n`);
} finally {
  child.kill();
}
