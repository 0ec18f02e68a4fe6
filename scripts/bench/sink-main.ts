/**
 * The benchmark's own relay where there is no smtp-sink, or where one is needed that takes its time:
 * `sink-main.ts [ms for each message]`. Its first line is its port; then it counts as `smtp-sink -c` does, and says before each count how
 * many milliseconds it held messages: a timer of a busy process is late.
 */
import { createServer } from 'node:net';
import { SinkSession } from './sink-session.js';

const COUNT_EVERY_MS = 50;
const delayMs = Number(process.argv[2] ?? 0);
let sessions = 0;
let messages = 0;
/** How long messages were held, all together. */
let heldMs = 0;
let said = '';

function say(): void {
  const counter = `\rheld=${heldMs.toFixed(0)}\rsess=${sessions} quit=0 mesg=${messages}\r`;
  if (counter !== said) process.stdout.write(counter);
  said = counter;
}

const server = createServer((socket) => {
  sessions++;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  new SinkSession(socket, {
    delayMs,
    onMessage(ms) {
      messages++;
      heldMs += ms;
    },
  });
});
server.listen(0, '127.0.0.1', 1_000, () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  process.stdout.write(`${address.port}\n`);
  setInterval(say, COUNT_EVERY_MS);
});
