import { appendFileSync } from 'node:fs';

// A child process for the tests of the supervisor: writes down what happens to it.
const [journal, mode] = process.argv.slice(2);
const note = (what) => appendFileSync(journal, `${process.pid} ${what}\n`);

process.on('SIGTERM', () => {
  note('SIGTERM');
  if (mode !== 'stubborn') process.exit(0);
});
process.on('disconnect', () => {
  note('disconnect');
  process.exit(0);
});
note(`started ${process.env.GREETING ?? ''} ${process.env.HOME === undefined ? 'alone' : 'inherited'}`);
if (mode === 'dies') process.exit(7);
setInterval(() => {}, 1_000);
