import { randomInt } from 'node:crypto';
import process from 'node:process';
import { HELP, parseOptions, UsageError } from '../test/soak/options.js';
import { soak } from '../test/soak/soak.js';

/** Campaigns under random faults, for as long as wanted: `npm run soak -- --help`. */
async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), () => randomInt(2 ** 32));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  return soak(options, (text) => process.stdout.write(text), stop.signal);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  },
);
