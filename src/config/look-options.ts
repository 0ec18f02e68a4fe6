import { isIP } from 'node:net';
import { option, toggle } from './option.js';
import { count, line, parsed } from './parse.js';

/** Looking before launching: part of the table of options.ts. */
export const LOOK_OPTIONS = {
  row: option({
    describe: 'Which recipient to show, counting those that can be sent to; the first where not given',
    commands: ['preview'],
    schema: count(1, 1_000_000_000),
  }),
  email: option({ describe: 'Show the message to this address', commands: ['preview'], schema: line() }),
  open: toggle(['preview'], 'Show the message in the browser, as wide as a phone and as a desktop'),
  strict: toggle(['check'], 'Take warnings for refusals'),
  dns: option({
    describe: "Whom to ask about the sender's domain: system, off, or the IP address of a DNS server",
    commands: ['check'],
    env: 'FANMAIL_DNS',
    schema: parsed('system, off, or an IP address such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353', dns),
    default: 'system',
  }),
} as const;

/** `server` as node:dns takes it. */
type Dns = 'system' | 'off' | { readonly server: string };

function dns(text: string): Dns | undefined {
  if (text === 'system' || text === 'off') return text;
  const [, inBrackets, plain, port = '53'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const server = inBrackets ?? plain ?? text;
  const version = isIP(server);
  const fits = inBrackets === undefined ? plain === undefined || version === 4 : version === 6;
  if (version === 0 || !fits || text.includes('%') || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { server: text };
}
