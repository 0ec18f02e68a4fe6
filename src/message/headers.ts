import { parseSender, quote } from './sender.js';

/** Columns of a header line: RFC 2047 2 allows 76 with encoded words, RFC 5322 2.1.1 wants no more than 78. */
export const LINE = 76;
const ENCODED_WORD = 75;
const PREFIX = '=?UTF-8?B?';
const SUFFIX = '?=';

/** An unstructured header of one line's text, folded, with its CRLF. Not ASCII: in encoded words (RFC 2047). */
export function textHeader(name: string, value: string): string {
  const plain = isPrintable(value) && !value.includes('=?');
  if (plain && name.length + 2 + value.length <= LINE) return `${name}: ${value}\r\n`;
  if (plain) {
    const folded = foldWords(name.length + 2, value.split(' '));
    if (folded !== null) return `${name}: ${folded}\r\n`;
  }
  return `${name}: ${encodedWords(name.length + 2, value)}\r\n`;
}

/** A header that holds one mailbox, as `parseSender` reads it. */
export function mailboxHeader(header: string, mailbox: string): string {
  const { name, address } = parseSender(mailbox);
  if (name === null) return addressHeader(header, address);
  const start = header.length + 2;
  const plain = isPrintable(name) && !name.includes('=?') && !name.includes('  ');
  // A quoted name isn't broken within the quotes, where some readers take the line break for a part of it.
  const phrase = mailbox.startsWith('"') ? quote(name) : name;
  const shown = plain && start + phrase.length <= LINE ? phrase : encodedWords(start, name);
  const last = shown.length - (shown.lastIndexOf('\n') + 1) + (shown.includes('\n') ? 0 : start);
  const gap = last + address.length + 3 <= LINE ? ' ' : '\r\n ';
  return `${header}: ${shown}${gap}<${address}>\r\n`;
}

/**
 * A header that holds one bare address. One outside ASCII stands there as it is (RFC 6532 3.2): its bytes in UTF-8, each
 * as the character of that number, which is how a header is written out.
 */
export function addressHeader(header: string, written: string): string {
  const address = isPrintable(written) ? written : Buffer.from(written).toString('latin1');
  const gap = header.length + 2 + address.length <= LINE ? ' ' : '\r\n ';
  return `${header}:${gap}${address}\r\n`;
}

/** `Sun, 22 Nov 2026 20:45:01 +0000` (RFC 5322 3.3). */
export function dateHeader(epochMs: number): string {
  return `Date: ${new Date(epochMs).toUTCString().replace('GMT', '+0000')}\r\n`;
}

function isPrintable(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value);
}

/** Null where a word is too long for a line, or there is an empty one, whose line would hold nothing but blanks. */
function foldWords(start: number, words: readonly string[]): string | null {
  let folded = '';
  let column = start;
  for (const [index, word] of words.entries()) {
    if (word === '' || word.length >= LINE) return null;
    if (index === 0) {
      if (column + word.length > LINE) return null;
      folded = word;
      column += word.length;
    } else if (column + 1 + word.length > LINE) {
      folded += `\r\n ${word}`;
      column = 1 + word.length;
    } else {
      folded += ` ${word}`;
      column += 1 + word.length;
    }
  }
  return folded;
}

/** Each at most 75 columns, on a line of its own, and never with a part of a character (RFC 2047 5). */
function encodedWords(start: number, value: string): string {
  const bytes = Buffer.from(value, 'utf8');
  const words: string[] = [];
  for (let from = 0; from < bytes.length; ) {
    const room = Math.min(words.length === 0 ? LINE - start : LINE - 1, ENCODED_WORD) - PREFIX.length - SUFFIX.length;
    let to = Math.min(from + Math.floor(room / 4) * 3, bytes.length);
    // 10xxxxxx continues a character.
    while (to < bytes.length && ((bytes[to] as number) & 0xc0) === 0x80) to--;
    words.push(`${PREFIX}${bytes.toString('base64', from, to)}${SUFFIX}`);
    from = to;
  }
  return words.join('\r\n ');
}
