import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { startScriptRelay } from '../support/script-relay.js';
import { behaviourOf, type Mood } from './mood.js';

/**
 * A relay with a mood, as a process of its own: `tsx test/soak/relay-main.ts '<RelayTask as JSON>'`. Prints `{"port":…}`
 * and runs until SIGTERM or the end of its standard input. Writes what it accepts to the record, and what it does wrong
 * to `<record>.faults`.
 */
export interface RelayTask {
  readonly record: string;
  /** 0: any. */
  readonly port: number;
  readonly mood: Mood;
}

const { record, port, mood } = JSON.parse(process.argv[2] ?? '') as RelayTask;
const relay = await startScriptRelay({
  record,
  port,
  replyDelayMs: mood.delayMs,
  extensions: [...(mood.pipelining ? ['PIPELINING'] : []), 'SIZE 10485760', 'ENHANCEDSTATUSCODES'],
  behave: behaviourOf(mood, (line) => appendFileSync(`${record}.faults`, `${JSON.stringify(line)}\n`)),
});
process.stdout.write(`${JSON.stringify({ port: relay.port })}\n`);
process.on('SIGTERM', () => void relay.stop().then(() => process.exit(0)));
process.stdin.resume().on('end', () => void relay.stop().then(() => process.exit(0)));
