import { isUtf8 } from 'node:buffer';
import { FanmailError } from '../domain/errors.js';
import { countLineEnds, Survey, wholeCharacters } from './survey.js';

/** Turns bytes in blocks cut anywhere into text. Throws FanmailError LIST_UNREADABLE, naming the line of what is no such text. */
export interface Decoder {
  decode(block: Buffer): string;
  /** The same text in UTF-8, in whole characters. */
  recode(block: Buffer): Buffer;
  /** What is left; half a character is refused. */
  end(): string;
}

export interface DecoderOptions {
  /** The list's name for messages. */
  readonly source: string;
  /** The way out where the bytes are something else. */
  readonly hint: string;
}

export function utf8Decoder({ source, hint }: DecoderOptions): Decoder {
  let line = 1;
  let cut = Buffer.alloc(0);
  const checked = (bytes: Buffer): Buffer => {
    if (!isUtf8(bytes)) throw unreadable(source, 'UTF-8', line + linesBeforeFault(bytes), hint);
    line += countLineEnds(bytes);
    return bytes;
  };
  const recode = (block: Buffer): Buffer => {
    const bytes = cut.length === 0 ? block : Buffer.concat([cut, block]);
    const whole = wholeCharacters(bytes);
    cut = Buffer.from(bytes.subarray(whole));
    return checked(bytes.subarray(0, whole));
  };
  return {
    decode: (block) => recode(block).toString('utf8'),
    recode,
    end: () => checked(cut).toString('utf8'),
  };
}

/** A decoder that can make text does the rest by way of it: these encodings are rare. */
function byText(decoder: Omit<Decoder, 'recode'>): Decoder {
  return { ...decoder, recode: (block) => Buffer.from(decoder.decode(block)) };
}

function linesBeforeFault(bytes: Buffer): number {
  let lines = 0;
  for (let start = 0; ; lines++) {
    const end = bytes.indexOf(0x0a, start) + 1;
    if (end === 0 || !isUtf8(bytes.subarray(start, end))) return lines;
    start = end;
  }
}

/** UTF-16 (RFC 2781); a surrogate without its other half is refused. */
export function utf16Decoder(bigEndian: boolean, { source, hint }: DecoderOptions): Decoder {
  let line = 1;
  let cut = Buffer.alloc(0);
  const text = (bytes: Buffer): string => {
    const decoded = (bigEndian ? Buffer.from(bytes).swap16() : bytes).toString('utf16le');
    const lone = decoded.search(/\p{Surrogate}/u);
    if (lone !== -1) throw unreadable(source, 'UTF-16', line + lineEnds(decoded.slice(0, lone)), hint);
    line += lineEnds(decoded);
    return decoded;
  };
  return byText({
    decode(block) {
      const bytes = cut.length === 0 ? block : Buffer.concat([cut, block]);
      let whole = bytes.length & ~1;
      const last = bytes[bigEndian ? whole - 2 : whole - 1] ?? 0;
      // The first half of a pair waits for the second.
      if (whole > 0 && (last & 0xfc) === 0xd8) whole -= 2;
      cut = Buffer.from(bytes.subarray(whole));
      return text(bytes.subarray(0, whole));
    },
    end() {
      if (cut.length > 0) throw unreadable(source, 'UTF-16', line, hint);
      return '';
    },
  });
}

function lineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** 0x80 to 0x9F in Windows-1252, where Latin-1 has control characters; no character for the dots. */
const C1 = '€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ';

/** By hand: Node 20's own TextDecoder takes Windows-1252 for Latin-1 in some of its releases. */
export function windows1252Decoder({ source, hint }: DecoderOptions): Decoder {
  let line = 1;
  return byText({
    decode(block) {
      const latin1 = block.toString('latin1');
      const decoded = latin1.replace(/[\x80-\x9f]/g, (char, at: number) => {
        const found = C1[char.charCodeAt(0) - 0x80];
        if (found !== undefined && found !== '.') return found;
        throw unreadable(source, 'Windows-1252', line + lineEnds(latin1.slice(0, at)), hint);
      });
      line += lineEnds(latin1);
      return decoded;
    },
    end: () => '',
  });
}

/**
 * Windows-1252 that nobody asked for, guessed by its line `otherLine`: it goes on being looked through for what speaks
 * against it, since more of a stream comes, and a file may change.
 */
export function guessedDecoder(otherLine: number, options: DecoderOptions): Decoder {
  const survey = new Survey();
  const decoder = windows1252Decoder(options);
  const check = () => {
    const { utf8Line, foreignLine } = survey;
    refuseBadGuess({ utf8Line, foreignLine, otherLine }, options);
  };
  return byText({
    decode(block) {
      survey.push(block);
      check();
      return decoder.decode(block);
    },
    end() {
      survey.end();
      check();
      return decoder.end();
    },
  });
}

type Findings = Pick<Survey, 'utf8Line' | 'otherLine' | 'foreignLine'>;

/** Throws LIST_UNREADABLE where bytes that are no UTF-8 had better not be taken for Windows-1252. */
export function refuseBadGuess({ utf8Line, otherLine, foreignLine }: Findings, { source, hint }: DecoderOptions): void {
  if (otherLine === null) return;
  if (utf8Line !== null) {
    const message = `The list ${source} is UTF-8 on line ${utf8Line}, and something else on line ${otherLine}.`;
    throw new FanmailError('LIST_UNREADABLE', message, { hint });
  }
  if (foreignLine !== null) {
    const message = `The list ${source} is neither UTF-8 nor, as line ${foreignLine} shows, Windows-1252.`;
    throw new FanmailError('LIST_UNREADABLE', message, { hint });
  }
}

function unreadable(source: string, encoding: string, line: number, hint: string): FanmailError {
  return new FanmailError('LIST_UNREADABLE', `The list ${source} is not ${encoding}: see line ${line}.`, { hint });
}
