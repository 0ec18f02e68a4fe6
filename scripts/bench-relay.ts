import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Message, Relay } from '../src/pipeline/relay-ports.js';
import { createRelay } from '../src/relay/pool.js';
import { parseRelayUrl } from '../src/relay/url.js';
import { Cleanup } from './bench/cleanup.js';
import { findPostfix, startSink } from './bench/sink.js';

/**
 * Messages a second through the pool, and through Nodemailer's smtp-connection, against the relay of the benchmark: Postfix's smtp-sink
 * where it is there.
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

const cleanup = new Cleanup();
const folder = mkdtempSync(join(tmpdir(), 'fanmail-bench-'));
cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
try {
  const { port } = await startSink(findPostfix(process.env), folder, cleanup);
  const ours = await measure('pool', (count) => throughPool(port, count));
  const theirs = await measure('nodemailer/lib/smtp-connection, send', (count) => throughNodemailer(port, count));
  process.stdout.write(`ratio ${(ours / theirs).toFixed(2)}\n`);
} finally {
  await cleanup.run();
}
