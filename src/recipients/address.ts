import { domainToASCII } from 'node:url';
import { keyOf } from '../domain/address-key.js';
import type { RejectReason } from '../domain/recipient.js';

export type ParsedAddress =
  | {
      readonly ok: true;
      /** For the relay: the local part as written, `@`, the domain in ASCII and lower case. */
      readonly address: string;
      /** For comparing: the same, lower-cased as a whole. */
      readonly key: string;
    }
  | { readonly ok: false; readonly reason: RejectReason; readonly detail: string };

/** RFC 5321 4.5.3.1.1 to 4.5.3.1.3, in octets, of UTF-8 where it isn't ASCII (RFC 6531 3.3). A path is 256 with its angle brackets, so 254 are left. */
export const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;
export const MAX_ADDRESS = 254;

/** Nearly every address there is. Without `--`, so that `xn--` labels go the careful way. The rest decides what is not. */
const COMMON =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9]{1,31}(?:-[A-Za-z0-9]{1,31})?\.)+[A-Za-z]{2,63}$/;

/** Dot-string and quoted-string of RFC 5321 4.1.2. */
const DOT_STRING = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const QUOTED_STRING = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])+"$/;
/**
 * Outside ASCII RFC 6531 3.3 allows every character. Nobody has an address with one that is blank, invisible, turns the
 * direction of text, or is unassigned, except for the joiners, which Persian and Indic scripts write within words.
 */
const NO_ADDRESS = /[^\0-\x7f\P{Z}]|(?!\u200c|\u200d)[^\0-\x7f\P{C}]/u;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through.
const CONTROL = /[\0-\x1f\x7f-\x9f\u2028\u2029]/;
const NOT_ASCII = /[^\0-\x7f]/;
/** Tab, space, no-break space, byte order mark. */
const BLANKS: ReadonlySet<number> = new Set([0x09, 0x20, 0xa0, 0xfeff]);
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** A last label that makes URL parsers and resolvers take the whole domain for an IPv4 address. */
const NUMERIC = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/**
 * Reads an address as it stands in a list. Spaces and tabs around it are dropped. RFC 5321's limits and syntax hold;
 * a name or angle brackets around the address, comments and address literals (`[192.0.2.1]`) are refused. A domain of
 * one label, such as `localhost`, is allowed: a relay may know it. Domains outside ASCII become their A-labels (UTS 46).
 * A local part outside ASCII stays as written (RFC 6531): such an address needs a relay that offers SMTPUTF8.
 *
 * What comes out holds no control character, no space outside a quoted local part, and exactly one unquoted `@`.
 */
export function parseAddress(text: string): ParsedAddress {
  if (text.length <= MAX_ADDRESS && COMMON.test(text)) {
    const at = text.indexOf('@');
    if (at <= MAX_LOCAL) {
      const key = text.toLowerCase();
      return { ok: true, address: text === key ? key : text.slice(0, at) + key.slice(at), key };
    }
  }
  return parseCarefully(withoutBlanks(text));
}

function parseCarefully(text: string): ParsedAddress {
  if (text === '') return refuse('no-address', 'There is no address.');
  const at = text.lastIndexOf('@');
  if (at === -1) return refuse('no-at', 'There is no @ in it.');
  const local = text.slice(0, at);
  const written = text.slice(at + 1);
  const fault = localFault(local);
  if (fault) return fault;
  if (written === '') return refuse('domain-empty', 'Nothing stands after the @.');
  const domain = asciiDomain(written);
  if (typeof domain !== 'string') return domain;
  const address = `${local}@${domain}`;
  const octets = Buffer.byteLength(address);
  if (octets > MAX_ADDRESS) return refuse('address-too-long', `It has ${octets} octets; ${MAX_ADDRESS} are allowed.`);
  return { ok: true, address, key: keyOf(address) };
}

