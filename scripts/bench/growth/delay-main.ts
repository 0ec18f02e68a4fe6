/**
 * A line that takes its time: `delay-main.ts MS TARGET` listens on a free port of 127.0.0.1, prints it, and passes everything
 * on to TARGET (a port, or a socket's path), half of MS later each way.
 */
import { createConnection, createServer, type Socket } from 'node:net';

const [ms = '0', target = ''] = process.argv.slice(2);
const way = Number(ms) / 2;

/** Timers of one length fire in the order in which they were set, so bytes stay in order. */
function pass(from: Socket, to: Socket): void {
  from.setNoDelay(true);
  from.on('data', (bytes: Buffer) => setTimeout(() => to.write(bytes), way));
  from.on('end', () => setTimeout(() => to.end(), way));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), way));
}

const server = createServer((near) => {
  const far = /^\d+$/.test(target) ? createConnection(Number(target), '127.0.0.1') : createConnection(target);
  pass(near, far);
  pass(far, near);
});
server.listen(0, '127.0.0.1', 1_000, () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  process.stdout.write(`${address.port}\n`);
});
