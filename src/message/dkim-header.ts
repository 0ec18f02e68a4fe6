import type { DkimIdentity } from '../domain/dkim.js';
import { relaxedValue } from './dkim-canonical.js';

/** Columns of a header line (RFC 5322 2.1.1), and of a signature's part in one. */
const LINE = 76;
const SIGNATURE_LINE = 72;
const FOLD = '\r\n ';

export interface HeaderValues {
  readonly identity: DkimIdentity;
  /** Of the signed fields, in lower case. */
  readonly names: readonly string[];
  /** In base64. */
  readonly bodyHash: string;
  /** Epoch seconds. */
  readonly time: number;
}

/** The header (RFC 6376 3.5) up to its signature. From is named twice, so that nobody adds another one (8.15). */
export function headerStart({ identity, names, bodyHash, time }: HeaderValues): string {
  const { algorithm, domain, selector } = identity;
  const tags = ['v=1', `a=${algorithm}`, 'c=relaxed/relaxed', `d=${domain}`, `s=${selector}`, `t=${time}`];
  const about = ['DKIM-Signature:', ...[...tags, `bh=${bodyHash}`].map((tag) => `${tag};`)];
  const signed = `h=${['from', ...names].join(':')};`.split(/(?<=:)/);
  return [...lines(about, ' '), ...lines(signed, ''), 'b='].join(FOLD);
}

/** What is signed of the header (3.7): all but the signature, without the line end. */
export function canonicalStart(start: string): string {
  return `dkim-signature:${relaxedValue(start.slice(start.indexOf(':') + 1))}`;
}

/** A signature in base64 as it stands behind the header's start, with the end of the header. */
export function headerEnd(signature: Buffer): string {
  const text = signature.toString('base64');
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += SIGNATURE_LINE) parts.push(text.slice(at, at + SIGNATURE_LINE));
  return `${parts.join(FOLD)}\r\n`;
}

/** Words in as few lines as hold them; a longer one has a line of its own. */
function lines(words: readonly string[], gap: string): string[] {
  const found: string[] = [];
  let line = '';
  for (const word of words) {
    if (line === '') line = word;
    else if (line.length + gap.length + word.length < LINE) line += gap + word;
    else {
      found.push(line);
      line = word;
    }
  }
  return [...found, line];
}
