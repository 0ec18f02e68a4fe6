import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type Ear, Wire } from '../../src/relay/wire.js';

const EAR: Ear = { idle: true, hear() {}, late() {}, fail() {}, closed() {} };
/** More than the system takes of a connection whose other side does not read. */
const WRITES = 200;
const BYTES = 60_000;

/** A wire, and the socket at its other end, which does not read yet. */
async function wired(): Promise<{ wire: Wire; near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown];
  const wire = new Wire(near, 1000, EAR);
  onTestFinished(() => {
    wire.cut();
    far.destroy();
    server.close();
  });
  return { wire, near, far };
}

async function read(far: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  far.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= length) far.emit('all');
  });
  const all = once(far, 'all');
  far.resume();
  await all;
  return Buffer.concat(chunks);
}

it('pieces arrive as they were, also where the other side reads late and other wires write meanwhile', async () => {
  const wires = await Promise.all([wired(), wired(), wired()]);
  const expected = wires.map((): Buffer[] => []);
  for (let write = 0; write < WRITES; write++) {
    wires.forEach(({ wire }, at) => {
      const body = Buffer.alloc(BYTES, `${at}-${write} `);
      wire.writeTogether([body, '.\r\n', `MAIL FROM:<ä${write}>\r\n`]);
      expected[at]?.push(body, Buffer.from(`.\r\nMAIL FROM:<ä${write}>\r\n`));
      if (write % 2 === 1) wire.writeTogether(['x']);
      if (write % 2 === 1) expected[at]?.push(Buffer.from('x'));
    });
  }
  expect(wires.every(({ near }) => near.writableLength > 0)).toBe(true);
  for (const [at, { far }] of wires.entries()) {
    const sent = Buffer.concat(expected[at] ?? []);
    expect((await read(far, sent.length)).equals(sent)).toBe(true);
  }
});

it('more than there is room for arrives as well', async () => {
  const { wire, far } = await wired();
  const body = Buffer.alloc(300_000, 'abc ');
  wire.writeTogether([body, '.\r\n']);
  expect((await read(far, body.length + 3)).equals(Buffer.concat([body, Buffer.from('.\r\n')]))).toBe(true);
});
