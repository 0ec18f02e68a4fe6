import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { NEVER, pool } from './setting.js';

let dir: string;
let tls: { key: Buffer; cert: Buffer };

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fanmail-tls-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...args, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  tls = { key: readFileSync(key), cert: readFileSync(cert) };
});
afterAll(() => rmSync(dir, { recursive: true }));

/**
 * A relay that somebody on the network speaks for until TLS begins: in the packet that says yes to STARTTLS, `injected`
 * follows. Tells what it heard, encrypted.
 */
async function intercepted(injected: string): Promise<{ port: number; heard: string[] }> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write('220 mail.example ESMTP\r\n');
    socket.on('data', (chunk) => {
      if (/^EHLO/i.test(chunk.toString())) socket.write('250-mail.example\r\n250 STARTTLS\r\n');
      if (!/^STARTTLS/i.test(chunk.toString())) return;
      socket.removeAllListeners('data');
      socket.write(`220 2.0.0 go on\r\n${injected}`);
      const secure = new TLSSocket(socket, { isServer: true, ...tls });
      secure.on('error', () => undefined);
      secure.on('data', (line) => {
        heard.push(line.toString());
        if (/^EHLO/i.test(line.toString())) secure.write('250-mail.example\r\n250 8BITMIME\r\n');
        else secure.write('250 2.0.0 so be it\r\n');
      });
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, heard };
}

it('offers no login of its own: without one, nothing is said', async () => {
  const { port, heard } = await intercepted('');
  const taken = await pool(`smtp://me:opensesame@127.0.0.1:${port}?verify=false`).take(1, NEVER);
  expect(taken).toMatchObject({ kind: 'fault', fault: { cause: 'login' } });
  expect(heard.join('')).toMatch(/^EHLO/);
});

it.each([
  ['a whole reply', '250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n'],
  ['the lines before a reply', '250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n'],
  ['the beginning of a line', '250-AUTH PLAIN '],
])('is believed nothing that came before TLS began: %s', async (_title, injected) => {
  const { port, heard } = await intercepted(injected);
  const taken = await pool(`smtp://me:opensesame@127.0.0.1:${port}?verify=false`).take(1, NEVER);
  expect(taken.kind).toBe('fault');
  expect(heard.join('')).not.toMatch(/AUTH|opensesame/);
});
