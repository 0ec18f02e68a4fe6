#!/usr/bin/env node
import { placesOf, processEnvironment } from '../config/environment.js';
import { ERRORS, EXIT, FanmailError } from '../domain/errors.js';
import { printableLines } from '../report/format.js';
import { createLogger, scrubText } from '../runtime/logger.js';
import { listenForSignals } from '../runtime/signals.js';
import { parseCommand } from './command-line.js';
import { runCommand } from './commands.js';
import type { Session } from './session.js';
import { openTerminal } from './terminal.js';
import { version } from './version.js';

/** The command line: parses, runs one command, prints what went wrong, and ends with the code that says it. */
async function main(): Promise<number> {
  const around = { env: processEnvironment(), cwd: process.cwd() };
  try {
    const places = placesOf(around);
    const terminal = openTerminal(!places.noColor);
    const parsed = await parseCommand(process.argv.slice(2), terminal);
    if (parsed === null) return EXIT.ok;
    return await runCommand(parsed, around, (logLevel, logFile): Session => {
      const signals = listenForSignals();
      const log = createLogger({ level: logLevel, ...(logFile === null ? {} : { file: logFile }) });
      return { terminal, log, quiet: signals.quiet, stop: signals.stop, version, ...around, places };
    });
  } catch (error) {
    // A list, a template or a Redis may have put anything into what is quoted here.
    return explain(error, (text) => void process.stderr.write(`${printableLines(text)}\n`));
  }
}

/** One place that words errors: what, where, the way out; for a defect, the stack. */
function explain(error: unknown, say: (text: string) => void): number {
  if (error instanceof FanmailError) {
    say(`fanmail: ${scrubText(error.message)}`);
    // Hints are our own words, and show forms such as user:password@host.
    if (error.hint) say(error.hint.replace(/^/gm, '  '));
    say(`  (${error.code})`);
    return ERRORS[error.code];
  }
  say(`fanmail: ${scrubText(error instanceof Error ? (error.stack ?? error.message) : String(error))}`);
  return EXIT.failure;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe has left.
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});
process.exitCode = await main();
// What a pipe has not taken yet is lost at the exit.
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve));
// Sockets that linger (a relay's, an idle prompt's) must not keep a finished command alive.
process.exit();
