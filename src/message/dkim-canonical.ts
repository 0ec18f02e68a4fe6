/** The canonicalization `relaxed` (RFC 6376 3.4), which lets a relay fold headers anew and take blanks off the end of lines. */

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;

const TWO_SPACES = Buffer.from('  ');
const SPACE_CR = Buffer.from(' \r');
const END_OF_HEADERS = Buffer.from('\r\n\r\n');

/** Where bodies are put together, used again for each. */
let desk = Buffer.allocUnsafeSlow(65_536);

/** Where the empty line begins that ends the headers. */
export function endOfHeaders(message: Buffer, start: number): number {
  return message.indexOf(END_OF_HEADERS, start);
}

/** The last field of each name, in lower case, with its canonical value (3.4.2); a byte is a character. */
export function relaxedFields(headers: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of headers.split(/\r\n(?![ \t])/)) {
    const colon = field.indexOf(':');
    if (colon > 0) fields.set(field.slice(0, colon).trimEnd().toLowerCase(), relaxedValue(field.slice(colon + 1)));
  }
  return fields;
}

/** Blanks of other kinds, as a byte of UTF-8 may look like one, stay as they are. */
export function relaxedValue(value: string): string {
  return value.replace(/(?:\r\n|[ \t])+/g, ' ').replace(/^ | $/g, '');
}

/** A body (3.4.4) whose line ends are all CRLF, the last one too. Good until the next call. */
export function relaxedBody(message: Buffer, start: number): Buffer {
  const body = message.subarray(start);
  const asItIs = body.indexOf(TWO_SPACES) < 0 && body.indexOf(TAB) < 0 && body.indexOf(SPACE_CR) < 0;
  return withoutEmptyLines(asItIs ? body : withoutBlanks(body));
}

/** None at the end of a line, and one where several are. */
function withoutBlanks(body: Buffer): Buffer {
  if (desk.length < body.length) desk = Buffer.allocUnsafeSlow(body.length);
  let end = 0;
  let blank = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte === SPACE || byte === TAB) {
      blank = true;
      continue;
    }
    if (blank && byte !== CR) desk[end++] = SPACE;
    blank = false;
    desk[end++] = byte;
  }
  return desk.subarray(0, end);
}

/** Without those at its end; one of nothing else is empty. */
function withoutEmptyLines(body: Buffer): Buffer {
  let end = body.length;
  while (end >= 2 && body[end - 1] === LF && (end === 2 || body[end - 3] === LF)) end -= 2;
  return body.subarray(0, end);
}
