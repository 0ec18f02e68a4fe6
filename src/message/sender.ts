import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { FanmailError } from '../domain/errors.js';

/** A mailbox (RFC 5322 3.4) of the campaign's own: its sender, or where replies go. */
export interface Sender {
  /** `Name <local@domain>` or `local@domain`, the name quoted where it must be, in Unicode. Parses to itself. */
  readonly header: string;
  /** Without quotes; null where there is none. */
  readonly name: string | null;
  /** `local@domain`, the domain in ASCII and lower case. */
  readonly address: string;
  readonly domain: string;
}

const QUOTED_NAME = /^"((?:[^"\\]|\\.)*)"\s*<([^<>]*)>$/;
const PLAIN_NAME = /^([^"<>]*)<([^<>]*)>$/;
/** RFC 5322 3.2.3, without quoted strings: no provider gives out such an address. */
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** RFC 5322 3.2.3 atoms and the spaces between them, and a dot, which 4.1 makes readers accept in names. */
const PHRASE = /^[a-z0-9!#$%&'*+/=?^_`{|}~. -]*$/i;

/**
 * Reads `Name <local@domain>` or `local@domain`: exactly one mailbox, within the limits of RFC 5321 4.5.3.1.
 * Throws FanmailError SENDER_INVALID that names the text and what is wrong with it.
 */
export function parseSender(text: string): Sender {
  const trimmed = text.trim();
  if (/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(trimmed)) throw invalid(text, 'it holds control characters');
  const quoted = QUOTED_NAME.exec(trimmed);
  const plain = quoted ? null : PLAIN_NAME.exec(trimmed);
  const rawName = quoted?.[1]?.replace(/\\(.)/gu, '$1') ?? plain?.[1] ?? '';
  if (plain && /[,;@]/.test(rawName)) throw invalid(text, 'it has more than one address, or a name that needs quotes');
  const name = rawName.replace(/\s+/g, ' ').trim();
  const { address, domain } = parseAddress(text, (quoted ?? plain)?.[2]?.trim() ?? trimmed);
  if (name === '') return { header: address, name: null, address, domain };
  const shown = PHRASE.test(name) || isWord(name) ? name : quote(name);
  return { header: `${shown} <${address}>`, name, address, domain };
}

/** A name in quotes (RFC 5322 3.2.4). */
export function quote(name: string): string {
  return `"${name.replace(/["\\]/g, '\\$&')}"`;
}

/** Letters and marks of any script with spaces and dots: needs no quotes to be read back. */
function isWord(name: string): boolean {
  return /^[\p{L}\p{M}\p{N}. '-]*$/u.test(name);
}

function parseAddress(text: string, address: string): { address: string; domain: string } {
  const at = address.lastIndexOf('@');
  if (at < 0) throw invalid(text, `${JSON.stringify(address)} has no @`);
  const local = address.slice(0, at);
  if (!LOCAL.test(local)) throw invalid(text, `${JSON.stringify(local)} before the @ is no local part`);
  if (local.length > 64) throw invalid(text, `the local part has ${local.length} characters; allowed are 64`);
  const domain = domainToASCII(address.slice(at + 1)).toLowerCase();
  const labels = domain.split('.');
  if (domain.length > 253 || isIP(domain) || !labels.every((label) => LABEL.test(label))) {
    throw invalid(text, `${JSON.stringify(address.slice(at + 1))} is no domain name`);
  }
  if (local.length + 1 + domain.length > 254) throw invalid(text, 'the address is longer than 254 characters');
  return { address: `${local}@${domain}`, domain };
}

function invalid(text: string, problem: string): FanmailError {
  return new FanmailError('SENDER_INVALID', `${JSON.stringify(text)} is no sender: ${problem}.`, {
    hint: 'Write one address: news@example.com, or "Example News" <news@example.com>.',
  });
}
