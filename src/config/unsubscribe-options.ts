import { option } from './option.js';
import { line, parsed } from './parse.js';

const LONGEST_URL = 500;
/** A browser and a test on this machine need no certificate; anywhere else, whoever reads along could unsubscribe people. */
const LOCAL = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Where links to unsubscribe lead, without the slash at the end; undefined for anything that can't be one. */
function unsubscribeUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, username, password, search, hash, href } = new URL(text);
  const secure = protocol === 'https:' || (protocol === 'http:' && LOCAL.test(hostname));
  if (!secure || username || password || search || hash || /[?#]/.test(text)) return undefined;
  const base = href.replace(/\/+$/, '');
  return base.length <= LONGEST_URL ? base : undefined;
}

/** `127.0.0.1:8080`, `[::1]:8080` or `8080`. */
function listenOn(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, ipv6, name, digits = ''] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  return digits === '' || port > 65_535 ? undefined : { host: ipv6 ?? name ?? '127.0.0.1', port };
}

/** How recipients unsubscribe: part of the table of options.ts. */
export const UNSUBSCRIBE_OPTIONS = {
  unsubscribeUrl: option({
    describe: 'Where links to unsubscribe lead, such as https://news.example.com/u; fanmail serve has to answer there',
    commands: ['launch', 'check', 'preview', 'rehearse'],
    env: 'FANMAIL_UNSUBSCRIBE_URL',
    schema: parsed(
      `an address with https (or http to localhost), without login, ? and #, of up to ${LONGEST_URL} characters`,
      unsubscribeUrl,
    ),
  }),
  unsubscribeMailto: option({
    describe: 'The address for mail that unsubscribes, which fanmail suppress unsubscribe - has to read',
    commands: ['launch', 'check', 'preview', 'rehearse'],
    env: 'FANMAIL_UNSUBSCRIBE_MAILTO',
    schema: line(),
  }),
  listen: option({
    describe: 'Where to answer by HTTP: a port of 127.0.0.1, or an address with its port',
    commands: ['serve'],
    env: 'FANMAIL_LISTEN',
    schema: parsed('a port, or an address with its port, such as 8080, 127.0.0.1:8080 or [::1]:8080', listenOn),
    default: '127.0.0.1:8080',
  }),
} as const;
