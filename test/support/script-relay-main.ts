import { startScriptRelay } from './script-relay.js';

/**
 * The script relay as a process of its own: `tsx test/support/script-relay-main.ts '<scenario as JSON>'`. Prints
 * `{"port":…}` on standard output and runs until SIGTERM or the end of its standard input.
 */
export interface Scenario {
  readonly record: string;
  readonly port?: number;
  /** Refused with 550 5.1.1: these addresses, or those that a pattern matches. */
  readonly permanent?: readonly string[] | string;
  /** Refused with 451 4.3.0 the first `times` times each. */
  readonly transient?: { readonly pattern: string; readonly times: number };
  /** Before each reply to a message. */
  readonly delayMs?: number;
  readonly extensions?: readonly string[];
}

const scenario = JSON.parse(process.argv[2] ?? '{}') as Scenario;
const { permanent } = scenario;
const refused = typeof permanent === 'string' ? new RegExp(permanent) : null;
const listed = new Set(typeof permanent === 'string' ? [] : permanent);
const transient = scenario.transient && new RegExp(scenario.transient.pattern);
const tries = new Map<string, number>();

const relay = await startScriptRelay({
  record: scenario.record,
  port: scenario.port ?? 0,
  ...(scenario.delayMs ? { replyDelayMs: scenario.delayMs } : {}),
  ...(scenario.extensions ? { extensions: scenario.extensions } : {}),
  behave({ stage, address }) {
    if (stage !== 'rcpt') return undefined;
    if (listed.has(address) || refused?.test(address)) return { reply: '550 5.1.1 no such user here' };
    if (!transient?.test(address)) return undefined;
    const before = tries.get(address) ?? 0;
    if (before >= (scenario.transient?.times ?? 0)) return undefined;
    tries.set(address, before + 1);
    return { reply: '451 4.3.0 try again later' };
  },
});
process.stdout.write(`${JSON.stringify({ port: relay.port })}\n`);
process.on('SIGTERM', () => void relay.stop().then(() => process.exit(0)));
process.stdin.resume().on('end', () => void relay.stop().then(() => process.exit(0)));
