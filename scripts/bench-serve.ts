import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { tokensOf } from '../src/domain/unsubscribe.js';
import { createSuppression } from '../src/redis/suppression/store.js';
import { freshRedis } from '../test/support/redis.js';

/**
 * Requests a second that `fanmail serve` answers, built before, beside a Redis that syncs every write to disk and this load,
 * all on one machine: first people who look, then one-click POSTs, each of somebody else.
 * `npx tsx scripts/bench-serve.ts [requests] [connections]`
 */
const [requests = 40_000, connections = 64] = process.argv.slice(2).map(Number);
const PROGRAM = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const FIELDS = 'List-Unsubscribe=One-Click';

const server = await freshRedis({ persist: true });
const list = createSuppression(server.client());
const tokenOf = tokensOf(await list.linkSecret(), 'news');
const env = { ...process.env, REDIS_URL: server.path };
const serve = spawn(process.execPath, [PROGRAM, 'serve', '--listen', '0'], {
  env,
  stdio: ['ignore', 'ignore', 'pipe'],
});
try {
  const [said] = (await once(createInterface({ input: serve.stderr }), 'line')) as [string];
  const port = Number(/:(\d+)\//.exec(said)?.[1]);
  const get = (token: string) => `GET /u/${token} HTTP/1.1\r\nHost: example.com\r\n\r\n`;
  const post = (token: string) =>
    `POST /u/${token} HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n` +
    `Content-Length: ${FIELDS.length}\r\n\r\n${FIELDS}`;
  await measure('warm-up', port, get, 2_000);
  await measure('GET', port, get, requests);
  await measure('POST', port, post, requests);
  const { entries } = await list.standing();
  console.info(`${entries} addresses are suppressed`);
  if (entries !== requests) process.exitCode = 1;
} finally {
  serve.kill('SIGTERM');
  await once(serve, 'exit');
  await server.stop();
}

async function measure(name: string, port: number, request: (token: string) => string, count: number): Promise<void> {
  const began = performance.now();
  const waits: number[] = [];
  let next = 0;
  const take = () => (next < count ? request(tokenOf(`person${next++}@example.com`)) : null);
  await Promise.all(Array.from({ length: connections }, () => connection(port, take, waits)));
  const seconds = (performance.now() - began) / 1000;
  waits.sort((a, b) => a - b);
  const at = (share: number) => (waits[Math.floor(waits.length * share)] ?? 0).toFixed(1);
  console.info(
    `${name}: ${Math.round(count / seconds)} requests/s over ${connections} connections; half within ${at(0.5)} ms, 99% within ${at(0.99)} ms`,
  );
}

/** One request after the other over a kept connection. Anything but 200 is an error. */
function connection(port: number, take: () => string | null, waits: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    let since = 0;
    let left = '';
    const send = () => {
      const request = take();
      since = performance.now();
      if (request === null) socket.end();
      else socket.write(request);
    };
    socket.once('connect', send);
    socket.setEncoding('latin1').on('data', (text: string) => {
      left += text;
      const end = left.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(left)?.[1] ?? Number.NaN);
      if (end < 0 || left.length < end + 4 + length) return;
      if (!left.startsWith('HTTP/1.1 200 ')) return reject(new Error(left.slice(0, end)));
      left = '';
      waits.push(performance.now() - since);
      send();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
}
