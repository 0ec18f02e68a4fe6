/**
 * What most people would write: a loop over Nodemailer's pool with Handlebars, which keeps no account of anything.
 * `nodemailer-main.ts PORT LIST TEMPLATE CONNECTIONS [KEY] [FILE]` sends to the first recipients of the list, as many as each line
 * of its input says, and prints the time and CPU of each sending as JSON on a line.
 */

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import Handlebars from 'handlebars';
import nodemailer from 'nodemailer';
import { readList } from './lists.js';
import { FROM, readTemplate } from './templates.js';

export interface LoopResult {
  readonly seconds: number;
  readonly cpuMicroseconds: number;
}

/** No line asks for more. */
const MOST = 20_000;

const [port, list = '', folder = '', connections = '1', key = '', file = ''] = process.argv.slice(2);
const recipients = readList(list, MOST);
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

async function sendTo(messages: number): Promise<LoopResult> {
  if (messages > recipients.length) throw new Error(`the list has ${recipients.length} recipients and not ${messages}`);
  let next = 0;
  const cpu = process.cpuUsage();
  const from = performance.now();
  await Promise.all(
    Array.from({ length: Number(connections) }, async () => {
      while (next < messages) {
        const { address = '', variables = {} } = recipients[next++] ?? {};
        const parts = { subject: subject(variables), html: html(variables), text: text(variables) };
        await transport.sendMail({ from: FROM, to: address, ...parts, attachments });
      }
    }),
  );
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuMicroseconds: user + system };
}

for await (const line of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await sendTo(Number(line)))}\n`);
}
transport.close();
