import { appendFileSync, readFileSync } from 'node:fs';
import { type Action, type ScriptEvent, startScriptRelay } from './script-relay.js';

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
  /** At RCPT, beyond so many a second (and a tenth of a second's at once), addresses of a pattern get this reply. */
  readonly limit?: { readonly pattern: string; readonly perSecond: number; readonly reply: string };
  /** Before each reply to a message. */
  readonly delayMs?: number;
  readonly extensions?: readonly string[];
  /** Offers STARTTLS; the files of key and certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The first that fits does; each time is written to the record's neighbour, `<record>.faults`. */
  readonly faults?: readonly RelayFault[];
}

/** Something that goes wrong at a stage: the first times, every n-th time, for addresses of a pattern, or after so many messages. */
export interface RelayFault {
  readonly stage: ScriptEvent['stage'];
  readonly every?: number;
  /** So many times for each address, which is empty before MAIL. */
  readonly first?: number;
  readonly pattern?: string;
  /** From this many messages on, on one connection. */
  readonly afterMessages?: number;
  readonly action: Omit<Action, 'pieces'> & { readonly pieces?: readonly string[] };
}

const scenario = JSON.parse(process.argv[2] ?? '{}') as Scenario;
const { permanent } = scenario;
const refused = typeof permanent === 'string' ? new RegExp(permanent) : null;
const listed = new Set(typeof permanent === 'string' ? [] : permanent);
const transient = scenario.transient && new RegExp(scenario.transient.pattern);
const tries = new Map<string, number>();
const faults = (scenario.faults ?? []).map((fault) => ({
  ...fault,
  seen: 0,
  times: new Map<string, number>(),
  matches: fault.pattern === undefined ? null : new RegExp(fault.pattern),
}));

function faultOf({ stage, address, messages }: ScriptEvent): Action | undefined {
  for (const fault of faults) {
    if (fault.stage !== stage || (fault.matches && !fault.matches.test(address))) continue;
    if (messages < (fault.afterMessages ?? 0)) continue;
    fault.seen += 1;
    if (fault.seen % (fault.every ?? 1) !== 0) continue;
    const before = fault.times.get(address) ?? 0;
    if (before >= (fault.first ?? Number.POSITIVE_INFINITY)) continue;
    fault.times.set(address, before + 1);
    appendFileSync(`${scenario.record}.faults`, `${JSON.stringify({ stage, address })}\n`);
    return fault.action;
  }
  return undefined;
}

function refusalOf({ stage, address }: ScriptEvent): Action | undefined {
  if (stage !== 'rcpt') return undefined;
  if (listed.has(address) || refused?.test(address)) return { reply: '550 5.1.1 no such user here' };
  if (!transient?.test(address)) return undefined;
  const before = tries.get(address) ?? 0;
  if (before >= (scenario.transient?.times ?? 0)) return undefined;
  tries.set(address, before + 1);
  return { reply: '451 4.3.0 try again later' };
}

const limited = scenario.limit && new RegExp(scenario.limit.pattern);
let allowedFrom = 0;

function limitOf({ stage, address }: ScriptEvent): Action | undefined {
  const { limit } = scenario;
  if (!limit || stage !== 'rcpt' || !limited?.test(address)) return undefined;
  const now = performance.now();
  const from = Math.max(allowedFrom, now - 100);
  if (from > now) return { reply: limit.reply };
  allowedFrom = from + 1000 / limit.perSecond;
  return undefined;
}

const relay = await startScriptRelay({
  record: scenario.record,
  port: scenario.port ?? 0,
  ...(scenario.delayMs ? { replyDelayMs: scenario.delayMs } : {}),
  ...(scenario.tls ? { tls: { key: readFileSync(scenario.tls.key), cert: readFileSync(scenario.tls.cert) } } : {}),
  ...(scenario.extensions ? { extensions: scenario.extensions } : {}),
  behave: (event) => faultOf(event) ?? refusalOf(event) ?? limitOf(event),
});
process.on('SIGTERM', () => void relay.stop().then(() => process.exit(0)));
process.stdin.resume().on('end', () => void relay.stop().then(() => process.exit(0)));
// Last: whoever reads it may send the signal at once.
process.stdout.write(`${JSON.stringify({ port: relay.port })}\n`);
