import type { Reply } from '../domain/outcome.js';

/** RFC 5321 4.5.3.1.5 says 512; relays write longer ones. */
const LINE_LIMIT = 4096;
const REPLY_LIMIT = 65_536;
const TEXT_LIMIT = 200;

const LF = 10;
const CR = 13;
const DASH = 45;
const SPACE = 32;

/**
 * Reads replies from bytes in pieces of any size (RFC 5321 4.2.1). Feed it with `push`, then call `next` until it says
 * null; from then on the bytes may be used for something else. Strict: what is not `ddd-text`, `ddd text` or `ddd`, or changes its code within a reply, is malformed, and so is
 * all that follows.
 */
export class ReplyParser {
  #bytes: Buffer | null = null;
  #at = 0;
  /** Up to where #bytes is known to hold no line end. */
  #searched = 0;
  #code = 0;
  #lines: string[] = [];
  #size = 0;
  #malformed = false;

  /** True while bytes wait that belong to no reply given out yet. */
  get pending(): boolean {
    return this.#bytes !== null || this.#lines.length > 0;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
    this.#searched -= this.#at;
    this.#at = 0;
  }

  next(): Reply | 'malformed' | null {
    while (this.#bytes !== null && !this.#malformed) {
      const end = this.#bytes.indexOf(LF, this.#searched);
      if (end < 0) return this.#unfinished(this.#bytes);
      const last = this.#line(this.#bytes, end);
      if (last) return this.#complete();
    }
    return this.#malformed ? 'malformed' : null;
  }

  #unfinished(bytes: Buffer): 'malformed' | null {
    if (bytes.length - this.#at > LINE_LIMIT) {
      this.#malformed = true;
      return 'malformed';
    }
    this.#bytes = Buffer.from(bytes.subarray(this.#at));
    this.#at = 0;
    this.#searched = this.#bytes.length;
    return null;
  }

  /** Takes the line that ends at `end`; true where it is a reply's last. */
  #line(bytes: Buffer, end: number): boolean {
    const start = this.#at;
    const stop = end > start && bytes[end - 1] === CR ? end - 1 : end;
    this.#at = this.#searched = end + 1;
    if (this.#at === bytes.length) {
      this.#bytes = null;
      this.#at = this.#searched = 0;
    }
    const code = codeAt(bytes, start, stop);
    const mark = stop - start === 3 ? SPACE : bytes[start + 3];
    this.#size += end - start;
    const strange = code === 0 || (mark !== SPACE && mark !== DASH) || (this.#lines.length > 0 && code !== this.#code);
    if (strange || end - start > LINE_LIMIT || this.#size > REPLY_LIMIT) {
      this.#malformed = true;
      return false;
    }
    this.#code = code;
    this.#lines.push(bytes.toString('utf8', Math.min(start + 4, stop), stop));
    return mark === SPACE;
  }

  #complete(): Reply {
    const lines = this.#lines;
    this.#lines = [];
    this.#size = 0;
    return lines.length === 1 ? oftenSaid(this.#code, lines[0] as string) : makeReply(this.#code, lines);
  }
}

/** A relay says the same to nearly every MAIL, RCPT and DATA. */
const SAID_MOST = 200;
const said = new Map<string, Reply>();

function oftenSaid(code: number, line: string): Reply {
  const known = said.get(line);
  if (known?.code === code) return known;
  if (said.size >= SAID_MOST) said.clear();
  const reply = makeReply(code, [line]);
  said.set(line, reply);
  return reply;
}

/** The code 200 to 599 of a line, or 0. */
function codeAt(bytes: Buffer, start: number, stop: number): number {
  if (stop - start < 3) return 0;
  const a = (bytes[start] ?? 0) - 48;
  const b = (bytes[start + 1] ?? 0) - 48;
  const c = (bytes[start + 2] ?? 0) - 48;
  return a < 2 || a > 5 || b < 0 || b > 9 || c < 0 || c > 9 ? 0 : a * 100 + b * 10 + c;
}

const ENHANCED = /^([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)/;

/**
 * A reply from its code and the texts of its lines. An enhanced status code (RFC 2034, 3463) stands at the head of every
 * line; one whose class is another than the code's is taken for text.
 */
export function makeReply(code: number, lines: readonly string[]): Reply {
  let enhanced: readonly [number, number] | undefined;
  const texts: string[] = [];
  for (const line of lines) {
    const found = ENHANCED.exec(line);
    if (found !== null && Number(found[1]) === Math.floor(code / 100)) {
      enhanced ??= [Number(found[2]), Number(found[3])];
      texts.push(line.slice(found[0].length));
    } else texts.push(line);
  }
  const text = plain(texts.join(' '));
  return enhanced === undefined ? { code, text } : { code, enhanced, text };
}

/** A stranger's words on one line: no control, format or separator characters, at most 200 UTF-16 units. */
export function plain(text: string): string {
  if (/^[\x21-\x7e]?(?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/.test(text)) return text;
  const flat = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return flat.slice(0, TEXT_LIMIT).replace(/[\ud800-\udbff]$/, '');
}

export function positive(reply: Reply): boolean {
  return reply.code < 300;
}

export function refusal(reply: Reply): boolean {
  return reply.code >= 400;
}
