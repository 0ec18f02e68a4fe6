import { Parser } from 'htmlparser2';
import { count, printable } from '../../report/format.js';
import { type Finding, type FindingCode, finding } from './finding.js';

/** Named of each kind. */
const NAMED = 3;
const LONGEST_NAME = 60;

/** What a link may be beside an address of the web: it leaves the mail program by itself, or stays within the message. */
const OTHER_LINK = /^(?:mailto:|tel:|sms:|cid:|data:|#|$)/i;

/** What mail programs, filters and screen readers hold against the HTML of a message, which is that to one recipient. */
export function contentFindings(html: string): Finding[] {
  const seen = look(html);
  return [
    ...found('IMAGE_WITHOUT_ALT', seen.withoutAlt, 'image without an alt text', 'images without an alt text', ALT),
    ...found('LINK_RELATIVE', seen.relative, 'address that is relative', 'addresses that are relative', RELATIVE),
    ...found('LINK_INSECURE', seen.insecure, 'address by http', 'addresses by http', INSECURE),
  ];
}

const ALT = 'Write alt="…" with what it shows, or alt="" where it is decoration: many mail programs show no pictures.';
const RELATIVE = 'Write it whole, with https:// in front: a message has no place that it could be relative to.';
const INSECURE = 'Write https://, where the server has it: mail programs warn of the other, and filters count it.';

interface Seen {
  /** The addresses of pictures. */
  readonly withoutAlt: string[];
  /** Addresses of links and pictures. */
  readonly relative: string[];
  readonly insecure: string[];
}

function look(html: string): Seen {
  const seen: Seen = { withoutAlt: [], relative: [], insecure: [] };
  const parser = new Parser({
    onopentag(name, { src, href, alt }) {
      if (name === 'img' && alt === undefined) seen.withoutAlt.push(src ?? '');
      const address = (name === 'img' ? src : name === 'a' || name === 'area' ? href : undefined)?.trim();
      if (address === undefined || OTHER_LINK.test(address)) return;
      if (/^http:/i.test(address)) seen.insecure.push(address);
      else if (!/^https:\/\/[^/]/i.test(address)) seen.relative.push(address);
    },
  });
  parser.end(html);
  return seen;
}

function found(code: FindingCode, addresses: readonly string[], one: string, many: string, hint: string): Finding[] {
  if (addresses.length === 0) return [];
  const named = [...new Set(addresses)].slice(0, NAMED).map((address) => printable(address).slice(0, LONGEST_NAME));
  const more = new Set(addresses).size > NAMED ? ', …' : '';
  const what = addresses.length === 1 ? `an ${one}` : `${count(addresses.length)} ${many}`;
  return [finding(code, `${what} in the HTML: ${named.join(', ')}${more}`, hint)];
}
