/**
 * What most people would write: a loop over Nodemailer's pool with Handlebars, which keeps no account of anything.
 * `nodemailer-main.ts PORT LIST TEMPLATE CONNECTIONS MESSAGES [KEY] [FILE]` prints its time and CPU as JSON.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import Handlebars from 'handlebars';
import nodemailer from 'nodemailer';
import { readList } from './lists.js';
import { FROM, readTemplate } from './templates.js';

export interface LoopResult {
  /** Those that were timed. */
  readonly messages: number;
  /** With those that warmed it up. */
  readonly all: number;
  readonly seconds: number;
  readonly cpuMicroseconds: number;
}

/** At most so many, and a quarter, are sent before the time is taken, as with workers: until then, V8 is still compiling. */
const WARMING = 200;

const [port, list = '', folder = '', connections = '1', messages = '1', key = '', file = ''] = process.argv.slice(2);
const recipients = readList(list, Number(messages));
const source = readTemplate(folder);
const subject = Handlebars.compile(source.subject, { noEscape: true });
const html = Handlebars.compile(source.html);
const text = Handlebars.compile(source.text, { noEscape: true });
// Parsed once: as text, Nodemailer would parse it for every message.
const privateKey = key === '' ? null : createPrivateKey(readFileSync(key));
const transport = nodemailer.createTransport({
  pool: true,
  host: '127.0.0.1',
  port: Number(port),
  ignoreTLS: true,
  maxConnections: Number(connections),
  maxMessages: Number.POSITIVE_INFINITY,
  ...(privateKey && { dkim: { domainName: 'example.com', keySelector: 's1', privateKey } }),
});

// Read once, as whoever sends the same file to everybody would.
const attachments = file === '' ? [] : [{ filename: basename(file), content: readFileSync(file) }];

async function sendTo(some: typeof recipients): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Number(connections) }, async () => {
      for (let one = some[next++]; one; one = some[next++]) {
        const { address, variables } = one;
        const parts = { subject: subject(variables), html: html(variables), text: text(variables) };
        await transport.sendMail({ from: FROM, to: address, ...parts, attachments });
      }
    }),
  );
}

const warming = recipients.slice(0, Math.min(WARMING, Math.ceil(recipients.length / 4)));
await sendTo(warming);
const cpu = process.cpuUsage();
const from = performance.now();
await sendTo(recipients);
const seconds = (performance.now() - from) / 1000;
const { user, system } = process.cpuUsage(cpu);
transport.close();
const result: LoopResult = {
  messages: recipients.length,
  all: recipients.length + warming.length,
  seconds,
  cpuMicroseconds: user + system,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