function localFault(local: string): ParsedAddress | null {
  if (local.length <= MAX_LOCAL && DOT_STRING.test(local)) return null;
  if (local === '' || local === '""') return refuse('local-empty', 'Nothing stands before the @.');
  if (CONTROL.test(local)) return refuse('local-syntax', 'A control character or a line break stands before the @.');
  if (NO_ADDRESS.test(local)) {
    return refuse('local-not-ascii', 'Before the @ stands a blank or invisible character outside ASCII.');
  }
  const octets = Buffer.byteLength(local);
  if (octets > MAX_LOCAL) {
    return refuse('local-too-long', `The part before the @ has ${octets} octets; ${MAX_LOCAL} are allowed.`);
  }
  // RFC 6531 3.3: what is outside ASCII may stand wherever a letter may.
  const plain = local.replace(/[^\0-\x7f]/g, 'x');
  if (DOT_STRING.test(plain) || QUOTED_STRING.test(plain)) return null;
  if (local.includes('<')) {
    return refuse('local-syntax', 'Only the address itself is allowed, without a name or angle brackets.');
  }
  if (local.includes('@')) return refuse('local-syntax', 'There is more than one @ in it.');
  return refuse(
    'local-syntax',
    'The part before the @ holds a space, a misplaced dot or another character that must be quoted.',
  );
}

/**
 * What domains outside ASCII came to: those of a list are few, and each costs more than all the rest of an address.
 * Bounded, for lists where they aren't.
 */
const KNOWN = new Map<string, string | ParsedAddress>();
const MAX_KNOWN = 1_000;

function asciiDomain(written: string): string | ParsedAddress {
  if (written.length > MAX_DOMAIN || !NOT_ASCII.test(written)) return mapDomain(written);
  const known = KNOWN.get(written);
  if (known !== undefined) return known;
  const domain = mapDomain(written);
  if (KNOWN.size === MAX_KNOWN) KNOWN.clear();
  KNOWN.set(written, domain);
  return domain;
}

/** The domain in ASCII and lower case, or why it is none. */
function mapDomain(written: string): string | ParsedAddress {
  if (CONTROL.test(written)) return refuse('domain-syntax', 'A control character or a line break stands after the @.');
  if (written.startsWith('['))
    return refuse('domain-syntax', 'An address literal in place of a domain is not supported.');
  // domainToASCII parses as the host of a URL: it would decode %41, cut at /?#: and turn 127.1 into 127.0.0.1. So
  // only letters, digits, hyphens, dots and what is outside ASCII may reach it, and the labels are checked after it.
  if (/[\0-,/:-@[-`{-\x7f]/.test(written))
    return refuse('domain-syntax', 'The domain holds a character that no domain has.');
  // Bounds the work of the mapping, which may shorten a name.
  if (written.length > 4 * MAX_DOMAIN) return tooLong(written.length);
  const lower = written.toLowerCase();
  const mapped = NOT_ASCII.test(written) || /(?:^|\.)xn--/.test(lower) ? domainToASCII(written) : lower;
  if (mapped === '') return refuse('domain-syntax', 'The domain has no valid form in ASCII.');
  if (mapped.length > MAX_DOMAIN) return tooLong(mapped.length);
  const labels = mapped.split('.');
  const bad = labels.find((label) => !LABEL.test(label));
  if (bad === '')
    return refuse('domain-syntax', 'The domain has an empty label: a dot at its start or end, or two in a row.');
  if (bad !== undefined) {
    const why =
      bad.length > 63 ? 'is longer than 63 octets' : 'starts or ends with a hyphen, or holds another character';
    return refuse('domain-syntax', `A label of the domain ${why}.`);
  }
  if (NUMERIC.test(labels.at(-1) ?? ''))
    return refuse('domain-syntax', 'The domain ends in a number, as an IP address does.');
  return mapped;
}

function tooLong(length: number): ParsedAddress {
  return refuse('domain-too-long', `The domain has ${length} octets; ${MAX_DOMAIN} are allowed.`);
}

/** By hand: `trim` would take line breaks too, and a regular expression is quadratic in a long run of spaces. */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && BLANKS.has(text.charCodeAt(start))) start++;
  while (end > start && BLANKS.has(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function refuse(reason: RejectReason, detail: string): ParsedAddress {
  return { ok: false, reason, detail };
}
