import { FanmailError } from '../domain/errors.js';

export type EncodingChoice = 'auto' | 'utf-8' | 'utf-16' | 'windows-1252';
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

export const SAVE_AS = 'Save the list as UTF-8, in a spreadsheet for example as "CSV UTF-8".';

/** A byte order mark and its length. */
export interface Mark {
  readonly encoding: Encoding;
  readonly bytes: number;
}

export function markOf(first: Buffer): Mark | null {
  if (first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf) return { encoding: 'utf-8', bytes: 3 };
  if (first[0] === 0xff && first[1] === 0xfe) return { encoding: 'utf-16le', bytes: 2 };
  if (first[0] === 0xfe && first[1] === 0xff) return { encoding: 'utf-16be', bytes: 2 };
  return null;
}

/** Throws LIST_UNREADABLE for what is often given as a list, and is no text. */
export function refuseOtherFormats(first: Buffer, source: string): void {
  if (first.indexOf('PK\x03\x04', 0, 'latin1') !== 0) return;
  const message = `The list ${source} is a zip file, perhaps a spreadsheet (.xlsx, .ods).`;
  throw new FanmailError('LIST_UNREADABLE', message, { hint: SAVE_AS });
}

/** What the byte order mark or the operator says; null where that is open. Throws LIST_UNREADABLE where they disagree. */
export function declaredEncoding(
  first: Buffer,
  mark: Mark | null,
  encoding: EncodingChoice,
  source: string,
): Encoding | null {
  const marked = mark?.encoding ?? null;
  if (encoding === 'auto') return marked;
  if (marked !== null && !marked.startsWith(encoding)) {
    const message = `The list ${source} begins with the mark of ${marked.slice(0, 6).toUpperCase()}, so it is no ${encoding}.`;
    throw new FanmailError('LIST_UNREADABLE', message, { hint: 'Leave out --encoding: the mark is enough.' });
  }
  if (encoding !== 'utf-16') return encoding;
  // Without a mark the first character tells: it is ASCII in nearly every list.
  return marked ?? (first[0] === 0 && first[1] !== 0 ? 'utf-16be' : 'utf-16le');
}
