const DOT = 0x2e;
const LINE_DOT = Buffer.from('\r\n.');
const CRLF = Buffer.from('\r\n');
export const FINAL_DOT = Buffer.from('.\r\n');

/**
 * The content as it goes over the wire, without the final dot: a dot at the head of a line doubled (RFC 5321 4.5.2), and
 * ending in CRLF. Copies only where something changes. Lines end in CRLF: a composer's duty, not checked here.
 */
export function stuffed(content: Buffer): Buffer {
  const { length } = content;
  const ended = length >= 2 && content[length - 2] === 13 && content[length - 1] === 10;
  let found = content.indexOf(LINE_DOT);
  if (ended && found < 0 && content[0] !== DOT) return content;
  const pieces: Buffer[] = [];
  if (content[0] === DOT) pieces.push(FINAL_DOT.subarray(0, 1));
  let from = 0;
  while (found >= 0) {
    pieces.push(content.subarray(from, found + 3));
    from = found + 2;
    found = content.indexOf(LINE_DOT, from + 1);
  }
  pieces.push(content.subarray(from));
  if (!ended) pieces.push(CRLF);
  return Buffer.concat(pieces);
}
