import { listenForSignals } from '../../src/runtime/signals.js';

/** A program that takes wishes: says each one to standard output, and ends when it is told to stop. */
const signals = listenForSignals();
const alive = setInterval(() => {}, 1_000);
signals.quiet.addEventListener('abort', () => process.stdout.write(`quiet ${signals.received()}\n`));
signals.stop.addEventListener('abort', () => {
  process.stdout.write(`stop ${signals.stop.reason}\n`);
  signals.dispose();
  clearInterval(alive);
});
process.stdout.write('ready\n');
