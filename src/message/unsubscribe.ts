import { TEST_TOKEN, type TokenOf, type UnsubscribeOptions } from '../domain/unsubscribe.js';
import { LINE } from './headers.js';

/** How messages say that one can unsubscribe. */
export interface Unsubscribing extends UnsubscribeOptions {
  readonly tokenOf: TokenOf;
}

/** What a message to one recipient says of it. */
export interface UnsubscribeParts {
  /** Whole lines, with their CRLF. */
  readonly headers: string;
  /** Null: only a mail can be written. */
  readonly url: string | null;
}

/** Where links of a test lead; null where there are none. */
export function testUrl(url: string | null): string | null {
  return url === null ? null : `${url}/${TEST_TOKEN}`;
}

/** Links that look as they will, and by which nobody is unsubscribed. */
export function testUnsubscribing(options: UnsubscribeOptions | null | undefined): Unsubscribing | null {
  return options ? { ...options, tokenOf: () => TEST_TOKEN } : null;
}

/**
 * The List-Unsubscribe header (RFC 2369 3.2) with an address of the web, of mail, or of both, in this order, each whole on a
 * line; and with https the List-Unsubscribe-Post of RFC 8058 3.1, by which mail programs unsubscribe without a page.
 */
export function unsubscribeParts({ url, mailto, tokenOf }: Unsubscribing): (address: string) => UnsubscribeParts {
  const before = url === null ? '' : `${url}/`;
  const mailBefore = mailto === null ? '' : `<${mailtoUrl(mailto)}?subject=`;
  const post = url?.startsWith('https:') ? 'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n' : '';
  return (address) => {
    const token = tokenOf(address);
    const link = url === null ? null : before + token;
    const all = [...(link === null ? [] : [`<${link}>`]), ...(mailto === null ? [] : [`${mailBefore}${token}>`])];
    const [first = ''] = all;
    const gap = NAME.length + 1 + first.length < LINE ? ' ' : '\r\n ';
    return { headers: `${NAME}${gap}${all.join(',\r\n ')}\r\n${post}`, url: link };
  };
}

const NAME = 'List-Unsubscribe:';

/** RFC 6068 2: what has a meaning in a URL is encoded, and so is what isn't ASCII. */
function mailtoUrl(address: string): string {
  const at = address.lastIndexOf('@');
  return `mailto:${encodeURIComponent(address.slice(0, at))}@${address.slice(at + 1)}`;
}
