import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { runChunk } from '../../src/pipeline/chunk-worker.js';
import type { Relay } from '../../src/pipeline/relay-ports.js';
import { bytesOf, recordOf, type Staged, sending } from '../redis/ledger/fixture.js';
import { pool } from '../relay/setting.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { bench, refOf } from './fixture.js';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await freshRedis();
  redis = server.client();
});
afterAll(() => server.stop());

const PER_CHUNK = 3;
/** The last recipient of the first chunk. */
const LAST = 'r2@example.org';

/** A relay that keeps what comes packet by packet, and answers a message when `answer` says so: false breaks the connection off. */
async function byPackets(answer: (to: string) => Promise<boolean>) {
  const packets: string[] = [];
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    let to = '';
    const say = (text: string) => socket.destroyed || socket.write(text);
    const hear = (commands: string) => {
      for (const [, command] of commands.matchAll(/^(EHLO|MAIL|RCPT|DATA|RSET|QUIT)/gm)) {
        if (command === 'EHLO') say('250-mail.example\r\n250 PIPELINING\r\n');
        else say(command === 'DATA' ? '354 go on\r\n' : '250 ok\r\n');
      }
      to = /RCPT TO:<(.*)>/.exec(commands)?.[1] ?? to;
    };
    const take = async (packet: string) => {
      packets.push(packet);
      const end = packet.indexOf('\r\n.\r\n');
      if (end < 0) return hear(packet);
      if (!(await answer(to))) return void socket.destroy();
      say('250 taken\r\n');
      hear(packet.slice(end + 5));
    };
    socket.write('220 mail.example\r\n');
    socket.on('error', () => undefined).on('data', (packet) => void take(packet.toString()));
  });
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const url = `smtp://127.0.0.1:${(listener.address() as AddressInfo).port}?tls=none`;
  return { packets, url, connections: () => sockets.size };
}

/** A pool of one connection, and how often it was asked. */
function counted(url: string): { relay: Relay; asked: () => number } {
  const inner = pool(url, { timeouts: { message: 60_000 } });
  let asked = 0;
  const relay: Relay = {
    take(asker, signal) {
      asked++;
      return inner.take(asker, signal);
    },
    abandon: () => inner.abandon(),
    close: () => inner.close(),
  };
  return { relay, asked: () => asked };
}

/** Breakers go by relay. */
let port = 5_000;
const open = () =>
  sending(redis, {
    ...{ chunks: 2, perChunk: PER_CHUNK, retryScheduleMs: [5] },
    relay: { host: '127.0.0.1', port: port++, security: 'plain' as const, user: null },
  });

/** Both chunks, the second of which waits for the connection that the first one has. */
function sendBoth(staged: Staged, relay: Relay) {
  const [first, second] = [bench(redis, relay), bench(redis, relay)];
  return {
    first: runChunk(refOf(staged, 0), first.ports, first.signals),
    second: vi
      .waitUntil(async () => (await bytesOf(staged)).includes('I'))
      .then(() => runChunk(refOf(staged, 1), second.ports, second.signals)),
    stopSecond: () => second.quiet.abort(),
  };
}

it('a connection goes from a chunk to the next one without a pause, and never has more than one in flight', async () => {
  const staged = await open();
  const inFlight: number[] = [];
  const { packets, url } = await byPackets(async () => {
    await vi.waitUntil(() => asked() >= 2);
    inFlight.push((await bytesOf(staged)).replaceAll(/[^I]/g, '').length);
    return true;
  });
  const { relay, asked } = counted(url);
  const { first, second } = sendBoth(staged, relay);
  expect(await Promise.all([first, second])).toEqual([{ kind: 'done' }, { kind: 'done' }]);
  expect(await bytesOf(staged)).toBe('S'.repeat(2 * PER_CHUNK));
  expect(inFlight).toEqual(Array(2 * PER_CHUNK).fill(1));
  const envelopes = packets.filter((packet) => packet.startsWith('MAIL'));
  const behindADot = packets.filter((packet) => packet.includes('\r\n.\r\nMAIL'));
  expect([envelopes.length, behindADot.length]).toEqual([1, 2 * PER_CHUNK - 1]);
});

it('a chunk that waits behind another one’s message is left at once when it is to be, whatever becomes of that', async () => {
  const staged = await open();
  let answer = (_taken: boolean) => {};
  const answered = new Promise<boolean>((resolve) => {
    answer = resolve;
  });
  const { packets, url } = await byPackets(async (to) => {
    await vi.waitUntil(() => asked() >= 2);
    return to === LAST ? answered : true;
  });
  const { relay, asked } = counted(url);
  const { first, second, stopSecond } = sendBoth(staged, relay);
  await vi.waitUntil(() => packets.some((packet) => packet.includes('\r\n.\r\nMAIL') && packet.includes('<r3@')));
  stopSecond();
  expect(await second).toEqual({ kind: 'hand-back' });
  expect(await bytesOf(staged)).toBe('SSIPPP');
  answer(true);
  expect(await first).toEqual({ kind: 'done' });
  const again = bench(redis, relay);
  expect(await runChunk(refOf(staged, 1), again.ports, again.signals)).toEqual({ kind: 'done' });
  expect(await bytesOf(staged)).toBe('SSSSSS');
});

it('who waits behind another chunk’s message is not touched by the end of its connection', async () => {
  const staged = await open();
  const { url, connections } = await byPackets(async (to) => {
    await vi.waitUntil(() => asked() >= 2);
    return to !== LAST;
  });
  const { relay, asked } = counted(url);
  const { first, second } = sendBoth(staged, relay);
  expect(await Promise.all([first, second])).toEqual([{ kind: 'done' }, { kind: 'done' }]);
  expect(await bytesOf(staged)).toBe('SSUSSS');
  expect(await recordOf(staged, 0, 1)).toMatchObject({ attempts: 1, code: 250 });
  expect(connections()).toBe(2);
});
